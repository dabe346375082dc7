"""What a source network is trained on, by name: the source itself, or a control that lacks its knowledge."""

from __future__ import annotations

from typing import Any

from ...errors import check
from ...signals.features import extract_features
from ...signals.features.combining import Spec
from ...signals.windows import Windows
from .catalog import SOURCES
from .sources import invent_labels, shuffled_labels


def make_source(
    windows: Windows,
    source: str = "supervised",
    seed: int = 0,
    *,
    features: Spec | None = None,
    **parameters: Any,
) -> Windows:
    """Return what a source network is trained on.

    Parameters
    ----------
    windows : Windows
        Of the source: signals for "noise", "phase" and "simulated"; signals or features for the others.
    source : str
        A name of ``SOURCES``, which is what :func:`.make_arms` calls the weights trained on it.
    seed : int
        Draws a control.
    features : str, mapping or list of such, optional
        The feature set that signals are described by, once the control is made of them.
    **parameters
        Those of the entry.

    Returns
    -------
    Windows
        As many as given, of the same people.

    Raises
    ------
    BiotransferError
        On an unknown name or parameter, or a source that is made from signals where windows are features.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_emg
    >>> from biotransfer.signals.windows import cut_windows
    >>> windows = cut_windows(simulate_emg(n_subjects=2))
    >>> make_source(windows, "noise", seed=0, features="time_domain").history[-1]
    'labels invented'
    """
    entry, given = SOURCES.resolve({"name": source, **parameters})
    check(
        entry.facts["made_from"] == "windows" or windows.is_signal,
        f"source={source!r} is made from signals, and windows hold {len(windows.names)} features. Pass "
        "what cut_windows gave, and features=... to describe the control by.",
    )
    made: Windows = entry.function(windows, seed, **given)
    if features is not None and made.is_signal:
        made = extract_features(made, features)
    return invent_labels(made, seed) if source == "noise" and given["kind"] == "gaussian" else made


def permute_again(windows: Windows, source: str, seed: int, **parameters: Any) -> Windows:
    """Permute the labels of some of a control's windows, as the control does with all.

    Parameters
    ----------
    windows : Windows
        Some windows of the source or the control, with the labels that the source has.
    source, seed, **parameters
        As for :func:`make_source`.

    Returns
    -------
    Windows
        The same windows; unchanged for a source that keeps its labels.
    """
    _, given = SOURCES.resolve({"name": source, **parameters})
    if source == "shuffled_labels":
        return shuffled_labels(windows, seed)
    return invent_labels(windows, seed) if source == "noise" and given["kind"] == "gaussian" else windows
