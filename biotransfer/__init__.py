"""Settle whether what a network learns on one biosignal helps it on another.

Names are loaded when they are used: importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

__version__ = "0.2.0"

_HOMES = {
    "errors": ["BiotransferError"],
    "registry": ["register"],
    "signals.recording": ["Recording"],
    "signals.datasets.saved": ["save_recordings"],
    "signals.datasets.saved_windows": ["save_windows"],
    "signals.simulate": ["simulate_eeg", "simulate_emg", "simulate_pair"],
    "signals.datasets": [
        "fetch",
        "from_arrays",
        "from_folder",
        "from_raws",
        "from_table",
        "guess_folder",
        "load_dataset",
    ],
    "signals.datasets.bids": ["from_bids"],
    "signals.datasets.moabb": ["from_moabb"],
    "signals.mains": ["find_line_freq"],
    "signals.preprocessing": ["preprocess"],
    "signals.quality": ["apply_decisions", "findings_table", "inspect_recordings", "read_decisions"],
    "signals.account": ["account"],
    "signals.windows": ["Windows", "concatenate", "cut_windows", "from_epochs", "to_epochs"],
    "signals.exchange": ["from_braindecode", "to_bids", "to_braindecode"],
    "signals.features": ["extract_features"],
    "signals.splits": ["Split", "make_splits"],
    "learning.weights": ["Weights", "load_weights", "save_weights"],
    "learning.hub": ["pull_weights", "push_weights"],
    "learning.networks": ["Network", "build_network", "deepen", "load_checkpoint", "replace_head", "widen"],
    "transfer.align": ["Alignment", "fit_alignment"],
    "transfer.carry": ["Arm", "make_arms"],
    "learning.training": ["Schedule"],
    "learning.training.curves": ["Curves"],
    "learning.training.running": ["train"],
    "transfer.pretrain.held_out": ["hold_out_people"],
    "transfer.pretrain.making": ["make_source"],
    "transfer.pretrain.training": ["Pretrained", "pretrain"],
    "results": ["Results", "load_results"],
    "evidence.metrics": ["measure_curves"],
    "evidence.verdicts": ["compare"],
    "evidence.pooling": ["pool_studies"],
    "evidence.side_by_side": ["compare_studies"],
    "studies.recipe": ["Recipe", "load_recipe"],
    "studies.running": ["Study", "run_study"],
    "studies.running.checking": ["check_study"],
    "studies.running.listing": ["list_studies"],
    "studies.running.rerunning": ["Rerun", "rerun_study"],
    "studies.running.verifying": ["verify_study"],
    "pages.figures": [
        "plot_account",
        "plot_before_after",
        "plot_learning_curves",
        "plot_psd",
        "plot_recording",
        "plot_verdicts",
    ],
    "pages.report": ["methods_text", "write_comparison", "write_index", "write_pooled", "write_report"],
    "pages.tracking": ["export_study"],
    "sklearn": ["TransferClassifier"],
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_MOVED = {
    "arms": "transfer.carry",
    "movement": "evidence.changes",
    "pretraining": "transfer.pretrain",
    "search": "studies.topologies",
    "selection": "transfer.select",
    "study": "studies.running",
}
_ROOMS = ("signals", "learning", "transfer", "evidence", "studies", "pages")

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    elif name.startswith("_"):
        raise AttributeError(f"module 'biotransfer' has no attribute {name!r}")
    else:
        value = _place(name)
    globals()[name] = value
    return value


def _place(name: str) -> Any:
    """Return a module by its own name, or that of 0.1.0, whatever room it stands in."""
    if name in _MOVED:
        return import_module(f".{_MOVED[name]}", __name__)
    for where in (__name__, *(f"{__name__}.{room}" for room in _ROOMS)):
        if find_spec(f"{where}.{name}") is not None:
            return import_module(f"{where}.{name}")
    raise AttributeError(f"module 'biotransfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_ROOMS})
