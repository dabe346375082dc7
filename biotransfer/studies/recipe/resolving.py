"""From a recipe as written to one with every default filled in and every name and type checked."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import check, check_option
from ...signals.recording import MODALITIES
from ...transfer.align import ALIGN
from ...transfer.align.transform import SCALES
from ...transfer.carry import why_not
from .analyses import resolve_scores
from .budget import always_labelled, ever_labelled, refuse_joint, resolve_budget
from .clusters import check_cluster
from .evidence import resolve_accept, resolve_nuisance, resolve_people, resolve_permutations
from .keys import DEFAULTS, KEYS, METHOD_KEYS, PUBLISHED_KEYS
from .levers import resolve_pretrain, resolve_requests
from .searching import resolve_search
from .sides import known_keys, plain, resolve_directions, resolve_donors, resolve_sides
from .tuning import resolve_tune


def _spec(catalog: Any, given: Any) -> dict[str, Any]:
    entry, parameters = catalog.resolve(given)
    return {"name": entry.name, **plain(parameters)}


def resolve(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``raw`` with every default filled in and every name and type checked.

    Raises
    ------
    BiotransferError
        At the first thing that is wrong.
    """
    from ...evidence.baselines import BASELINES
    from ...evidence.metrics import MEASURES, METRICS
    from ...learning.networks import NETWORKS
    from ...signals.features import FEATURES
    from ...signals.splits import SPLITS
    from ...transfer.select import SELECT

    raw = known_keys("recipe", raw, list(KEYS))
    out = {key: plain(raw.get(key, copy.deepcopy(default))) for key, default in DEFAULTS.items()}
    sides = resolve_sides(raw)
    out |= {name: side for name, side in sides.items() if name in MODALITIES}
    out["sets"] = {name: side for name, side in sides.items() if name not in MODALITIES}
    for key in ("title", "question", "source"):
        check(isinstance(out[key], str), f"{key}={out[key]!r} is no text. Put it in quotes.")

    out["directions"] = resolve_directions(out["directions"], list(sides))

    out["features"] = None if out["features"] is None else _spec(FEATURES, out["features"])
    check_option("scale", out["scale"], SCALES)
    out["align"] = _spec(ALIGN, out["align"])
    out["select"] = _spec(SELECT, out["select"])
    out["network"] = [_spec(NETWORKS, n) for n in _as_list(out["network"])]
    for spec in out["network"]:
        _check_network(spec, out)
    _unique("network", [spec["name"] for spec in out["network"]])
    out["search"] = resolve_search(out["search"], out["network"])
    out["pretrain"] = resolve_pretrain(out["pretrain"])
    requests = resolve_requests(_as_list(out["arms"]), out["pretrain"])
    out["arms"] = [plain(request.spec) for request in requests]
    out["split"] = [_split(SPLITS, split) for split in _as_list(out["split"])]
    _unique("split", [split["by"] for split in out["split"]])
    out["budget"] = resolve_budget(out["budget"], out)
    for request in requests:
        reason = why_not(
            request.entry, unlabelled=out["budget"] != "all", labelled=always_labelled(out["budget"])
        )
        check(reason is None, str(reason))
    check(
        out["budget"] == "all" or not SELECT[out["select"]["name"]].facts["joint"],
        f"select {out['select']['name']!r} looks at the target's labels, which a budget withholds. "
        "Use select: all, classes or separable_classes, or budget: all.",
    )
    check(
        out["budget"] == "all" or out["search"] is None or out["search"]["side"] == "source",
        "search.side=target validates on the target's labels, which a budget withholds. "
        "Use search.side: source, or budget: all.",
    )
    refuse_joint(out["budget"], [request.pretrain or out["pretrain"] for request in requests])

    out["train"] = _train(out)
    out["seeds"] = _seeds(out["seeds"])
    out["compare"] = _settings("compare", out["compare"], DEFAULTS["compare"])
    larger = [entry.name for entry in METRICS.values() if entry.facts["larger_is_better"]]
    check_option("compare.metric", out["compare"]["metric"], larger)
    check_option("compare.measure", out["compare"]["measure"], MEASURES)
    check(out["compare"]["margin"] > 0, "compare.margin must be above 0, such as 0.02 (two points).")
    check(0 < out["compare"]["alpha"] < 1, "compare.alpha must be between 0 and 1, such as 0.05.")
    for key in ("network", "split", "arms"):
        check(out[key], f"{key} is empty. Name at least one.")
    labels = [request.label for request in requests]
    check_option("compare.against", out["compare"]["against"], labels)
    out["same_modality"] = resolve_donors(out, sides)
    out["methods"] = _methods(raw, out["arms"], [spec["name"] for spec in out["network"]])
    out["tune"] = resolve_tune(out["tune"], raw, out, resolve)
    out["nuisance"] = resolve_nuisance(out["nuisance"])
    out["baselines"] = [_spec(BASELINES, item) for item in _as_list(out["baselines"])]
    _unique("baselines", [spec["name"] for spec in out["baselines"]])
    out["permutations"] = resolve_permutations(out["permutations"], out["baselines"])
    out["accept"] = resolve_accept(out["accept"])
    out["same_people"] = resolve_people(out["same_people"], sides)
    out["scores"] = resolve_scores(out["scores"])
    check(
        not out["scores"] or ever_labelled(out["budget"]),
        f"scores={out['scores']!r}: they judge a source on labelled windows of the target, of which "
        "a budget of 0 s leaves none. Leave scores out, or label some: budget: [0, 2].",
    )
    out["published"] = [_published(row) for row in _as_list(out["published"])]
    check_option("engine", out["engine"], ("auto", "stacked", "loop"))
    if out["cluster"] is not None and not isinstance(out["cluster"], str):
        out["cluster"] = plain(check_cluster(out["cluster"]))
    for key in ("moved", "smoke"):
        check(isinstance(out[key], bool), f"{key}={out[key]!r}. Expected true or false.")
    return {key: out[key] for key in KEYS if key in out}


