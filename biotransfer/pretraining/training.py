"""Windows -> Weights, by the one training loop; what a source reaches on people it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arms import make_arms
from ..errors import check
from ..networks import build_network
from ..splits import Split
from ..training import Curves, Job, Schedule, run_job
from ..weights import Weights
from ..windows import Windows, natural_sorted


def hold_out_people(windows: Windows, share: float = 0.2) -> Split:
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


@dataclass(frozen=True, eq=False)
class Pretrained:
    """Source weights of one seed, and their predictions on what they have not seen."""

    weights: Weights
    y_true: np.ndarray
    y_pred: np.ndarray


def pretrain(
    windows: Sequence[Windows],
    split: Split,
    network: str | Mapping[str, Any],
    seeds: Sequence[int],
    schedule: Schedule | None = None,
    *,
    engine: str = "auto",
    device: str = "cpu",
    facts: Mapping[str, Any] | None = None,
) -> list[Pretrained]:
    """Train one source network per seed from random weights.

    Parameters
    ----------
    windows : sequence of Windows
        Aligned source windows: one for all seeds, or one per seed (a control draws its own).
    split : Split
        Who trains and who is held out (:func:`hold_out_people`).
    network : str or mapping
        As in a recipe.
    seeds : sequence of int
        One training each.
    schedule : Schedule, optional
        The same as the target's unless the recipe says otherwise.
    engine, device : str
        See :func:`biotransfer.training.run_job`.
    facts : mapping, optional
        Added to every weights card.

    Returns
    -------
    list of Pretrained
        In the order of ``seeds``.

    Raises
    ------
    BiotransferError
        For a source of one class.
    """
    windows, seeds, schedule = list(windows), list(seeds), schedule or Schedule()
    check(
        len(windows) in (1, len(seeds)),
        f"{len(windows)} windows for {len(seeds)} seeds. Pass one for all, or one for each.",
    )
    first = windows[0]
    check(
        len(np.unique(first.y[split.train])) > 1,
        f"the source has a single class ({', '.join(first.classes)}): there is nothing to learn. "
        "Give it two or more with classes: [...].",
    )
    record = build_network(network, first.shape, len(first.classes), sfreq=first.sfreq)
    arms = [make_arms(["scratch"], {}, record, seed, stream="source")[0] for seed in seeds]
    n = len(first)
    pool = np.arange(len(seeds)) if len(windows) > 1 else np.zeros(len(seeds), np.int64)
    job = Job(
        record,
        arms,
        np.concatenate([w.X for w in windows]) if len(windows) > 1 else first.X,
        np.concatenate([w.y for w in windows]) if len(windows) > 1 else first.y,
        split.train + n * pool[:, None],
        split.test + n * pool[:, None],
        split.uid,
        schedule,
    )
    curves = run_job(job, engine=engine, device=device)
    return [
        _pretrained(job, curves, a, windows[pool[a]], split, dict(facts or {})) for a in range(len(seeds))
    ]


def _pretrained(
    job: Job, curves: Curves, a: int, windows: Windows, split: Split, facts: dict[str, Any]
) -> Pretrained:
    y_true, y_pred = windows.y[split.test], curves.predicted[a, -1].astype(np.int64)
    card = {
        "network": job.network.describe(),
        "modality": windows.modality,
        "classes": list(windows.classes),
        "names": list(windows.names),
        "sfreq": windows.sfreq,
        "preprocessing": list(windows.history),
        "seed": job.arms[a].seed,
        "n_windows": len(split.train),
        "n_subjects": int(windows.metadata["subject"].iloc[split.train].nunique()),
        "metrics": {
            "unseen": split.rule,
            "accuracy": float(np.mean(y_true == y_pred)),
            "n_windows": len(y_true),
        },
        **facts,
    }
    return Pretrained(Weights(curves.tensors[a], card), y_true, y_pred)
