"""Whom of a source's training people one seed learns from: the source as a sample, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import check
from ...signals.splits import Split
from ...signals.windows import Windows, natural_sorted


def draw_people(windows: Windows, split: Split, share: float, seed: int) -> Split:
    """Return ``split`` with the windows of some of its training people, drawn without replacement.

    Parameters
    ----------
    windows : Windows
        Of the source.
    split : Split
        Who of it trains, and who is kept out to see what the network knows.
    share : float
        Share f of the training people that is drawn, one at least; 1 is everybody.
    seed : int
        Draws them: by their names and number alone, so that a source and every control made from it, in the
        same signals or features, learn from the same people.

    Returns
    -------
    Split
        Its ``train`` holds the windows of those who were drawn, its ``test`` those of everybody else: who was
        not drawn is a stranger to the network, too, so that over the seeds nearly everybody judges it.

    Raises
    ------
    BiotransferError
        When nobody of a class is drawn.

    Notes
    -----
    Source: sampling without replacement as in the delete-d jackknife, Shao & Wu 1989,
    doi:10.1214/aos/1176347263, and subsampling, Politis & Romano 1994, doi:10.1214/aos/1176325770. Of n
    Source: sampling without replacement as in the delete-d jackknife, Shao & Wu 1989,
    doi:10.1214/aos/1176347263, and subsampling, Politis & Romano 1994, doi:10.1214/aos/1176325770. Of n
    people, the variance between such draws of a mean is (1 - f) / f times that of a mean of n new people:
    half of the people (f = 0.5) vary as a new sample of the whole source's size does, three quarters
    (f = 0.75) with a third of its variance. A bootstrap varies as half of the people do, but shows the
    network some people several times; 63 % of the people are in it.

    Examples
    --------
    >>> from biotransfer import cut_windows, simulate_emg
    >>> from biotransfer.transfer.pretrain.held_out import hold_out_people
    >>> windows = cut_windows(simulate_emg(n_subjects=5))
    >>> drawn = draw_people(windows, hold_out_people(windows), 0.5, seed=1)
    >>> sorted(windows.metadata["subject"].iloc[drawn.train].unique())
    ['S2', 'S3']
    """
    if share == 1:
        return split
    subjects = windows.metadata["subject"].to_numpy(dtype=str)[split.train]
    people = natural_sorted(np.unique(subjects))
    number = max(1, round(share * len(people)))
    order = np.random.default_rng([seed, 14]).permutation(len(people))
    drawn = [people[i] for i in sorted(order[:number])]
    rows = split.train[np.isin(subjects, drawn)]
    absent = np.setdiff1d(windows.y[split.train], windows.y[rows])
    check(
        not len(absent),
        f"pretrain.draw_people={share:g} draws {', '.join(drawn)} for seed {seed}, who have no window of "
        f"class {', '.join(windows.classes[i] for i in absent)}. Draw more, or leave it out.",
    )
    rest = split.train[~np.isin(subjects, drawn)]
    return replace(split, train=rows, test=np.sort(np.concatenate([split.test, rest])))