def _methods(
    raw: Mapping[str, Any], arms: Sequence[Mapping[str, Any]], networks: Sequence[str]
) -> list[dict[str, Any]]:
    """Resolve further ways to transfer: each is the recipe with some keys replaced."""
    by_label = {arm.get("label", arm["name"]): arm for arm in arms}
    methods = []
    for item in _as_list(raw.get("methods") or []):
        item = known_keys("methods", item, ["label", *METHOD_KEYS])
        label = item.pop("label", None)
        check(
            isinstance(label, str) and re.fullmatch(r"[\w. -]+", label),
            f"methods: label={label!r}. Expected a few letters, digits and spaces, such as label: coral.",
        )
        check(item, f"methods: {label!r} changes nothing. Give one of {', '.join(METHOD_KEYS)}.")
        for arm in item.get("arms", []):
            check_option(f"methods {label}: arms", arm, by_label)
        for spec in _as_list(item.get("network", [])):
            name = spec.get("name") if isinstance(spec, Mapping) else spec
            check_option(f"methods {label}: network", name, networks)
        own = {**item, **({"arms": [by_label[arm] for arm in item["arms"]]} if "arms" in item else {})}
        rest = {k: v for k, v in raw.items() if k not in ("methods", "search")}
        resolved = resolve({**rest, **own})
        methods.append(
            {
                "label": label,
                **{k: item["arms"] if k == "arms" else resolved[k] for k in METHOD_KEYS if k in item},
            }
        )
    _unique("methods", [item["label"] for item in methods])
    return methods


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _unique(key: str, names: list[str]) -> None:
    twice = sorted({n for n in names if names.count(n) > 1})
    check(not twice, f"{key}: {', '.join(twice)} is named twice. Name each once.")


def _settings(key: str, given: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    given = known_keys(key, given, list(defaults))
    out = {**defaults, **given}
    for name, value in out.items():
        kind = type(defaults[name])
        fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
        hint = " (write 1.0e-3, not 1e-3: YAML reads that as text)" if isinstance(value, str) else ""
        check(fits, f"{key}.{name}={value!r}{hint}. Expected a {kind.__name__}, such as {defaults[name]!r}.")
    return out


def _train(out: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve how everything is trained."""
    from ...learning.networks import NETWORKS
    from ...learning.training.augmentations import AUGMENTATIONS, refuse_features
    from ...learning.training.schedule import PRECISIONS

    given = out["train"]
    augment = given.get("augment", "none") if isinstance(given, Mapping) else "none"
    if augment != "none":
        given, augment = {**given, "augment": "none"}, _spec(AUGMENTATIONS, augment)
    train = {**_settings("train", given, DEFAULTS["train"]), "augment": augment}
    for key, least in (("epochs", 1), ("batch_size", 1), ("patience", 0)):
        check(train[key] >= least, f"train.{key}={train[key]}. Expected {least} or more.")
    rate = train["learning_rate"]
    check(0 < rate < float("inf"), f"train.learning_rate={rate}. Expected a positive number, such as 1.0e-3.")
    check_option("train.precision", train["precision"], PRECISIONS)
    watched = all(split.get("validation") for split in out["split"])
    check(
        train["patience"] == 0 or watched,
        f"train.patience={train['patience']} watches validation windows, and not every split keeps some. "
        "Write split: {by: subject, validation: 1}.",
    )
    for spec in out["network"]:
        if augment != "none" and NETWORKS[spec["name"]].facts["takes"] == "features":
            refuse_features(spec["name"], train["augment"]["name"])
    return train


def _seeds(value: Any) -> list[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        value = list(range(value))
    good = isinstance(value, list) and value and all(type(s) is int and s >= 0 for s in value)
    check(good, f"seeds={value!r}. Expected a number of seeds, such as 10, or a list of them.")
    check(len(set(value)) == len(value), f"seeds={value!r} repeats one. Name each once.")
    return list(value)


def _split(catalog: Any, given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        given = {"by": given}
    check(
        isinstance(given, Mapping) and "by" in given,
        f"split={given!r} has no rule. Write split: {{by: subject}}.",
    )
    spec = _spec(catalog, {"name": given["by"], **{k: v for k, v in given.items() if k != "by"}})
    return {"by": spec.pop("name"), **spec}


def _check_network(spec: Mapping[str, Any], out: Mapping[str, Any]) -> None:
    from ...learning.networks import NETWORKS

    takes = NETWORKS[spec["name"]].facts["takes"]
    check(
        takes != "features" or out["features"] is not None,
        f"network {spec['name']!r} takes features, but features is not given. Add features: statistical.",
    )
    wanted = ALIGN[out["align"]["name"]].facts["takes"]
    check(
        wanted in ("any", takes),
        f"align {out['align']['name']!r} takes {wanted}, network {spec['name']!r} takes {takes}. "
        "Use align: none or matched.",
    )


def _published(row: Any) -> dict[str, Any]:
    row = known_keys("published", row, list(PUBLISHED_KEYS))
    absent = [k for k in PUBLISHED_KEYS[:5] if k not in row]
    check(not absent, f"published: {row} lacks {', '.join(absent)}.")
    return {"at": "final", "note": "", **row}
