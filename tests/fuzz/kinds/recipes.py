"""Recipes, what the command line sets of them, and cluster files."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..commands import command
from ..kind import Files, Kind
from ..mutators import mutate_text, mutate_tree

RECIPE, SETS, CLUSTER = "study.yaml", "sets.json", "cluster.yaml"
BASE: Mapping[str, Any] = {
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "features": "band_power",
    "align": {"name": "top_k", "k": 8},
    "network": {"name": "mlp", "hidden": [8, 6]},
    "arms": ["scratch", "transferred"],
    "train": {"epochs": 1},
    "seeds": 1,
}
SIDES: Mapping[str, Any] = {
    "preprocess": "preprocess", "features": "features", "splits": "split", "networks": "network",
    "augmentations": "train", "select": "select", "align": "align", "pretrain": "pretrain", "arms": "arms",
    "scores": "scores", "baselines": "baselines",
}  # fmt: skip
REQUIRED = {
    "sfreq": 100.0, "pairs": [["x", "y"]], "path": "nowhere", "dataset": "BNCI2014_001", "channels": ["x"],
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 0.5, -0.0, 1e308, -1e308, 1e-320, 2**31, 2**62, 10**30, float("inf"),
    float("-inf"), float("nan"), "", " ", "x", "none", "all", "eeg", "2026-11-28", "2020-99-99", "\0",
    "\ud800", "a/../b", "~nobody/x", "/dev/zero", "A" * 300, "A" * 20_000, "é", "١", "²", "emg->eeg", "->",
    "1e-3", [], [[]], [None], [1, 1], ["x", 1], [{}], {}, {"": 1}, {"name": "x"}, {"name": None},
    {"name": ["x"]}, {"name": {"a": 1}}, {"data": "simulated"}, {"data": [1]}, {"by": "subject"},
    {"x": {"y": [1]}}, {1: 2}, {None: 1}, [0, 0.5], [[1]], ["eeg/a", "emg/b"], [1, "x", None], "!!x",
    "*a", "&a", "<<",
)  # fmt: skip


_VALUES = ("[", "{", "&a [*a]", "!!int x", "9" * 5000, "[" * 999, "2020-99-99", "\0", '"\\ud800"')
_PATHS = ("x", "", ".", "..", "arms.²", "arms.9999999999999", "a." * 999)
_HEADS = ("train", "eeg", "network", "arms", "split", "cluster", "tune", "search", "sets.a", "methods")


def _given(kind: str, name: str, parameters: Mapping[str, Any]) -> Any:
    """Return what a recipe's key is given to ask for one method."""
    spec = {"name": name, **parameters}
    if kind == "splits":
        return {"by": name, **parameters}
    if kind == "augmentations":
        return {"epochs": 1, "augment": spec}
    if kind == "pretrain":
        return spec
    if kind == "arms":
        return ["scratch", "transferred", {**spec, "label": "mine"}]
    return [name] if kind == "scores" else [spec] if kind == "baselines" else spec


def every_recipe() -> Iterator[dict[str, Any]]:
    """Yield recipes which together name every method, with all of its parameters, and every key."""
    from biotransfer.cli.catalogs import catalog_of

    for kind, key in SIDES.items():
        for name in catalog_of(kind).own:
            entry = catalog_of(kind)[name]
            values = {
                p.name: REQUIRED.get(p.name, ["x"]) if p.required else p.default for p in entry.parameters
            }
            if kind == "preprocess":
                yield {**BASE, "eeg": {**BASE["eeg"], "preprocess": [{"name": name, **values}]}}
                continue
            signals = {"features": None, "network": "cnn_signal", "align": "none"}
            on_signals = kind == "augmentations" or entry.facts.get("takes") == "signals"
            yield {**BASE, **(signals if on_signals else {}), key: _given(kind, name, values)}
    for name in catalog_of("datasets").own:
        entry = catalog_of("datasets")[name]
        values = {p.name: REQUIRED.get(p.name) if p.required else p.default for p in entry.parameters}
        values = {k: v for k, v in values.items() if k not in ("modality", "line_freq")}
        side = entry.facts.get("modality") if entry.facts.get("modality") in ("eeg", "emg") else "eeg"
        yield {**BASE, side: {"data": name, **values}}
    yield from _every_key()


