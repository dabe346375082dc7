"""Windows that are rejected for their amplitude: by a fixed range, or one found in their own recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ...errors import check
from ...settings import Reader, Settings, UnexpectedError, key, maybe, number
from ..recording import Recording
from .piece import Piece

RULES = ("auto", "autoreject")
_MICROVOLT = 1e-6
_MAD_TO_SD = 1.4826
_FOLDS = 10


def _above() -> Reader:
    def accept(where: str, given: Any) -> str | float:
        if isinstance(given, str) and given in RULES:
            return given
        if isinstance(given, str):
            raise UnexpectedError(" is no rule")
        return float(number(above=0, unit="microvolt").accepts(where, given))

    return Reader(f"{', '.join(RULES)}, or a number of microvolt above 0", accept)


@dataclass(frozen=True)
class Reject(Settings):
    """Which windows are rejected, in recordings as they are preprocessed; labels are not looked at."""

    SECTION = "windows.reject"
    ALONE = "above"

    above: str | float | None = key(
        "Range (largest minus smallest value) in any channel above which a window is rejected, in microvolt. "
        "auto: per recording and channel, by a robust rule; autoreject: per recording, by cross-validation "
        "(package autoreject).",
        maybe(_above()),
        "auto",
    )
    factor: float = key(
        "For auto: robust standard deviations of the logarithm of the range above its median.",
        number(above=0),
        5.0,
    )
    flat: float | None = key(
        "Range in any channel up to which a window is rejected as flat, in microvolt.",
        maybe(number(0, unit="microvolt")),
        0.001,
    )

    def agree(self) -> None:
        """Refuse a rule that rejects nothing, or needs a package that is not installed."""
        check(
            self.above is not None or self.flat is not None,
            "windows.reject: above and flat are both nothing. Expected one of them. Write reject: auto, or "
            "leave reject out.",
        )
        check(
            self.above != "autoreject" or find_spec("autoreject") is not None,
            "windows.reject.above='autoreject' needs the package autoreject, which is not installed. Type: "
            "pip install 'biotransfer[cleaning]'",
        )


def rejected(
    recording: Recording, pieces: Sequence[Piece], settings: Reject, data: np.ndarray | None = None
) -> np.ndarray:
    """Say which windows of one recording are rejected.

    Parameters
    ----------
    recording : Recording
        As it is preprocessed, in V.
    pieces : sequence of Piece
        Its windows.
    settings : Reject
        By which rule. What a rule finds, it finds in the windows of this recording, whatever their label: no
        other recording and no other person decides.
    data : ndarray, shape (n_chans, n_samples), optional
        The recording's signals, where they are at hand.

    Returns
    -------
    ndarray, shape (n_windows,), bool
        True where a window is rejected.

    Raises
    ------
    BiotransferError
        When autoreject has fewer than ten windows to look at.

    Notes
    -----
    Source: own rule for "auto": the median of the logarithm of the range, plus ``factor`` times 1.4826 times
    the median absolute deviation. Jas et al. 2017, doi:10.1016/j.neuroimage.2017.06.030, for "autoreject"
    (its global threshold).
    """
    if not pieces:
        return np.zeros(0, dtype=bool)
    if data is None:
        data = recording.raw.get_data(picks=recording.picks)
    ranges = np.stack([np.ptp(data[:, p.first : p.last], axis=1) for p in pieces])
    out = np.zeros(len(pieces), dtype=bool)
    if settings.flat is not None:
        out |= (ranges <= settings.flat * _MICROVOLT).any(axis=1)
    if settings.above is not None:
        out |= (ranges > _limits(recording, pieces, settings, data, ranges[~out])).any(axis=1)
    return out


def _limits(
    recording: Recording, pieces: Sequence[Piece], settings: Reject, data: np.ndarray, ranges: np.ndarray
) -> np.ndarray:
    """Return the largest range that every channel may have, in V."""
    if settings.above == "autoreject":
        return np.full(len(data), _cross_validated(recording, pieces, data))
    if settings.above != "auto":
        return np.full(len(data), float(settings.above or 0.0) * _MICROVOLT)
    if not len(ranges):
        return np.full(len(data), np.inf)
    size = np.log(np.maximum(ranges, np.finfo(float).tiny))
    middle = np.median(size, axis=0)
    spread = _MAD_TO_SD * np.median(np.abs(size - middle), axis=0)
    return np.asarray(np.exp(middle + settings.factor * spread) * (1 + 1e-9))


def _cross_validated(recording: Recording, pieces: Sequence[Piece], data: np.ndarray) -> float:
    """Return the range that autoreject finds in windows of which none overlaps another."""
    import mne
    from autoreject import get_rejection_threshold

    apart: list[Piece] = []
    for piece in sorted(pieces, key=lambda p: p.first):
        if not apart or piece.first >= apart[-1].last:
            apart.append(piece)
    check(
        len(apart) >= _FOLDS,
        f"windows.reject.above='autoreject': {recording.uid!r} has {len(apart)} windows side by side. "
        f"Expected {_FOLDS} or more to cross-validate. Use reject: auto.",
    )
    size = min(p.last - p.first for p in apart)
    X = np.stack([data[:, p.first : p.first + size] for p in apart])
    info = mne.create_info(recording.ch_names, recording.sfreq, "eeg")  # the type that autoreject takes
    epochs = mne.EpochsArray(X, info, verbose="error")
    found = get_rejection_threshold(epochs, ch_types="eeg", random_state=0, verbose=False)
    return float(found["eeg"])


def say_rejection(settings: Reject) -> str:
    """Say which windows were rejected, for the history and the Methods paragraph."""
    rules = []
    if settings.above == "auto":
        rules.append(
            f"a range more than {settings.factor:g} robust SD (of its logarithm) above the median of their "
            "recording in any channel"
        )
    elif settings.above == "autoreject":
        rules.append("a range above the one that autoreject found in their recording")
    elif settings.above is not None:
        rules.append(f"a range above {settings.above:g} uV in any channel")
    if settings.flat is not None:
        rules.append(f"a range up to {settings.flat:g} uV")
    return f"rejected those with {' or '.join(rules)}"
