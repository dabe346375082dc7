"""Simulated EEG and EMG as a data set that a recipe can name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...catalog import Entry
from ...errors import check, check_option
from ..recording import MODALITIES, Recording
from ..simulate import simulate_eeg, simulate_emg
from .loaded import Loaded

_SIMULATORS: dict[str, Callable[..., list[Recording]]] = {"eeg": simulate_eeg, "emg": simulate_emg}


def load_simulated(
    folder: Path | None,
    *,
    modality: str,
    n_subjects: int = 6,
    classes: Any = None,
    shared: float = 0.5,
    seed: int = 0,
    options: dict | None = None,
) -> Loaded:
    """Simulate EEG or EMG; both with the same ``shared`` and ``seed`` make a pair.

    Parameters
    ----------
    folder : None
        Not used: there are no files.
    modality : {"eeg", "emg"}
        Which simulator. A recipe's section says it.
    n_subjects : int, 1 to 500
        Number of people.
    classes : int or list of str, optional
        How many classes, or their names. Default: 3 states in EEG, 4 gestures in EMG.
    shared : float, 0 to 1
        Amount of structure shared by the two modalities, from 0 to 1.
    seed : int, 0 or more
        Draws everything.
    options : dict, optional
        Further arguments of ``simulate_eeg`` or ``simulate_emg`` by name.

    Returns
    -------
    Loaded
        Recordings as the simulator returns them.

    Raises
    ------
    BiotransferError
        On an unknown option, or a value the simulator refuses.
    """
    simulate = _SIMULATORS[check_option("modality", modality, MODALITIES)]
    given: dict[str, Any] = {"n_subjects": n_subjects, "shared": shared, "seed": seed}
    if classes is not None:
        given["classes"] = classes
    free = [name for name in inspect.signature(simulate).parameters if name not in {*given, "classes"}]
    check(
        options is None or isinstance(options, dict),
        f"options={options!r} is no mapping. Write options: {{{free[0]}: ...}}.",
    )
    for name in options or {}:
        check_option(f"options of simulated {modality}", name, free)
    return Loaded(simulate(**given, **(options or {})))


ENTRY = Entry(
    name="simulated",
    summary="EEG and EMG with a known amount of shared structure; no human was recorded.",
    function=load_simulated,
    source="own",
    facts={
        "size_mb": 0,
        "license": "none needed",
        "origin": "biotransfer.signals.simulate",
        "reads": lambda **_: (Path(), []),
    },
)
