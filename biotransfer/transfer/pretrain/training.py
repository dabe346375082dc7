"""Windows -> Weights, by the one training loop; what a source reaches on people it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ...errors import check, check_is, one_or_many
from ...learning.networks import Network, build_network
from ...learning.networks.forward import in_batches
from ...learning.training import Schedule
from ...learning.training.divergence import exploded_weights
from ...learning.training.guard import reproducibly
from ...learning.training.weighting import check_sample_weight
from ...learning.weights import Weights, card_lines
from ...settings import whole
from ...showing import html_table, one_line, with_picture
from ...signals.plain import listed
from ...signals.splits import Split, check_apart
from ...signals.windows import Windows
from .catalog import METHODS
from .held_out import hold_out_people
from .problem import Learned, PretrainProblem, Stack, trunk
from .validity import refuse_options, why_not


@dataclass(frozen=True, eq=False)
class Pretrained:
    """Source weights of one seed, and their predictions on what they have not seen.

    Parameters
    ----------
    weights : Weights
        Every tensor, and the card.
    y_true, y_pred : ndarray of int64
        Classes of the windows kept out; predicted by the network's own head, or, where the method reads no
        labels, by a ridge classifier on what the head would see, fitted to the training windows.
    loss : ndarray, shape (epochs,), float64
        What was minimised, averaged over each epoch.
    diverged : bool
        Whether it exploded, though it is finite: nothing that starts from these weights says anything.
    """

    weights: Weights
    y_true: np.ndarray
    y_pred: np.ndarray
    loss: np.ndarray
    diverged: bool = False

    def __repr__(self) -> str:
        card = self.weights.card
        return one_line(
            f"Pretrained {card['network']['name']}, seed {card['seed']}: accuracy "
            f"{np.mean(self.y_true == self.y_pred):.2f} on {len(self.y_true)} windows kept out"
        )

    def _repr_html_(self) -> str:
        facts = {"last loss": f"{self.loss[-1]:.4g}", **card_lines(self.weights)}
        return with_picture(self, html_table(facts))


def pretrain(
    windows: Windows | Sequence[Windows],
    split: Split | None = None,
    network: str | Mapping[str, Any] = "mlp",
    seeds: Sequence[int] = (0,),
    schedule: Schedule | None = None,
    *,
    method: str | Mapping[str, Any] = "supervised",
    target: Windows | None = None,
    engine: str = "auto",
    device: str = "cpu",
    dtype: str = "float32",
    card: Mapping[str, Any] | None = None,
    sample_weight: np.ndarray | None = None,
) -> list[Pretrained]:
    """Train one source network per seed from random weights.

    Parameters
    ----------
    windows : Windows or sequence of Windows
        Aligned source windows: one for all seeds, or one per seed (a control draws its own).
    split : Split, optional
        Who trains and who is held out. Default: what :func:`hold_out_people` says.
    network : str or mapping
        As in a recipe.
    seeds : sequence of int
        One training each.
    schedule : Schedule, optional
        The same as the target's unless the recipe says otherwise; a source trains to the end, whatever the
        ``patience``.
    method : str or mapping
        What is learned, see ``METHODS``.
    target : Windows, optional
        **Training rows only** of the target, aligned; for methods whose fact ``joint`` is true.
    engine, device, dtype : str
        See :func:`.run_job`.
    card : mapping, optional
        Added to every weights card.
    sample_weight : ndarray, shape (n_windows,), optional
        What each of the windows counts in the loss, 0 or more; for the method supervised.

    Returns
    -------
    list of Pretrained
        In the order of ``seeds``.

    Raises
    ------
    BiotransferError
        For a source of one class, one that the method cannot use, or windows of which one does not fit the
        first: it is named.

    Examples
    --------
    >>> from biotransfer import cut_windows, extract_features, simulate_emg
    >>> windows = extract_features(cut_windows(simulate_emg(n_subjects=2)))
    >>> pretrain(windows, seeds=[0], schedule=Schedule(epochs=1))[0].weights
    <Weights of mlp: 6 tensors, 12900 parameters>
    """
    windows = one_or_many("windows", windows, Windows, "Type: cut_windows(recordings).")
    seeds = [whole(0)("seeds", seed, 0) for seed in listed("seeds", seeds)]
    check(seeds, "seeds=[] is empty. Expected one or more. Type seeds=[0].")
    schedule = Schedule() if schedule is None else schedule
    check_is("schedule", schedule, Schedule, "Type Schedule(epochs=20).")
    schedule = replace(schedule, patience=0)
    entry, parameters = METHODS.resolve(method)
    refuse_options(entry.name, schedule, weighted=sample_weight is not None)
    check(
        len(windows) in (1, len(seeds)),
        f"{len(windows)} windows for {len(seeds)} seeds. Pass one for all, or one for each.",
    )
    first = windows[0]
    for i, other in enumerate(windows):
        check(
            (len(other), other.shape, other.classes) == (len(first), first.shape, first.classes),
            f"windows[{i}], {other!r}, does not fit windows[0], {first!r}: the sources of all seeds need one "
            "number of windows, shape and list of classes. Make them from the same windows.",
        )
    split = hold_out_people(first) if split is None else split
    check_is("split", split, Split, "Type hold_out_people(windows).")
    check_apart(first, split)
    check(
        not entry.facts["labels"] or len(np.unique(first.y[split.train])) > 1,
        f"the source has a single class ({', '.join(first.classes)}): there is nothing to learn. "
        "Give it two or more with classes: [...].",
    )
    check(
        not entry.facts["joint"] or target is not None,
        f"pretrain {entry.name} learns from the target, too. Pass target=aligned.take(split.train).",
    )
    records = [
        build_network(network, w.shape, len(w.classes), sfreq=w.sfreq)
        for w in (first, *([target] if target is not None and entry.facts["joint"] else []))
    ]
    reason = why_not(
        entry,
        network=records[0],
        target=records[1] if len(records) > 1 else None,
        n_people=int(first.metadata["subject"].iloc[split.train].nunique()),
    )
    check(reason is None, str(reason))
    problem = PretrainProblem(
        records[0],
        tuple(windows),
        split.train,
        split.test,
        split.uid,
        tuple(seeds),
        schedule,
        target if entry.facts["joint"] else None,
        records[1] if entry.facts["joint"] else None,
        engine,
        device,
        dtype,
        None if sample_weight is None else check_sample_weight(sample_weight, len(first)),
    )
    with reproducibly():
        learned = entry.function(problem, **parameters)
        predicted = _predict(problem, learned, own_head=entry.facts["labels"])
    card = {"method": {"name": entry.name, **parameters}, **dict(card or {})}
    return [_pretrained(problem, learned, a, predicted[a], split, card) for a in range(len(seeds))]


def _predict(problem: PretrainProblem, learned: Learned, *, own_head: bool) -> np.ndarray:
    """Classes that every seed's network gives to the windows kept out, shape (n_seeds, n_test)."""
    tensors = {
        name: problem.to_torch(np.stack([one[name] for one in learned.tensors]))
        for name in problem.network.tensor_shapes
    }
    X, y = problem.pooled()
    if own_head:
        return _outputs(problem, problem.network, tensors, problem.test, X).argmax(-1)
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    body = trunk(problem.network)
    train, test = (_outputs(problem, body, tensors, rows, X) for rows in (problem.train, problem.test))
    labels = y[problem.rows(problem.train)]
    return np.stack(
        [
            make_pipeline(StandardScaler(), RidgeClassifier()).fit(train[a], labels[a]).predict(test[a])
            for a in range(len(problem.seeds))
        ]
    )


