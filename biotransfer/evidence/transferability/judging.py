"""Every score of one source network, beside a random-weight network and permuted labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...errors import check, check_option
from ...learning.networks.drawing import initial_tensors
from ...learning.networks.network import Network
from ...learning.predictions import softmax
from ...signals.windows import Windows
from ...transfer.pretrain.sources import shuffled_labels
from .catalog import SCORES
from .outputs import layer_outputs

COLUMNS = ["score", "value", "random_value", "null_mean", "null_sd", "z", "p", "larger_is_better",
           "n_windows", "note"]  # fmt: skip
STREAM = "transferability"


def score_transfer(
    network: Network,
    tensors: Mapping[str, np.ndarray],
    target: Windows,
    source: Windows | None = None,
    *,
    own_head: bool = True,
    scores: Sequence[str] | None = None,
    permutations: int = 50,
    max_windows: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Judge a source network on the target's training windows, before any training on them.

    Parameters
    ----------
    network : Network
        Takes the target's aligned windows.
    tensors : mapping of str to ndarray
        The source's weights in it.
    target : Windows
        Aligned training windows of the target.
    source : Windows, optional
        Aligned training windows of the source, for the scores that need both sides.
    own_head : bool
        Whether the head is the source's own: LEEP and NCE read its classes.
    scores : sequence of str, optional
        Of ``SCORES``; all that judge a source before training when not given.
    permutations : int
        Times the labels of whole recordings are permuted (for the proxy A-distance: the sides of whole
        people).
    max_windows : int
        Most windows of each side, drawn at random.
    seed : int
        Draws windows, permutations and the random-weight network.

    Returns
    -------
    DataFrame
        One row per score: ``value``; ``random_value`` of a random-weight network of the same architecture;
        ``null_mean`` and ``null_sd`` under permuted labels; ``z``, in units of ``null_sd``, above 0 where the
        score speaks for transfer; ``p``, one-sided; ``note`` says why a value is missing.

    Raises
    ------
    BiotransferError
        For an unknown score.
    """
    names = [n for n in SCORES if SCORES[n].facts["needs"] != "two_layers"] if scores is None else scores
    for name in names:
        check_option("scores", name, SCORES)
        check(
            SCORES[name].facts["needs"] != "two_layers",
            f"scores: {name!r} compares two layers, not a source with a target. Leave it out; a recipe's "
            "moved: true shows it layer by layer.",
        )
    check(permutations >= 1, f"permutations={permutations}. Expected 1 or more, such as 50.")
    target = _some(target, max_windows, seed)
    source = None if source is None else _some(source, max_windows, seed)
    if source is not None and source.shape != target.shape:
        source_note = f"source windows of shape {source.shape}, target {target.shape}"
        source = None
    else:
        source_note = "no source windows"
    random = initial_tensors(network, seed, stream=STREAM)
    trained, fresh = (_represent(network, t, target, source) for t in (tensors, random))
    labels = [shuffled_labels(target, _seed(seed, i)).y for i in range(permutations)]
    rows = []
    for name in names:
        needs = SCORES[name].facts["needs"]
        note = ""
        if needs in ("labelled_sides", "grouped_sides") and source is None:
            note = source_note
        elif needs == "grouped_sides" and min(_n_groups(target), _n_groups(source)) < 2:
            note = "one person or recording on one side"
        elif needs == "source_probabilities" and not own_head:
            note = "the source's head does not fit"
        judged = {} if note else _judge(name, trained, fresh, target, source, labels, seed)
        rows.append(
            {
                "score": name,
                **dict.fromkeys(COLUMNS[1:7], np.nan),
                **judged,
                "larger_is_better": SCORES[name].facts["larger_is_better"],
                "n_windows": len(target),
                "note": note,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _some(windows: Windows, most: int, seed: int) -> Windows:
    if len(windows) <= most:
        return windows
    return windows.take(np.sort(np.random.default_rng([seed, 21]).permutation(len(windows))[:most]))


def _groups(windows: Windows) -> np.ndarray:
    """People, or recordings where there is one person."""
    column = "subject" if windows.metadata["subject"].nunique() > 1 else "recording"
    return windows.metadata[column].to_numpy(dtype=str)


def _n_groups(windows: Windows | None) -> int:
    return 0 if windows is None else len(np.unique(_groups(windows)))


def _represent(
    network: Network, tensors: Mapping[str, np.ndarray], target: Windows, source: Windows | None
) -> dict[str, np.ndarray]:
    """Return features and source probabilities of the target, and features of the source."""
    *_, features, logits = layer_outputs(network, tensors, target.X).values()
    out = {"features": features, "probabilities": softmax(logits)}
    if source is not None:
        out["source"] = list(layer_outputs(network, tensors, source.X).values())[-2]
    return out


def _judge(
    name: str,
    trained: Mapping[str, np.ndarray],
    fresh: Mapping[str, np.ndarray],
    target: Windows,
    source: Windows | None,
    labels: Sequence[np.ndarray],
    seed: int,
) -> dict[str, Any]:
    """Return value, random value and null of one score."""
    entry = SCORES[name]
    needs = entry.facts["needs"]
    observed, null_labels = target.y, labels
    if needs == "grouped_sides":
        assert source is not None
        observed = np.repeat([0, 1], [len(source), len(target)])
        people = np.concatenate([np.char.add("s ", _groups(source)), np.char.add("t ", _groups(target))])
        null_labels = [_swapped(observed, people, [seed, i]) for i in range(len(labels))]

    def measure(given: Mapping[str, np.ndarray], y: np.ndarray) -> float:
        if needs == "features":
            return float(entry.function(given["features"], y))
        if needs == "source_probabilities":
            return float(entry.function(given["probabilities"], y))
        assert source is not None
        if needs == "labelled_sides":
            return float(entry.function(given["source"], source.y, given["features"], y))
        pooled = np.concatenate([given["source"], given["features"]])
        here, there = y == 0, y == 1
        return float(entry.function(pooled[here], people[here], pooled[there], people[there]))

    value, random_value = measure(trained, observed), measure(fresh, observed)
    null = np.array([measure(trained, y) for y in null_labels])
    sign = 1.0 if entry.facts["larger_is_better"] else -1.0
    sd = float(null.std(ddof=1)) if len(null) > 1 else np.nan
    return {
        "value": value,
        "random_value": random_value,
        "null_mean": float(null.mean()),
        "null_sd": sd,
        "z": sign * (value - float(null.mean())) / sd if sd > 0 else np.nan,
        "p": float((1 + np.sum(sign * null >= sign * value - 1e-12)) / (1 + len(null))),
    }


def _swapped(side: np.ndarray, people: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """Return the sides with whole people drawn anew, as many on each side as before."""
    _, first, codes = np.unique(people, return_index=True, return_inverse=True)
    return np.random.default_rng(list(seed)).permutation(side[first])[codes]


def _seed(*keys: int) -> int:
    return int(np.random.SeedSequence(keys).generate_state(1)[0])
