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
from .telling import Teller
from .toolkits import list_lines, page, rows


def list_entries(arguments: argparse.Namespace, teller: Teller) -> int:
    """List one catalog, the levers of transfer, or everything and the shipped recipes."""
    if arguments.kind == "toolkits":
        teller.plain({"toolkits": rows()})
        teller.answer(page().rstrip("\n") if arguments.markdown else "\n".join(list_lines()))
        return 0
    if arguments.kind == "keys" or arguments.markdown:
        check(
            arguments.kind == "keys",
            "--markdown goes with keys or toolkits. Type: biotransfer list keys --markdown",
        )
        return _list_keys(arguments.markdown, teller)
    by_lever = {lever.kind for lever in LEVERS.values()}
    kinds = [kind for kind in (*CATALOGS, "levers", "recipes") if kind not in by_lever]
    if arguments.kind is not None:
        kinds = [check_option("list", arguments.kind, [*CATALOGS, "levers", "recipes", "keys", "toolkits"])]
    found = {kind: _listed(kind) for kind in kinds}
    teller.plain(found)
    for groups in found.values():
        for group in groups:
            teller.answer(f"{group['group']}:")
            width = max((len(entry["name"]) for entry in group["entries"]), default=0)
            for entry in group["entries"]:
                asks = f" [{entry['asks']}]" if entry["asks"] else ""
                teller.answer(f"  {entry['name']:<{width}}  {entry['summary']}{asks}")
    return 0


def _listed(kind: str) -> list[dict[str, Any]]:
    """Return what one kind holds, in groups: entries with name, summary and what they ask for."""
    if kind == "recipes":
        entries = [_entry(name, _title(path)) for name, path in shipped_recipes().items()]
        return [{"group": "recipes", "entries": entries}]
    if kind == "levers":
        groups = [
            {
                "group": f"{name}: {lever.doc}",
                "entries": [
                    _entry(e.name, e.summary, catalog_of(lever.kind).asks(e.name))
                    for e in lever_entries(name)
                ],
            }
            for name, lever in LEVERS.items()
        ]
        refused = catalog_of("arms").refused
        return [*groups, {"group": "refused", "entries": [_entry(*item) for item in refused.items()]}]
    catalog = catalog_of(kind)
    asked = kind in {lever.kind for lever in LEVERS.values()}
    entries = [_entry(e.name, e.summary, catalog.asks(e.name) if asked else "") for e in catalog.values()]
    groups = [{"group": kind, "entries": entries}]
    if catalog.refused:
        groups.append(
            {"group": f"{kind}, refused", "entries": [_entry(*item) for item in catalog.refused.items()]}
        )
    return groups


def _entry(name: str, summary: str, asks: str = "") -> dict[str, str]:
    return {"name": name, "summary": summary, "asks": asks}


def _title(path: Path) -> str:
    from ..files import read_yaml

    return str(read_yaml(path, f"recipe {str(path)!r}", "Install biotransfer again.").get("title", ""))


def _list_keys(markdown: bool, teller: Teller) -> int:
    """Print every key of a recipe with its default, what it expects, and what it means."""
    from ..studies.recipe.reference import described_keys, reference_page

    if markdown:
        teller.answer(reference_page().removesuffix("\n"))
        return 0
    keys = described_keys()
    facts = ("path", "required", "default", "doc", "expects")
    teller.plain([{name: getattr(one, name) for name in facts} for one in keys])
    for one in keys:
        default = "required" if one.required else f"= {one.default!r}"
        teller.answer(f"  {one.path} {default}\n      {one.doc}\n      Expected {one.expects}.")
    return 0


def show(arguments: argparse.Namespace, teller: Teller) -> int:
    """Show an entry with parameters and source, a recipe, or a weights file."""
    name = arguments.name
    if name.endswith((".safetensors", ".json")):
        return _show_weights(Path(name), teller)
    found = [_described(kind, name) for kind in CATALOGS if name in catalog_of(kind)]
    if name in shipped_recipes():
        from ..studies.recipe import load_recipe, recipe_yaml

        recipe = load_recipe(name)
        teller.plain({"entries": found, "recipe": recipe.to_dict()})
        for entry in found:
            teller.answer(*_entry_lines(entry))
        teller.answer(recipe_yaml(recipe))
        return 0
    if not found:
        known = [n for kind in CATALOGS for n in catalog_of(kind)] + list(shipped_recipes())
        raise BiotransferError(
            f"show: nothing is called {name!r}.{did_you_mean(name, known)} See: biotransfer list"
        )
    teller.plain({"entries": found})
    for entry in found:
        teller.answer(*_entry_lines(entry))
    return 0


