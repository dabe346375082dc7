"""The one place that imports braindecode, late: it takes seconds, and torchaudio may not load."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...edges import load_torchaudio
from ...errors import BiotransferError, check


def load_braindecode(module: str = "braindecode") -> Any:
    """Import and return braindecode, or one of its modules.

    Parameters
    ----------
    module : str
        Dotted name, such as "braindecode.models".

    Raises
    ------
    BiotransferError
        When braindecode, or something it needs, is not installed.
    """
    import mne

    try:
        with warnings.catch_warnings(), mne.utils.use_log_level("ERROR"):
            warnings.simplefilter("ignore")
            load_torchaudio()
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise BiotransferError(
            f"{module} cannot be imported: {error}. Type: pip install 'biotransfer[braindecode]'"
        ) from error


@contextmanager
def listening() -> Iterator[list[str]]:
    """Keep what braindecode says while a model is built, instead of showing it.

    Yields
    ------
    list of str
        Filled in at the end: the warnings that concern the user, each once. Deprecations are
        braindecode's own matter.
    """
    import mne

    notes: list[str] = []
    with warnings.catch_warnings(record=True) as said, mne.utils.use_log_level("ERROR"):
        warnings.simplefilter("always")
        yield notes
    notes += dict.fromkeys(str(w.message) for w in said if w.category in (UserWarning, RuntimeWarning))


def channel_info(names: Sequence[str], sfreq: float) -> list[Any]:
    """Return MNE's channel records with the places of the 10-05 system.

    Parameters
    ----------
    names : sequence of str
        Names of the 10-05 system, such as ``["TP9", "AF7", "AF8", "TP10"]``.
    sfreq : float
        Sampling rate in Hz.

    Raises
    ------
    BiotransferError
        For a name that has no place.
    """
    import mne

    names_of_montages = mne.channels.get_builtin_montages()
    newer = "colin27_1005"
    montage = mne.channels.make_standard_montage(newer if newer in names_of_montages else "standard_1005")
    unknown = [name for name in names if name not in montage.ch_names]
    check(
        not unknown and len(set(names)) == len(names),
        f"channels={list(names)}: {', '.join(unknown) or 'a repeated name'} has no place in the 10-05 "
        "system. Name one electrode per channel, such as [TP9, AF7, AF8, TP10].",
    )
    info = mne.create_info(list(names), sfreq, "eeg")
    info.set_montage(montage)
    return info["chs"]
