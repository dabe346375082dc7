"""The same signal under two names: copies found by content, whatever their names, rate, gain or filter.

A copy may be cut elsewhere, hold part of the original, be resampled, rescaled, filtered or covered by noise,
or stand as another modality, so no hash of a file or window finds it. Prints of recordings are correlated at
every shift, and what no two recordings reach by luck is a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...errors import check
from ..windows import Windows
from .prints import BAND, RATE, Print, fingerprint
from .split import Split

FALSE_ALARM = 1e-6
"""Largest probability of one false copy in a whole search."""
LEAST_AGREEMENT = 0.45
_LONGEST = int(20 * RATE)
_FREE = 2 * (BAND[1] - BAND[0]) / RATE
_BLOCK = 4096


@dataclass(frozen=True)
class Copy:
    """A recording that holds what another recording holds.

    Parameters
    ----------
    first, second : str
        Names of the recordings.
    first_subject, second_subject : str
        Whose they are.
    lag : float
        In s: what stands at t in the first stands at t + lag in the second.
    seconds : float
        How long the stretch is that agreed best; the copy may be longer.
    agreement : float
        Correlation of the whitened signals there, 0 to 1.
    """

    first: str
    second: str
    first_subject: str
    second_subject: str
    lag: float
    seconds: float
    agreement: float

    def turned(self) -> Copy:
        """Return the same with first and second exchanged."""
        return Copy(
            self.second, self.first, self.second_subject, self.first_subject, -self.lag, self.seconds,
            self.agreement,
        )  # fmt: skip


def find_copies(windows: Windows, other: Windows | None = None) -> list[Copy]:
    """Find signal that stands in two recordings.

    Parameters
    ----------
    windows : Windows
        Signals, as cut; features remember too little of where they come from.
    other : Windows, optional
        Other signals, of any rate, channels and modality: copies are looked for between the two, not inside
        either. By default between the recordings of ``windows``.

    Returns
    -------
    list of Copy
        One of every pair of recordings that share signal; with ``other`` its recordings are ``second``.

    Raises
    ------
    BiotransferError
        For features.

    Notes
    -----
    Source: own. Stretches of up to 20 s of every print (:func:`.prints.fingerprint`) are correlated with
    every longer recording at every shift. Of unrelated signals D = n (r1^2 + r2^2), with the correlations of
    both rows of the print and n the independent samples (2 x 42 Hz x duration), is chi-squared with two
    degrees of freedom, so that one shift in exp(D / 2) reaches D. A copy exceeds the D that one search in a
    million reaches by luck (2 ln(shifts / 1e-6)), and correlates by 0.45 at least. What hum, drift and bursts
    have in common is taken away before. A channel more or less weakens the agreement.
    """
    for one in (windows, other):
        check(
            one is None or one.is_signal,
            "windows are features: copies are found in signals. Pass the windows before extract_features.",
        )
    return compare_prints(fingerprint(windows), None if other is None else fingerprint(other))


def compare_prints(prints: Sequence[Print], others: Sequence[Print] | None = None) -> list[Copy]:
    """Find signal that stands in two recordings, by their prints.

    Parameters
    ----------
    prints : sequence of Print
        From :func:`.prints.fingerprint`.
    others : sequence of Print, optional
        Copies are looked for between the two, not inside either; by default between ``prints``.

    Returns
    -------
    list of Copy
        As :func:`find_copies`.
    """
    if others is None:
        return _one_each(_search(prints, prints, within=True))
    found = _one_each(_search(prints, others))
    return found + _one_each(copy.turned() for copy in _search(others, prints, longer=True))


def _one_each(copies: Iterator[Copy]) -> list[Copy]:
    """Keep the strongest copy of every pair of recordings."""
    best: dict[tuple[str, str], Copy] = {}
    for copy in copies:
        pair = (copy.first, copy.second)
        if pair not in best or copy.agreement > best[pair].agreement:
            best[pair] = copy
    return [best[pair] for pair in sorted(best)]


def _search(
    queries: Sequence[Print], references: Sequence[Print], *, within: bool = False, longer: bool = False
) -> Iterator[Copy]:
    """Yield what stretches of ``queries`` have in common with recordings that are as long (or longer)."""
    from scipy.fft import irfft, rfft

    references = sorted(references, key=lambda p: p.values.shape[1])
    queries = references if within else sorted(queries, key=lambda p: p.values.shape[1])
    if not queries or not references:
        return
    lengths = np.array([p.values.shape[1] for p in references])
    ends = np.cumsum(lengths)
    n_tests = float(ends[-1]) * sum(-(-p.values.shape[1] // _LONGEST) for p in queries)
    least = 2 * np.log(max(n_tests, 1.0) / FALSE_ALARM)
    line = np.concatenate([p.values for p in references], axis=1)
    blocks, size = np.empty(0), 0
    for i, query in enumerate(queries):
        n_all = query.values.shape[1]
        begin = i + 1 if within else int(np.searchsorted(lengths, n_all, "right" if longer else "left"))
        if begin >= len(references):
            continue
        first = int(ends[begin] - lengths[begin])
        edges = np.linspace(0, n_all, -(-n_all // _LONGEST) + 1).astype(int)
        for left, right in pairwise(edges.tolist()):
            n = right - left
            if n > size:
                size = 1 << int(n - 1).bit_length()
                block = max(8 * size, _BLOCK)
                hop = block - size
                padded = np.pad(line, ((0, 0), (size, block)))
                at = np.arange(0, line.shape[1] + size, hop)
                blocks = np.stack([rfft(padded[:, a : a + block], axis=1) for a in at])
            stretch = query.values[:, left:right]
            stretch = stretch / (np.sqrt((stretch**2).sum(axis=1, keepdims=True)) + 1e-12)
            skip = max(0, (first + size - n) // hop)
            turned = rfft(stretch, block, axis=1).conj()
            both = irfft(blocks[skip:] * turned, block, axis=2)[:, :, :hop]
            total = (both[:, 0] ** 2 + both[:, 1] ** 2).reshape(-1) * _FREE
            for place in np.flatnonzero(total > least):
                where = int(place) + skip * hop - size
                copy = _laid_over(query, left, n, references, ends, begin, where)
                if copy is not None:
                    yield copy


def _laid_over(
    query: Print, left: int, n: int, references: Sequence[Print], ends: np.ndarray, begin: int, where: int
) -> Copy | None:
    """Return the copy, if a stretch that lies at ``where`` in the joined references agrees with one."""
    j = int(np.searchsorted(ends, where + n // 2, "right"))
    if not begin <= j < len(references):
        return None
    reference = references[j]
    offset = where - int(ends[j] - reference.values.shape[1])
    low, high = max(0, -offset), min(n, reference.values.shape[1] - offset)
    a = query.values[:, left + low : left + high]
    b = reference.values[:, offset + low : offset + high]
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)) + 1e-12
    agreement = float(np.sqrt(np.mean(((a * b).sum(axis=1) / scale) ** 2)))
    if agreement < LEAST_AGREEMENT:
        return None
    lag = (offset - left) / RATE + reference.begin - query.begin
    return Copy(
        query.recording, reference.recording, query.subject, reference.subject, lag, (high - low) / RATE,
        agreement,
    )  # fmt: skip


def shared_content(windows: Windows, split: Split, *, copies: Sequence[Copy] | None = None) -> list[Copy]:
    """Return copies of which a part stands in the test and the same part on the training side.

    Parameters
    ----------
    windows : Windows
        What ``split`` splits.
    split : Split
        Which rows train and test.
    copies : sequence of Copy, optional
        What :func:`find_copies` found in the signals; looked for in ``windows`` when not given, which must
        then be signals.

    Returns
    -------
    list of Copy
        ``first`` is the recording of test windows, ``second`` what was seen before it.
    """
    copies = find_copies(windows) if copies is None else copies
    if not copies:
        return []
    table = windows.metadata
    recordings = table["recording"].to_numpy(dtype=str)
    spans = table[["start", "stop"]].to_numpy(float)
    wanted = {name for copy in copies for name in (copy.first, copy.second)}
    of = {name: np.flatnonzero(recordings == name) for name in wanted}
    tested, seen = np.zeros(len(windows), dtype=bool), np.zeros(len(windows), dtype=bool)
    tested[split.test], seen[split.seen] = True, True
    out = []
    for copy in (each for c in copies for each in (c, c.turned())):
        mine, theirs = of[copy.first], of[copy.second]
        mine, theirs = spans[mine[tested[mine]]] + copy.lag, spans[theirs[seen[theirs]]]
        if len(mine) and len(theirs) and _meet(mine, theirs):
            out.append(copy)
    return out


def _meet(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether any of the spans (begin, end) overlaps any of the others."""
    return bool(np.any((some[:, None, 0] < others[None, :, 1]) & (others[None, :, 0] < some[:, None, 1])))