def _every_key() -> Iterator[dict[str, Any]]:
    yield {
        **BASE, "title": "t", "question": "q", "source": "s", "methods": [{"label": "w", "scale": "none"}],
        "published": [{"direction": "emg->eeg", "network": "mlp", "arm": "scratch", "metric": "accuracy",
                       "value": 0.5}],
        "preregistration": {"date": "2026-11-01", "hypotheses": ["It helps."], "exclusions": {}},
        "nuisance": {"line": 50.0}, "accept": {"leaking_split": "to see what it does"},
        "same_people": [["eeg/1", "emg/1"]], "moved": True, "permutations": 2, "budget": {"seconds": [2, 4]},
        "align": "pca",
        "cluster": {"name": "slurm", "cores": 1, "memory": "1GB", "adaptive": {"maximum": 2}},
        "compare": {"against": "scratch", "margin": 0.02}, "own_donors": {"eeg": 1}, "scores": ["logme"],
    }  # fmt: skip
    yield {
        **BASE,
        "tune": {"train.learning_rate": [0.001, 0.01], "per": "arm"},
        "engine": "loop",
        "smoke": True,
    }
    yield {**BASE, "search": {"networks": ["mlp"], "generations": 1, "population": 2, "side": "source"}}
    yield {
        **BASE, "sets": {"mine": {"data": "simulated", "modality": "eeg", "windows": {"length": 1.0}}},
        "directions": ["mine->eeg"], "same_modality": {"eeg": {"people": 1}},
        "split": [{"by": "subject", "validation": 1}], "pretrain": {"held_out": 0.2, "draw_people": 0.7},
    }  # fmt: skip
    from biotransfer.files import shipped_recipes

    for path in shipped_recipes().values():
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


def _text(tree: Any) -> bytes:
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")


def _recipes(place: Path) -> list[Files]:
    from biotransfer.errors import BiotransferError
    from biotransfer.studies.recipe import load_recipe

    found = []
    for one in every_recipe():
        with contextlib.suppress(BiotransferError):  # a few methods need what no other does
            load_recipe(json.loads(json.dumps(one, default=str)))
            found.append({RECIPE: _text(json.loads(json.dumps(one, default=str)))})
    return found


def _plans(place: Path) -> list[Files]:
    """Recipes that ``check`` takes, of simulated people and small."""
    from biotransfer.errors import BiotransferError

    found = []
    for files in _recipes(place)[::48]:
        (place / RECIPE).write_bytes(files[RECIPE])
        with contextlib.suppress(BiotransferError):
            _plan(place)
            found.append(files)
    return found


