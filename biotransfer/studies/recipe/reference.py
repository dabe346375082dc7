"""What a recipe may say, for people: a commented recipe to start from, and the page of all keys."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from ...settings import Settings
from .recipe import Recipe

START: Mapping[str, Any] = {
    "title": "My study",
    "question": "Does pretraining on EMG help EEG, beyond what the controls gain?",
    "source": "own",
    "eeg": {
        "data": "simulated",
        "n_subjects": 6,
        "preprocess": "eeg",
        "windows": {"length": 1.0, "step": 0.5},
    },
    "emg": {
        "data": "simulated",
        "n_subjects": 6,
        "preprocess": "emg",
        "windows": {"length": 1.0, "step": 0.5},
    },
    "directions": ["emg->eeg", "eeg->emg"],
    "features": "statistical",
    "align": {"name": "matched", "channels": "order"},
    "network": {"name": "mlp", "hidden": [64, 32]},
    "arms": [
        "scratch",
        "transferred",
        "frozen_body",
        "permuted",
        "redrawn",
        "shuffled_source",
        "noise_source",
    ],
    "train": {"epochs": 20, "learning_rate": 1.0e-3, "batch_size": 64},
    "seeds": 5,
    "compare": {"against": "scratch", "metric": "balanced_accuracy", "margin": 0.02},
}
"""What a new recipe gives; every other key stands there with its default, left out by a #."""

_WIDTH = 110
_OPENING = """\
# A study: which network, trained on which signals, helps on which others.
# Keys behind a # have the default that they show. Every key with its parts: biotransfer list keys
"""


class Described(NamedTuple):
    """One key for the reference."""

    path: str
    default: Any
    required: bool
    expects: str
    doc: str


def described_keys() -> Iterator[Described]:
    """Yield every key of a recipe and, behind it, the keys inside it."""
    yield from _described(Recipe, "")


def _described(group: type[Settings], above: str) -> Iterator[Described]:
    defaults = group.defaults()
    for name, item in group.declared().items():
        reader, written = item.metadata["read"], item.metadata["written"]
        if written == "":
            continue
        path = f"{above}{written or name}"
        yield Described(
            path, defaults.get(name), name not in defaults, reader.expects, str(item.metadata["doc"])
        )
        if reader.of is not None:
            yield from _described(reader.of, f"{path}.{reader.under}." if reader.under else f"{path}.")


def new_recipe_text(sides: Mapping[str, str] | None = None) -> str:
    """Return a commented recipe to start from: every key, and what it means.

    Parameters
    ----------
    sides : mapping of str to str, optional
        Text of data sections by modality, instead of the simulated ones.
    """
    lines = [_OPENING]
    defaults = Recipe.defaults()
    for name, item in Recipe.declared().items():
        lines += textwrap.wrap(str(item.metadata["doc"]), _WIDTH, initial_indent="# ", subsequent_indent="# ")
        flow = yaml.safe_dump(
            START.get(name, defaults[name]), sort_keys=False, width=10 * _WIDTH, default_flow_style=True
        )
        if name in (sides or {}):
            lines += [(sides or {})[name], ""]
            continue
        written = f"{name}: {flow.removesuffix('...' + chr(10)).strip()}"
        lines += [written if name in START else f"# {written}", ""]
    return "\n".join(lines)


def reference_page() -> str:
    """Return the page of all keys, in Markdown."""
    rows = ["| key | default | expected | meaning |", "|---|---|---|---|"]
    for one in described_keys():
        default = "required" if one.required else f"`{one.default!r}`" if one.default is not None else "-"
        cells = (f"`{one.path}`", default, one.expects, one.doc)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(
        [
            "# The recipe",
            "",
            "Every key that a recipe may have, made from the declarations by which recipes are read:",
            "`python -m biotransfer list keys --markdown > docs/recipe.md`. A part of a key that stands in a",
            "mapping is written behind a dot, as `--set` takes it; N is a position in a list, from 0.",
            "",
            *rows,
            "",
        ]
    )
