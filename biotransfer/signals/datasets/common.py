"""What all readers share: choosing subjects, joining independent files, comparing contents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np

from ...errors import check, did_you_mean
from ..recording import EDGE, natural_sorted

NEAR_COPY = 0.9


@dataclass(frozen=True)
class Stretch:
    """Samples ``first`` up to, not including, ``last`` of a file that carry one label."""

    first: int
    last: int
    label: str
    run: str


@dataclass(frozen=True)
class Piece:
    """The signal of one file, or of a part of it that nothing may cross.

    Parameters
    ----------
    data : ndarray, shape (n_chans, n_samples), in V
        The signal.
    label, run : str
        Of all of it, where ``stretches`` does not say otherwise.
    source_file : str
        The file, relative to the data set's folder.
    stretches : tuple of Stretch, optional
        What carries a label, when that is not all of it. An empty tuple says that nothing does.
    """

    data: np.ndarray
    label: str
    run: str
    source_file: str
    stretches: tuple[Stretch, ...] | None = None

    @property
    def labelled(self) -> tuple[Stretch, ...]:
        """What carries a label."""
        if self.stretches is None:
            return (Stretch(0, self.data.shape[1], self.label, self.run),)
        return self.stretches


def join_pieces(
    pieces: Sequence[Piece], ch_names: Sequence[str], sfreq: float, modality: str
) -> mne.io.RawArray:
    """Join independent files into one Raw, with a boundary that nothing may cross between them.

    Parameters
    ----------
    pieces : sequence of Piece
        Signals in V, in the order they were recorded.
    ch_names : sequence of str
        Channel names.
    sfreq : float
        Sampling rate in Hz.
    modality : {"eeg", "emg"}
        Type of all channels.

    Returns
    -------
    mne.io.RawArray
        One labelled annotation per stretch, whose ``extras`` hold its run and source file; the edge before a
        file names it too.
    """
    lengths = np.array([piece.data.shape[1] for piece in pieces])
    starts = (np.cumsum(lengths) - lengths) / sfreq
    info = mne.create_info(list(ch_names), sfreq, modality)
    raw = mne.io.RawArray(np.concatenate([p.data for p in pieces], axis=1), info, verbose="error")
    marks = [
        (start + stretch.first / sfreq, (stretch.last - stretch.first) / sfreq, stretch, piece)
        for start, piece in zip(starts, pieces, strict=True)
        for stretch in piece.labelled
    ]
    edges = list(zip(starts, pieces, strict=True))[bool(pieces[0].labelled) :]
    extras: list[Any] = [{"run": s.run, "source_file": p.source_file} for _, _, s, p in marks]
    raw.set_annotations(
        mne.Annotations(
            onset=np.concatenate([[onset for onset, _, _, _ in marks], [start for start, _ in edges]]),
            duration=np.concatenate([[duration for _, duration, _, _ in marks], np.zeros(len(edges))]),
            description=[s.label for _, _, s, _ in marks] + [EDGE] * len(edges),
            extras=extras + [{"source_file": piece.source_file} for _, piece in edges],
        ),
        emit_warning=False,  # MNE rounds to microseconds; an end one of them too late is no news
    )
    return raw


def choose(what: str, wanted: Sequence[Any] | None, available: Iterable[str]) -> list[str]:
    """Return ``wanted`` in its own order, or all that is ``available``, sorted.

    Parameters
    ----------
    what : str
        "subjects of 'myodisco'", for the message.
    wanted : sequence or None
        Names; numbers are taken as names.
    available : iterable of str
        What there is.

    Raises
    ------
    BiotransferError
        On a bare string, an empty or repeated choice, or an unknown name.
    """
    available = list(available)
    if wanted is None:
        return natural_sorted(available)
    key = what.split(" ")[0]
    check(
        not isinstance(wanted, str) and len(wanted) > 0,
        f"{key}={wanted!r} is no list of names. Write {key}: [{available[0] if available else '...'}].",
    )
    names = [str(item) for item in wanted]
    for name in names:
        check(
            name in available,
            f"{what}: {name!r} is not there.{did_you_mean(name, available)} "
            f"Use some of: {', '.join(natural_sorted(available)) or 'none'}.",
        )
    check(len(set(names)) == len(names), f"{key}={names} names one twice. Name each once.")
    return names


def choose_classes(name: str, wanted: Sequence[Any] | None, available: Sequence[str]) -> tuple[str, ...]:
    """Return the classes in the order asked for, or all in the data set's own order."""
    return tuple(available) if wanted is None else tuple(choose(f"classes of {name!r}", wanted, available))


def identical_share(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of sample times at which two signals agree in every channel.

    Parameters
    ----------
    a, b : ndarray, shape (n_chans, n_samples)
        Signals; the longer one is cut to the shorter. Signals of differing channel counts share nothing.

    Examples
    --------
    >>> identical_share(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 2.0, 0.0, 5.0]]))
    0.6666666666666666
    """
    n = min(a.shape[1], b.shape[1])
    if n == 0 or len(a) != len(b):
        return 0.0
    return float((a[:, :n] == b[:, :n]).all(axis=0).mean())
