"""The right of the head against its left."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import check, check_option
from ..spectra import power_density
from ..windows import Windows
from ..windows.columns import by_pair
from . import primitives as p
from .bands import FLOOR, averaging, usual_bands

_NAMED = re.compile(r"^(?:EEG\s+)?([A-Za-z]+)(\d+)(?:-(?:REF|LE|AVG?))?$", re.IGNORECASE)
_PLACES = (
    "FP", "AFP", "AF", "AFF", "F", "FFC", "FFT", "FC", "FT", "FCC", "FTT", "C", "T", "CCP", "TTP", "CP", "TP",
    "CPP", "TPP", "P", "PPO", "PO", "POO", "O", "OI", "I", "A", "M",
)  # fmt: skip
"""Letters of the 10-5 system, Oostenveld and Praamstra 2001, doi:10.1016/S1388-2457(00)00527-7, and ears."""


def asymmetry(
    windows: Windows,
    *,
    bands: Mapping[str, Sequence[float]] | None = None,
    pairs: Sequence[Sequence[str]] | None = None,
) -> Windows:
    """Describe windows by how much more power the right of a pair of channels has than the left.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V.
    bands : mapping of str to [low, high], 0 or more, optional
        In Hz, low <= f < high; the usual ones of the modality when not given.
    pairs : list of [left, right], optional
        Names of channels. When not given the pairs that names of the 10-20 system make: F3 and F4, TP9 and
        TP10.

    Returns
    -------
    Windows
        Features such as ``asym_alpha_F3_F4``, float64: log10 of the mean density of the right channel less
        that of the left, 0.0001 uV^2/Hz added to both; 0 where both stand still.

    Raises
    ------
    BiotransferError
        When no pair is found, or a name of ``pairs`` is no channel.

    Notes
    -----
    Source: Davidson 1992, doi:10.1016/0278-2626(92)90065-T; frontal alpha asymmetry is ``asym_alpha_F3_F4``.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_eeg
    >>> from biotransfer.signals.windows import cut_windows
    >>> asymmetry(cut_windows(simulate_eeg(n_subjects=1)), bands={"alpha": [8, 13]}).names
    ('asym_alpha_TP9_TP10', 'asym_alpha_AF7_AF8')
    """
    p.check_signals(windows, "asymmetry")
    assert windows.sfreq is not None
    chosen = usual_bands("features asymmetry", bands, windows.modality, windows.sfreq)
    sides = _opposite(windows.names) if pairs is None else _given(pairs, windows.names)
    left, right = (np.array(side) for side in zip(*sides, strict=True))
    n, _, n_times = windows.X.shape
    average = averaging(np.arange(n_times // 2 + 1) * (windows.sfreq / n_times), chosen)
    out = np.empty((n, len(chosen), len(sides)))
    for rows, X in p.chunks(windows):
        power = np.log10(power_density(X, windows.sfreq)[1] @ average + FLOOR)
        out[rows] = (power[:, right] - power[:, left]).swapaxes(1, 2)
    columns = [one for band in chosen for one in by_pair(f"asym_{band}", sides, windows.names, "log10(1)")]
    given = {"bands": bands and dict(bands), "pairs": pairs and [list(pair) for pair in pairs]}
    said = {key: value for key, value in given.items() if value is not None}
    return windows.with_features(out.reshape(n, -1), columns, p.step_name("asymmetry", **said))


def _opposite(ch_names: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of left and right channels: odd numbers, and the even ones that follow them."""
    place = {}
    for i, name in enumerate(ch_names):
        found = _NAMED.match(name)
        if found and found[1].upper() in _PLACES:
            place[found[1].upper(), int(found[2])] = i
    pairs = [(i, place[word, k + 1]) for (word, k), i in place.items() if k % 2 and (word, k + 1) in place]
    check(
        pairs,
        f"features='asymmetry' finds no left and right among the channels {', '.join(ch_names[:8])}"
        f"{', ...' if len(ch_names) > 8 else ''}. Expected 10-20 names, such as F3 and F4. Name them: "
        "features: {name: asymmetry, pairs: [[left, right]]}, or leave the set out.",
    )
    return pairs


def _given(pairs: Sequence[Sequence[str]], ch_names: Sequence[str]) -> list[tuple[int, int]]:
    for pair in pairs:
        check(
            isinstance(pair, (list, tuple)) and len(pair) == 2 and pair[0] != pair[1],
            f"features asymmetry: pairs holds {pair!r}. Expected two channels, such as [F3, F4].",
        )
        for name in pair:
            check_option("features asymmetry: pairs", name, ch_names)
    check(len(pairs) > 0, "features asymmetry: pairs=[] is empty. Name one, such as [F3, F4].")
    return [(ch_names.index(left), ch_names.index(right)) for left, right in pairs]
