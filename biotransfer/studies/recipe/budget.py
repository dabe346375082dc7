"""The recipe's budget: how much labelled target data each training gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import BiotransferError, check, check_option, did_you_mean
from ...signals.splits import ALL, LABELS_OF, OTHERS
from ...transfer.align import needs_labels

_DEFAULTS: dict[str, Any] = {"labels_of": LABELS_OF[0], "others": OTHERS[0], "epochs": None}


def resolve_budget(given: Any, recipe: Mapping[str, Any]) -> Any:
    """Return "all", or seconds with whose labels they are.

    Parameters
    ----------
    given : object
        As written: "all", a list of seconds, or a mapping with ``seconds``.
    recipe : mapping
        The resolved keys align and split.

    Raises
    ------
    BiotransferError
        For anything else, and for rules and methods that a budget cannot go with.
    """
    if given == ALL:
        return ALL
    spec = {"seconds": given} if isinstance(given, (list, int, float)) else given
    check(
        isinstance(spec, Mapping) and "seconds" in spec,
        f"budget={given!r}. Expected all, or labelled seconds per class, such as [0, 1, 2, 5, 10].",
    )
    for key in spec:
        known = ["seconds", *_DEFAULTS]
        if key not in known:
            raise BiotransferError(
                f"budget: unknown key {key!r}.{did_you_mean(key, known)} Expected: {', '.join(known)}."
            )
    out = {
        "seconds": _seconds(spec["seconds"]),
        **_DEFAULTS,
        **{k: v for k, v in spec.items() if k != "seconds"},
    }
    check_option("budget.labels_of", out["labels_of"], LABELS_OF)
    check_option("budget.others", out["others"], OTHERS)
    calibrates = out["labels_of"] == "test_person"
    check(
        calibrates or out["others"] == "unlabelled",
        "budget.others=labelled goes with labels_of: test_person. Leave it out.",
    )
    check(
        out["epochs"] is None or (type(out["epochs"]) is int and out["epochs"] >= 1),
        f"budget.epochs={out['epochs']!r}. Expected passes over the labelled windows, such as 50.",
    )
    for rule in recipe["split"]:
        check(
            not calibrates or (rule["by"] == "subject" and rule["folds"] is None),
            "budget with labels_of: test_person tests one new person per fold, split by "
            f"{rule['by']} does not. Use split: {{by: subject}}, or "
            "budget: {seconds: [...], labels_of: training_people}.",
        )
        check(
            rule["by"] != "shuffled_windows",
            "budget counts distinct seconds, but split by shuffled_windows tests near copies of what is "
            "trained on. Use split: {by: subject}, or budget: all.",
        )
    check(
        not needs_labels(recipe["align"]),
        f"align {recipe['align']['name']!r} is fitted on the labels that a budget withholds. "
        "Use align: pca, matched or none, or budget: all.",
    )
    return out


def _seconds(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    good = values and all(
        isinstance(s, (int, float)) and not isinstance(s, bool) and 0 <= s < float("inf") for s in values
    )
    check(good, f"budget.seconds={value!r}. Expected labelled seconds per class, such as [0, 1, 2, 5, 10].")
    check(len(set(values)) == len(values), f"budget.seconds={value!r} repeats one. Name each once.")
    return sorted(float(s) for s in values)


def always_labelled(budget: Any) -> bool:
    """Whether every training has labelled windows."""
    return budget == ALL or budget["others"] == "labelled" or min(budget["seconds"]) > 0


def ever_labelled(budget: Any) -> bool:
    """Whether the largest budget leaves trainings a labelled window."""
    return budget == ALL or budget["others"] == "labelled" or max(budget["seconds"]) > 0


def refuse_joint(budget: Any, pretrain: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to pretrain on the target's labels, of which every budget leaves others."""
    from ...transfer.pretrain import METHODS

    joint = [spec["name"] for spec in pretrain if METHODS[spec["name"]].facts["joint"]]
    check(
        budget == ALL or not joint,
        f"pretrain {', '.join(joint[:1])} learns from the target's labels, which a budget withholds. "
        "Use pretrain: supervised, or budget: all.",
    )
