"""Windows of signals -> Windows of named features; batched numpy, one function and one entry per set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import overload

import numpy as np

from ...errors import BiotransferError, check_option, for_each, one_or_many
from ..windows import Windows, concatenate
from .catalog import FEATURES
from .combining import Sets, Spec, describe, resolve_sets

__all__ = ["FEATURES", "extract_features", "resolve_sets"]

DTYPES = ("float32", "float64")
_CHUNK = 1024


@overload
def extract_features(windows: Windows, spec: Spec = "statistical", *, dtype: str = "float32") -> Windows: ...
@overload
def extract_features(
    windows: Iterable[Windows], spec: Spec = "statistical", *, dtype: str = "float32"
) -> list[Windows]: ...
def extract_features(
    windows: Windows | Iterable[Windows],
    spec: Spec = "statistical",
    *,
    dtype: str = "float32",
) -> Windows | list[Windows]:
    """Describe windows of signals by a feature set, or by several side by side.

    Parameters
    ----------
    windows : Windows or iterable of Windows
        Signals of shape (n_windows, n_chans, n_times) in V.
    spec : str, mapping or list of such
        Name of a feature set, or ``{"name": ..., parameter: value}``; columns of a list stand side by side.
    dtype : {"float32", "float64"}
        Precision of what comes out; all sets compute in float64.

    Returns
    -------
    Windows or list of Windows
        X of shape (n_windows, n_features), finite; the history says which set, ``columns`` and ``units`` what
        each column is. ``bird2020`` with its lag makes no row of a window that has none before it. A list
        for many, in their order.

    Raises
    ------
    BiotransferError
        On an unknown name or parameter, two columns of one name, windows that are no signals, or features
        that are not finite: the recordings and columns are named, and of many the windows.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_pair
    >>> from biotransfer.signals.windows import cut_windows
    >>> eeg, emg = simulate_pair(n_subjects=1, seed=0)
    >>> made = extract_features(cut_windows(eeg), ["band_power", "time_domain"])
    >>> made.names[0], made.units[0], made.names[-1], made.units[-1]
    ('delta_TP9', 'log10(uV^2/Hz)', 'ssc_TP10', '1/s')
    """
    check_option("dtype", dtype, DTYPES)
    if isinstance(windows, Windows):
        return _extract(windows, resolve_sets(spec), dtype)
    many = one_or_many("windows", windows, Windows, "Type: cut_windows(recordings).")
    sets = resolve_sets(spec)
    return for_each("windows", many, lambda one: _extract(one, sets, dtype))


def _extract(windows: Windows, sets: Sets, dtype: str) -> Windows:
    name = " + ".join(entry.name for entry, _ in sets)
    chunk = len(windows) if any(entry.facts["lag"] for entry, _ in sets) else _CHUNK
    parts = []
    for begin in range(0, max(len(windows), 1), max(chunk, 1)):
        part = (
            windows
            if chunk >= len(windows)
            else windows.take(np.arange(begin, min(begin + chunk, len(windows))))
        )
        features = describe(part, sets)
        with np.errstate(over="ignore"):
            X = features.X.astype(dtype, copy=False)
        _check_finite(X, features, name)
        parts.append(replace(features, X=X))
    return concatenate(parts)


def _check_finite(X: np.ndarray, features: Windows, name: str) -> None:
    finite = np.isfinite(X)
    if finite.all():
        return
    row, column = np.argwhere(~finite)[0]
    columns = [features.names[i] for i in np.flatnonzero(~finite.all(axis=0))]
    bad = ~finite.all(axis=1)
    recordings = features.metadata.loc[bad, "recording"].unique()
    others = "" if name == "statistical" else ", or use features: statistical, finite for such channels"
    raise BiotransferError(
        f"features={name!r} gives {X[row, column]} in {int(bad.sum())} of {len(X)} windows of "
        f"{len(recordings)} recordings and {len(columns)} columns, the first at "
        f"{features.metadata['start'].iloc[row]:.2f} s of {recordings[0]!r} in {features.names[column]!r}: a "
        "channel that stands still (a saturated amplifier, a lost electrode), or a window of fewer samples "
        f"than channels, has no such value. Leave the channel or the recording out{others}."
    )