def mutate_recipe(rng: random.Random, tree: Any) -> Any:
    """Return a recipe of which one to three values, keys or parts are others."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if rng.random() < 0.3:
            tree = mutate_tree(rng, tree)
            continue
        places = list(_places(tree))
        if not places:
            return rng.choice(ODD)
        above, key = rng.choice(places)
        above[key] = rng.choice(ODD)
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    todo = [tree]
    while todo:
        here = todo.pop()
        if isinstance(here, (dict, list)):
            for key in list(here) if isinstance(here, dict) else range(len(here)):
                yield here, key
                todo.append(here[key])


def _tree(content: bytes) -> Any:
    """Return what a YAML text says; None for one that was spoiled before so that PyYAML does not read it."""
    try:
        return json.loads(json.dumps(yaml.safe_load(content), default=str))
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _spoil_recipe(rng: random.Random, files: Files, seeds: Sequence[Files]) -> Files:
    content = files[RECIPE]
    if rng.random() < 0.15:
        return {RECIPE: mutate_text(rng, content)}
    tree = _tree(content)
    if tree is None:
        return {RECIPE: mutate_text(rng, content)}
    if rng.random() < 0.15 and isinstance(tree, dict):
        donor = _tree(rng.choice(list(seeds))[RECIPE])
        name = rng.choice(sorted(donor))
        tree[name] = donor[name]
    try:
        return {RECIPE: _text(mutate_recipe(rng, tree))}
    except yaml.YAMLError:
        return {RECIPE: mutate_text(rng, content)}


def _read(folder: Path) -> None:
    from biotransfer.studies.recipe import load_recipe, recipe_yaml

    for smoke in (False, True):
        recipe = load_recipe(folder / RECIPE, smoke=smoke)
        repr(recipe)
        recipe._repr_html_()
        assert load_recipe(yaml.safe_load(recipe_yaml(recipe))).uid == recipe.uid


def _plan(folder: Path) -> None:
    """All but training: what ``check`` does, with simulated people, of whom there are at most six."""
    from biotransfer.errors import BiotransferError
    from biotransfer.evidence.checks import run_guards
    from biotransfer.studies.recipe import load_recipe
    from biotransfer.studies.running import lay_out, prepare, rehearse

    recipe = load_recipe(folder / RECIPE, smoke=True)
    for side in recipe.sides.values():
        few = side.data.name == "simulated" and side.data.parameters["n_subjects"] <= 6
        if not few or side.data.parameters["options"]:
            raise BiotransferError("other data than a few simulated people are not loaded here")
    plan = prepare(recipe, download=False)
    rehearse(plan)
    lay_out(plan)
    run_guards(plan)


def _sets(place: Path) -> list[Files]:
    asked = [
        ["train.epochs=3", "seeds=2"], ["eeg.n_subjects=4", "eeg.windows.length=2"],
        ["arms.0=scratch", "arms.1.name=frozen_body"], ["align.name=pca", "align.k=4"],
        ["network.hidden=[4, 4]"], ["title=mine", "compare.margin=0.05", "directions=emg->eeg"],
        ["cluster={name: local, jobs: 2}"], ["own_donors=none", "budget=[2, 4]", "align=pca"],
    ]  # fmt: skip
    return [{SETS: json.dumps(one).encode()} for one in asked]


def _spoil_set(rng: random.Random, files: Files, seeds: Sequence[Files]) -> Files:
    asked = [rng.choice([*json.loads(files[SETS]), *json.loads(rng.choice(list(seeds))[SETS])])]
    for _ in range(rng.choice((1, 1, 2))):
        key, sign, value = asked[-1].partition("=")
        what = rng.randrange(6)
        if what == 0:
            value = (
                yaml.safe_dump(rng.choice(ODD[:18]), default_flow_style=True).removesuffix("\n...\n").strip()
            )
        elif what == 1:
            value = rng.choice(_VALUES)
        elif what == 2:
            key = rng.choice((f"{key}.x", f"{key}.0", *_PATHS))
        elif what == 3:
            key, sign = rng.choice([one.partition("=")[0] for one in asked]), rng.choice(("", "=", "=="))
        elif what == 4:
            text = mutate_text(rng, asked[-1].encode()).decode("utf-8", "replace")
            key, sign, value = text.partition("=")
        else:
            key = rng.choice(_HEADS)
        asked.append(f"{key}{sign}{value}")
    return {SETS: json.dumps(asked).encode()}


def _set(folder: Path) -> None:
    from biotransfer.studies.recipe import load_recipe

    assert load_recipe(BASE, json.loads((folder / SETS).read_text())).uid


def _clusters(place: Path) -> list[Files]:
    asked: list[dict[str, Any]] = [
        {"name": "slurm", "cores": 2, "processes": 2, "memory": "4GB", "walltime": "02:00:00",
         "queue": "short",
         "adaptive": {"minimum": 0, "maximum": 20}, "job_script_prologue": ["export A=1"], "interface": "lo"},
        {"name": "local", "jobs": 2, "memory": "1GB"},
        {"name": "slurm", "jobs": 4, "cores": 1, "memory": "8GB", "account": "lab"},
    ]  # fmt: skip
    return [{CLUSTER: _text(one)} for one in asked]


def _spoil_cluster(rng: random.Random, files: Files, seeds: Sequence[Files]) -> Files:
    if rng.random() < 0.4:
        return {CLUSTER: mutate_text(rng, files[CLUSTER])}
    tree = _tree(files[CLUSTER])
    if tree is None:
        return {CLUSTER: mutate_text(rng, files[CLUSTER])}
    try:
        return {CLUSTER: _text(mutate_recipe(rng, tree))}
    except yaml.YAMLError:
        return {CLUSTER: mutate_text(rng, files[CLUSTER])}


def _cluster(folder: Path) -> None:
    from biotransfer.files import read_yaml
    from biotransfer.studies.recipe import load_recipe, own_cluster

    asked = read_yaml(folder / CLUSTER, "cluster", "")
    own_cluster(asked).arguments()
    allowed = {k: v for k, v in asked.items() if k not in ("interface", "job_script_prologue")}
    load_recipe({**BASE, "cluster": allowed})


KINDS = {
    "recipe": Kind(_recipes, command(_read), _spoil_recipe),
    "plan": Kind(_plans, command(_plan), _spoil_recipe),
    "set": Kind(_sets, command(_set), _spoil_set),
    "cluster": Kind(_clusters, command(_cluster), _spoil_cluster),
}
