"""Commands that look: at the catalog, at data, at weights."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BiotransferError, check, check_option, did_you_mean
from ..files import shipped_recipes
from ..registry import CATALOGS
from .catalogs import LEVERS, catalog_of, lever_entries


def list_entries(arguments: argparse.Namespace) -> int:
    """List one catalog, the levers of transfer, or everything and the shipped recipes."""
    if arguments.kind == "keys" or arguments.markdown:
        check(arguments.kind == "keys", "--markdown goes with keys. Type: biotransfer list keys --markdown")
        return _list_keys(arguments.markdown)
    by_lever = {lever.kind for lever in LEVERS.values()}
    kinds = [kind for kind in (*CATALOGS, "levers", "recipes") if kind not in by_lever]
    if arguments.kind is not None:
        kinds = [check_option("list", arguments.kind, [*CATALOGS, "levers", "recipes", "keys"])]
    for kind in kinds:
        if kind == "levers":
            _list_levers()
            continue
        print(f"{kind}:")
        if kind == "recipes":
            rows = [(name, _title(path)) for name, path in shipped_recipes().items()]
        else:
            catalog = catalog_of(kind)
            asked = {name: catalog.asks(name) if kind in by_lever else "" for name in catalog}
            rows = [(e.name, e.summary + (asked[e.name] and f" [{asked[e.name]}]")) for e in catalog.values()]
        width = max((len(name) for name, _ in rows), default=0)
        for name, text in rows:
            print(f"  {name:<{width}}  {text}")
        refused = {} if kind == "recipes" else catalog_of(kind).refused
        if refused:
            print(f"{kind}, refused:")
            width = max(map(len, refused))
            for name, reason in refused.items():
                print(f"  {name:<{width}}  {reason}")
    return 0


def _title(path: Path) -> str:
    from ..files import read_yaml

    return str(read_yaml(path, f"recipe {str(path)!r}", "Install biotransfer again.").get("title", ""))


def _list_keys(markdown: bool) -> int:
    """Print every key of a recipe with its default, what it expects, and what it means."""
    from ..studies.recipe.reference import described_keys, reference_page

    if markdown:
        print(reference_page(), end="")
        return 0
    for one in described_keys():
        default = "required" if one.required else f"= {one.default!r}"
        print(f"  {one.path} {default}\n      {one.doc}\n      Expected {one.expects}.")
    return 0


def _list_levers() -> None:
    """Print every way to transfer by the lever that it pulls, with what it asks for and what is refused."""
    for name, lever in LEVERS.items():
        print(f"{name}: {lever.doc}")
        catalog, entries = catalog_of(lever.kind), list(lever_entries(name))
        width = max(len(entry.name) for entry in entries)
        for entry in entries:
            asks = catalog.asks(entry.name)
            print(f"  {entry.name:<{width}}  {entry.summary}{f' [{asks}]' if asks else ''}")
    print("refused:")
    for name, reason in catalog_of("arms").refused.items():
        print(f"  {name}: {reason}")


def show(arguments: argparse.Namespace) -> int:
    """Show an entry with parameters and source, a recipe, or a weights file."""
    name = arguments.name
    if name.endswith((".safetensors", ".json")):
        return _show_weights(Path(name))
    found = [kind for kind in CATALOGS if name in catalog_of(kind)]
    for kind in found:
        _show_entry(kind, name)
    if name in shipped_recipes():
        from ..studies.recipe import load_recipe, recipe_yaml

        print(recipe_yaml(load_recipe(name)))
        return 0
    if not found:
        known = [n for kind in CATALOGS for n in catalog_of(kind)] + list(shipped_recipes())
        raise BiotransferError(
            f"show: nothing is called {name!r}.{did_you_mean(name, known)} See: biotransfer list"
        )
    return 0


def _show_entry(kind: str, name: str) -> None:
    catalog = catalog_of(kind)
    entry = catalog[name]
    print(f"{name}  ({kind})\n  {entry.summary}\n  source: {entry.source}")
    told = {key: text for key, value in entry.facts.items() if (text := _say(value))}
    if told:
        print("  facts:")
    for key, text in told.items():
        print(f"    {key}: {text}\n      {catalog.facts[key].doc}")
    if entry.parameters:
        print("  parameters:")
    for parameter in entry.parameters:
        default = "required" if parameter.required else repr(parameter.default)
        print(f"    {parameter.name} = {default}\n      {parameter.doc}")


def _say(value: Any) -> str:
    """Return the value of a fact as text; "" of what is empty or a function."""
    if value is None or callable(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_say(inner)}" for key, inner in value.items())
    return ", ".join(map(_say, value)) if isinstance(value, (list, tuple)) else str(value)


def _show_weights(path: Path) -> int:
    from ..learning.weights import card_lines, load_weights

    weights = load_weights(path)
    print(path)
    for key, text in card_lines(weights).items():
        print(f"  {key}: {text}")
    fates = {str(row.get("tensor")): row for row in weights.card.get("ledger") or ()}
    width = max(map(len, [*weights.tensors, *fates]), default=0)
    print("  tensors:")
    for name in {**weights.tensors, **fates}:
        value, fate = weights.tensors.get(name), fates.get(name)
        shape = "-" if value is None else "x".join(map(str, value.shape))
        what = "" if fate is None else f"  {fate['action']}: {fate.get('reason')}"
        print(f"    {name:<{width}}  {shape:<12}{what}".rstrip())
    return 0


def fetch(arguments: argparse.Namespace) -> int:
    """Download data sets."""
    from ..signals.datasets import fetch as fetch_dataset

    for name in arguments.names:
        print(f"{name}: {fetch_dataset(name, data_dir=arguments.data, subjects=arguments.subjects)}")
    return 0


def features(arguments: argparse.Namespace) -> int:
    """Extract features of one file into a CSV: one row per window, a label column last."""
    from dataclasses import replace

    import pandas as pd

    from ..files import parse_yaml, write_atomically
    from ..signals.datasets import DATASETS
    from ..signals.features import extract_features, resolve_sets
    from ..signals.windows import cut_windows

    entry = DATASETS[arguments.dataset]
    reader = entry.facts["read_file"]
    check(
        reader is not None,
        f"--dataset {entry.name}: its recordings span several files, so a single file cannot be read. "
        f"Use one of: {', '.join(e.name for e in DATASETS.values() if e.facts['read_file'])}.",
    )
    spec = parse_yaml(
        arguments.features,
        f"features {arguments.features[:120]!r}",
        "Write a name, or '[band_power, time_domain]'.",
    )
    sets = resolve_sets(spec, "features")
    path = Path(arguments.file)
    check(path.is_file(), f"{str(path)!r} is no file. Pass a recording of {entry.name}.")
    assert reader is not None
    recording = reader(path)
    present = {item["description"] for item in recording.raw.annotations}
    recording = replace(recording, classes=tuple(c for c in recording.classes if c in present))
    windows = cut_windows(recording, dtype="float64", **sets[0][0].facts["windows"])
    table = extract_features(windows, spec, dtype="float64")
    frame = pd.DataFrame(table.X, columns=list(table.names))
    frame["label"] = [table.classes[i] for i in table.y]
    out = Path(arguments.out)
    check(
        out.parent.is_dir(),
        f"--out {str(out)!r}: the folder {str(out.parent)!r} does not exist. Make it first.",
    )
    write_atomically(out, lambda part: frame.to_csv(part, index=False, float_format="%.17g"))
    print(f"{out}: {len(frame)} rows, {len(table.names)} columns")
    for unit in dict.fromkeys(filter(None, table.units)):
        stats = dict.fromkeys(one.stat for one in table.columns.values() if one.unit == unit)
        print(f"  in {unit}: {', '.join(stats)}")
    return 0


def new(arguments: argparse.Namespace) -> int:
    """Write a commented recipe, of folders of one's own where they are named."""
    from ..files import write_text
    from ..studies.recipe.reference import new_recipe_text
    from ..studies.recipe.starting import sides_of, stand_ins

    path = Path(arguments.file)
    check(not path.exists(), f"{str(path)!r} exists. Choose another name: biotransfer new NAME.yaml")
    check(path.parent.is_dir(), f"the folder {str(path.parent)!r} does not exist. Make it first.")
    sides = sides_of(arguments.data, path)
    write_text(path, new_recipe_text(sides))
    for text in sides.values():
        print(text + "\n")
    for modality in stand_ins(sides):
        print(
            f"No folder holds {modality.upper()}: simulated {modality.upper()} stands in. Name yours by "
            "another --data FOLDER."
        )
    print(f"{path}: edit it, then type: biotransfer check {path}")
    return 0
