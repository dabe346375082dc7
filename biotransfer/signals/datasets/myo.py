"""What every recording of a Myo armband shares, whoever published it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import BiotransferError

SFREQ = 200.0
CHANNELS = tuple(f"EMG{i}" for i in range(1, 9))
VOLTS_PER_COUNT = 1e-6
LOWEST, HIGHEST = -128, 127
UNIT_CAVEAT = (
    "The armband publishes no gain: counts are read as 1 microvolt each, a nominal value, so that only "
    "relative amplitudes mean something."
)
DEVICE_FACTS = {
    "modality": "emg",
    "n_chans": len(CHANNELS),
    "sfreq": SFREQ,
    "unit": "signed 8-bit counts, read as 1e-6 V each (nominal)",
}


def check_counts(counts: np.ndarray, path: Path | str, what: str = "line") -> None:
    """Refuse numbers that no Myo armband gives.

    Parameters
    ----------
    counts : ndarray, shape (n_samples, 8)
        As they stand in the file.
    path : Path or str
        The file, for the message.
    what : str
        What a row of the file is called.

    Raises
    ------
    BiotransferError
        With the first value that is not whole or not of 8 bits, its row and channel.
    """
    wrong = (counts < LOWEST) | (counts > HIGHEST) | (counts != np.round(counts))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise BiotransferError(
            f"{str(path)!r} holds {counts[row, column]:g} in {what} {row + 1}, column {CHANNELS[column]!r}. "
            f"Expected whole counts from {LOWEST} to {HIGHEST}, as a Myo armband gives. Check the file."
        )
