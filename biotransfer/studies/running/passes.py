"""What frozen bodies make of windows, kept by content among prepared data: one pass per body and windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BiotransferError
from ...files import DamagedError
from ..recipe import digest
from .cache import cache_folder, drop_entry, find_entry, make_entries, prove_entry
from .code import code_uid

KIND = "passes"
_FILE = "features.npy"
_CODE = ("edges", "learning/layers", "learning/networks")
_LIBRARIES = ("braindecode", "torch")


def keep_features(facts: Mapping[str, Any], make: Callable[[], np.ndarray]) -> np.ndarray:
    """Return what a frozen body makes of windows: as it was kept, else made now and kept.

    Parameters
    ----------
    facts : mapping
        What the array depends on, in plain values: network, digests of its body and of the windows.
    make : callable
        Makes the array.

    Notes
    -----
    What is not as it was written is removed and made again.
    """
    key = digest([code_uid(_CODE, _LIBRARIES), dict(facts)])
    place = find_entry(KIND, key)
    if place is not None:
        try:
            prove_entry(place)
            found: np.ndarray = np.load(place / _FILE, allow_pickle=False)
            return found
        except (BiotransferError, DamagedError, OSError, ValueError):
            drop_entry(cache_folder() / KIND / key)
    made = make()

    def write(places: Mapping[str, Path]) -> None:
        np.save(places[KIND] / _FILE, made, allow_pickle=False)

    make_entries({KIND: key}, write)
    return made
