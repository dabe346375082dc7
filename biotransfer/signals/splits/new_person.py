"""A new person without labels: the first part of the recordings may be seen, the rest is tested."""

from __future__ import annotations

import numpy as np

from ...errors import check
from ..windows import Windows, natural_sorted
from .rules import by_subject
from .split import Split


def by_new_person(
    windows: Windows, *, share: float = 0.5, gap: float = 0.0, validation: int = 0, donors: int = 0
) -> list[Split]:
    """Test on the rest of a new person's recordings; their first part may be looked at, without labels.

    Everybody else trains with labels. What may be looked at is cut in time, class by class: the person's
    windows of a class in the order of session, recording and time, up to a share of them. Windows of the
    first part that share samples with the rest, or lie within the gap before or after it, are left out.
    Nothing of the rest is seen by anything, scalers and alignments included.

    Parameters
    ----------
    windows : Windows
        What to split.
    share : float, 0 to 1
        Of the person's windows of every class that may be looked at.
    gap : float, 0 or more
        Seconds of a recording between what may be looked at and what is tested.
    validation : int, 0 to 1000
        People kept out of training to watch the curve.
    donors : int, 0 to 1000
        People kept aside to train the same-modality source.

    Raises
    ------
    BiotransferError
        When there are fewer people than the rule needs, or nothing of a person is left in one of the parts.
    """
    check(0 < share < 1, f"split: share={share}. Expected a share between 0 and 1, such as 0.5.")
    return [_cut(windows, s, share, gap) for s in by_subject(windows, validation=validation, donors=donors)]


def _cut(windows: Windows, split: Split, share: float, gap: float) -> Split:
    """Divide the test of a split that tests one person."""
    table, y = windows.metadata.iloc[split.test], windows.y[split.test]
    recording = table["recording"].to_numpy(dtype=str)
    start, stop = table["start"].to_numpy(float), table["stop"].to_numpy(float)
    place = {name: i for i, name in enumerate(natural_sorted(np.unique(recording)))}
    session = {name: i for i, name in enumerate(natural_sorted(table["session"].astype(str).unique()))}
    days = np.array([session[str(name)] for name in table["session"]])
    order = np.lexsort([start, np.array([place[name] for name in recording]), days])
    first = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        mine = order[y[order] == label]
        first[mine[: max(1, round(share * len(mine)))]] = True
    seen = first.copy()
    for name in np.unique(recording[first]):
        here = recording == name
        for begin, end in zip(start[here & ~first], stop[here & ~first], strict=True):
            seen &= ~(here & (start < end + gap) & (stop > begin - gap))
    who = str(table["subject"].iloc[0])
    for label in np.unique(y):
        check(
            bool(np.any(seen & (y == label)) and np.any(~first & (y == label))),
            f"split by new_person: {who} of {table['dataset'].iloc[0]!r} has {np.sum(y == label)} windows of "
            f"{windows.classes[label]}, and share={share:g} with gap={gap:g} s leaves none to look at, or "
            "none to test. Expected some of both. Leave the person out, or change share or gap.",
        )
    return Split(
        f"person={who}", "new_person", split.train, np.sort(split.test[~first]), split.validation,
        split.donors, np.sort(split.test[seen]),
    )  # fmt: skip
