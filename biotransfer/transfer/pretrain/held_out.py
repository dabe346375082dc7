"""Who of a source's people is kept out of its training."""

from __future__ import annotations

import numpy as np

from ...errors import check, check_is
from ...signals.splits import Split
from ...signals.windows import Windows, natural_sorted

HELD_OUT = 0.2
"""Share of a source's people that is kept out of its training, unless somebody says otherwise."""


def hold_out_people(windows: Windows, share: float = HELD_OUT) -> Split:
    """Keep some people out of the source's training, to see what its network knows about strangers.

    Parameters
    ----------
    windows : Windows
        Source windows.
    share : float
        Share of the people, at least one when there are two; with a single person, of the recordings.

    Returns
    -------
    Split
        Its ``rule`` is "subject" or "recording": what the held-out windows are strangers in.

    Raises
    ------
    BiotransferError
        When nothing could be held out, or a class would be missing from training.
    """
    check_is("windows", windows, Windows, "Type cut_windows(recordings).")
    check(0 < share < 1, f"held_out={share}. Expected a share between 0 and 1, such as 0.2.")
    rule = "subject" if windows.metadata["subject"].nunique() > 1 else "recording"
    groups = windows.metadata[rule].to_numpy(dtype=str)
    if rule == "subject":
        names = natural_sorted(np.unique(groups))
        every = max(2, round(1 / share))
        out = names[every - 1 :: every] or names[-1:]
    else:
        out = []
        for label in range(len(windows.classes)):
            mine = natural_sorted(np.unique(groups[windows.y == label]))
            out += mine[-max(1, round(share * len(mine))) :] if len(mine) > 1 else []
        check(
            out,
            "the source has one person and one recording per class: nothing can be held out to see what its "
            "network knows. Load more recordings.",
        )
    aside = np.isin(groups, out)
    split = Split(f"unseen {rule}", rule, np.flatnonzero(~aside), np.flatnonzero(aside))
    absent = sorted(set(np.unique(windows.y)) - set(np.unique(windows.y[split.train])))
    check(
        not absent,
        f"holding out {', '.join(out[:3])} leaves no training window of class "
        f"{', '.join(windows.classes[i] for i in absent)}. Use a smaller held_out, or load more subjects.",
    )
    return split