def _described(kind: str, name: str) -> dict[str, Any]:
    """Return what a catalog says of an entry."""
    catalog = catalog_of(kind)
    entry = catalog[name]
    told = {key: text for key, value in entry.facts.items() if (text := _say(value))}
    return {
        "name": name,
        "kind": kind,
        "summary": entry.summary,
        "source": entry.source,
        "facts": [
            {"name": key, "value": text, "meaning": catalog.facts[key].doc} for key, text in told.items()
        ],
        "parameters": [
            {
                "name": p.name,
                "required": p.required,
                "default": None if p.required else p.default,
                "doc": p.doc,
            }
            for p in entry.parameters
        ],
    }


def _entry_lines(entry: dict[str, Any]) -> list[str]:
    lines = [f"{entry['name']}  ({entry['kind']})", f"  {entry['summary']}", f"  source: {entry['source']}"]
    lines += ["  facts:"] if entry["facts"] else []
    for fact in entry["facts"]:
        lines += [f"    {fact['name']}: {fact['value']}", f"      {fact['meaning']}"]
    lines += ["  parameters:"] if entry["parameters"] else []
    for one in entry["parameters"]:
        default = "required" if one["required"] else repr(one["default"])
        lines += [f"    {one['name']} = {default}", f"      {one['doc']}"]
    return lines


def _say(value: Any) -> str:
    """Return the value of a fact as text; "" of what is empty or a function."""
    if value is None or callable(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_say(inner)}" for key, inner in value.items())
    return ", ".join(map(_say, value)) if isinstance(value, (list, tuple)) else str(value)


def _show_weights(path: Path, teller: Teller) -> int:
    from ..learning.weights import card_lines, load_weights

    weights = load_weights(path)
    card, fates = card_lines(weights), {str(r.get("tensor")): r for r in weights.card.get("ledger") or ()}
    tensors = []
    for name in {**weights.tensors, **fates}:
        value, fate = weights.tensors.get(name), fates.get(name, {})
        shape = None if value is None else list(value.shape)
        tensors.append(
            {"name": name, "shape": shape, "action": fate.get("action"), "reason": fate.get("reason")}
        )
    teller.plain({"file": str(path), "card": card, "tensors": tensors})
    teller.answer(path, *(f"  {key}: {text}" for key, text in card.items()), "  tensors:")
    width = max((len(str(one["name"])) for one in tensors), default=0)
    for one in tensors:
        size = "-" if one["shape"] is None else "x".join(map(str, one["shape"]))
        what = f"  {one['action']}: {one['reason']}" if one["action"] else ""
        teller.answer(f"    {one['name']:<{width}}  {size:<12}{what}".rstrip())
    return 0


def fetch(arguments: argparse.Namespace, teller: Teller) -> int:
    """Download data sets."""
    from ..signals.datasets import fetch as fetch_dataset

    for name in arguments.names:
        teller.answer(f"{name}: {fetch_dataset(name, data_dir=arguments.data, subjects=arguments.subjects)}")
    return 0


def features(arguments: argparse.Namespace, teller: Teller) -> int:
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
    teller.answer(f"{out}: {len(frame)} rows, {len(table.names)} columns")
    for unit in dict.fromkeys(filter(None, table.units)):
        stats = dict.fromkeys(one.stat for one in table.columns.values() if one.unit == unit)
        teller.answer(f"  in {unit}: {', '.join(stats)}")
    return 0


def new(arguments: argparse.Namespace, teller: Teller) -> int:
    """Write a commented recipe, of folders of one's own where they are named."""
    from ..files import write_text
    from ..studies.recipe.reference import new_recipe_text
    from ..studies.recipe.starting import sides_of, stand_ins, to_fill_in

    path = Path(arguments.file)
    check(not path.exists(), f"{str(path)!r} exists. Choose another name: biotransfer new NAME.yaml")
    check(path.parent.is_dir(), f"the folder {str(path.parent)!r} does not exist. Make it first.")
    sides = sides_of(arguments.data, path)
    write_text(path, new_recipe_text(sides))
    open_keys = [f"{side}.{key}" for side, text in sides.items() for key in to_fill_in(text)]
    for text in sides.values():
        teller.answer(text + "\n")
    for modality in stand_ins(sides):
        teller.answer(
            f"No folder holds {modality.upper()}: simulated {modality.upper()} stands in. Name yours by "
            "another --data FOLDER."
        )
    first = f"fill in {' and '.join(open_keys)}" if open_keys else "look at it"
    teller.answer(f"{path}: {first}, then type: biotransfer inspect {path}; biotransfer check {path}")
    return 0


def completion(arguments: argparse.Namespace, teller: Teller) -> int:
    """Print what makes a shell complete commands and options."""
    from .parser import build_parser

    try:
        import shtab
    except ImportError as error:
        raise BiotransferError(
            "completion needs shtab, which is not installed. Type: pip install 'biotransfer[completion]'"
        ) from error
    teller.answer(shtab.complete(build_parser(), shell=arguments.shell))
    return 0