def _outputs(
    problem: PretrainProblem,
    network: Network,
    tensors: Mapping[str, torch.Tensor],
    rows: np.ndarray,
    X: np.ndarray,
) -> np.ndarray:
    """Return what ``network`` makes of ``rows`` of every seed's windows, shape (n_seeds, n_rows, ...)."""
    stack, pooled = Stack(network, problem.engine), problem.rows(rows)
    return in_batches(lambda part: stack(tensors, problem.to_torch(X[pooled[:, part]])), len(rows), axis=1)


def _pretrained(
    problem: PretrainProblem,
    learned: Learned,
    a: int,
    y_pred: np.ndarray,
    split: Split,
    more: dict[str, Any],
) -> Pretrained:
    own = problem.windows[problem.pool[a]]
    network, tensors, windows = problem.network, learned.tensors, own
    if learned.carried is not None:
        assert problem.target is not None
        (network, tensors), windows = learned.carried, problem.target
    y_true, y_pred = own.y[split.test], y_pred.astype(np.int64)
    diverged = bool(learned.diverged[a]) or exploded_weights(tensors[a])
    card = {
        "network": network.describe(),
        "modality": windows.modality,
        "classes": list(windows.classes),
        "names": list(windows.names),
        "sfreq": windows.sfreq,
        "history": list(windows.history),
        "train": problem.schedule.plain(),
        "seed": problem.seeds[a],
        "n_windows": len(split.train),
        "n_subjects": int(own.metadata["subject"].iloc[split.train].nunique()),
        "metrics": {
            "unseen": split.rule,
            "accuracy": float(np.mean(y_true == y_pred)),
            "n_windows": len(y_true),
            **({"diverged": True} if diverged else {}),
        },
        **more,
    }
    return Pretrained(Weights(tensors[a], card), y_true, y_pred, learned.loss[a], diverged)
