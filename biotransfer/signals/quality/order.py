"""Whose channels look exchanged: neighbors move together, and in nearly the same way in all people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .facts import Facts
from .finding import Finding, warning

FEWEST_PEOPLE, FEWEST_CHANNELS = 6, 4
BETTER = 0.1
"""By how much another order must agree better with the other people's."""
AGREES = 0.5
"""How well it must agree then: who is unlike the others in any order is not judged."""
_NAMED = 6


def order_findings(people: Mapping[str, Sequence[Facts]]) -> Iterator[Finding]:
    """Yield people whose channels agree with the others' only in another order.

    Parameters
    ----------
    people : mapping of str to sequence of Facts
        Recordings by person, with ``alike``.

    Notes
    -----
    electrode_order: the correlations between a person's channels in a session (Fisher's z) agree with the
    mean of the others' by r. Channels are exchanged in pairs, the best pair first, as long as r grows; the
    person is named when r grows by 0.1 or more, to 0.5 or more. Nobody is named of 24 people with 19 EEG
    electrodes and of 22 with a ring of 8 EMG electrodes; with a random order each of 12 and 10 of 12 of them
    are, with two exchanged 10 and 12. A turned ring has the same neighbors, as nearly a mirrored one, and
    neighbors may be too alike to tell: these are not seen.
    Source: own.
    """
    groups: dict[tuple[str, ...], dict[str, dict[str, np.ndarray]]] = {}
    for who, own in people.items():
        for session in dict.fromkeys(one.session for one in own):
            on = [one for one in own if one.session == session and one.alike]
            for names in dict.fromkeys(one.ch_names for one in on):
                alike = [one.alike for one in on if one.ch_names == names]
                mean = np.mean(np.arctanh(np.clip(alike, -0.99, 0.99)), axis=0)
                groups.setdefault(names, {}).setdefault(who, {})[session] = mean
    for names, by_person in groups.items():
        if len(by_person) < FEWEST_PEOPLE or len(names) < FEWEST_CHANNELS:
            continue
        means = {who: np.mean(list(own_maps.values()), axis=0) for who, own_maps in by_person.items()}
        whole = np.sum(list(means.values()), axis=0)
        for who, own_maps in by_person.items():
            others = _square((whole - means[who]) / (len(by_person) - 1))
            for session, own_map in own_maps.items():
                before, after, order = best_order(_square(own_map), others)
                if after - before < BETTER or after < AGREES:
                    continue
                moved = [f"{names[j]} as {names[i]}" for i, j in enumerate(order) if i != j]
                more = ", ..." if len(moved) > _NAMED else ""
                when = f" in session {session!r}" if len(own_maps) > 1 else ""
                said = (
                    f"the channels of {who!r}{when} agree better with the other people's in another order "
                    f"(r = {after:.2f} instead of {before:.2f}: {', '.join(moved[:_NAMED])}{more}): look "
                    "whether electrodes were exchanged."
                )
                yield warning("electrode_order", "", said, after - before)


def best_order(own: np.ndarray, others: np.ndarray) -> tuple[float, float, list[int]]:
    """Return how well two maps of likeness agree, how well they could, and in which order of the first.

    Parameters
    ----------
    own, others : ndarray, shape (n_channels, n_channels)
        Symmetric; what is on the diagonal does not count.

    Returns
    -------
    before, after : float
        Pearson's r between the entries above the diagonals, in the order given and in the best found.
    order : list of int
        ``own[order][:, order]`` is the best.

    Notes
    -----
    Exchanges of two, the best first (a local optimum of the quadratic assignment problem). Koopmans &
    Beckmann 1957, doi:10.2307/1907742.
    """
    a, b = _standard(own), _standard(others)
    order = np.arange(len(a))
    before = after = float((a * b).sum())
    for _ in range(len(a) ** 2):
        product = a @ b
        own_part = np.diag(product)
        gain = 2 * (product + product.T - own_part[:, None] - own_part[None, :] + 2 * a * b)
        i, j = divmod(int(np.argmax(gain)), len(a))
        if gain[i, j] <= 1e-9:
            break
        swap = np.arange(len(a))
        swap[[i, j]] = j, i
        a, order, after = a[np.ix_(swap, swap)], order[swap], after + float(gain[i, j])
    return before, after, order.tolist()


def _standard(likeness: np.ndarray) -> np.ndarray:
    """Return it with mean 0 and norm 1 off the diagonal, and a diagonal of 0."""
    outside = ~np.eye(len(likeness), dtype=bool)
    centred = np.where(outside, likeness - likeness[outside].mean(), 0.0)
    norm = float(np.linalg.norm(centred))
    return centred / norm if norm > 0 else centred


def _square(upper: np.ndarray) -> np.ndarray:
    n = round((1 + np.sqrt(1 + 8 * len(upper))) / 2)
    out = np.zeros((n, n))
    out[np.triu_indices(n, 1)] = upper
    return out + out.T
