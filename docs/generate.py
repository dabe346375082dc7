"""Pages that are made from the package when the documentation is built: catalogs, API, recipes, figures, notebooks."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import docstring_parser

import biotransfer as bt
from biotransfer.catalog import COMMON, Catalog, Entry
from biotransfer.cli.browse import _say
from biotransfer.cli.catalogs import LEVERS, catalog_of
from biotransfer.files import read_yaml, shipped_recipes
from biotransfer.pages import figures
from biotransfer.registry import CATALOGS

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/biotransfer/biotransfer/blob/main"

REPUBLISHED = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
"""Pages of the repository that are pages of the site, too."""

OTHERS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "python": ("https://docs.python.org/3", {
        "pathlib.Path": ("class", "library/pathlib.html#pathlib.Path"),
        "collections.abc.Mapping": ("class", "library/collections.abc.html#collections.abc.Mapping"),
        "collections.abc.Sequence": ("class", "library/collections.abc.html#collections.abc.Sequence"),
        "collections.abc.Iterable": ("class", "library/collections.abc.html#collections.abc.Iterable"),
        "bool": ("class", "library/functions.html#bool"),
        "True": ("data", "library/constants.html#True"),
        "False": ("data", "library/constants.html#False"),
    }),
    "numpy": ("https://numpy.org/doc/stable", {
        "numpy.ndarray": ("class", "reference/generated/numpy.ndarray.html"),
    }),
    "pandas": ("https://pandas.pydata.org/docs", {
        "pandas.DataFrame": ("class", "reference/api/pandas.DataFrame.html"),
        "pandas.Series": ("class", "reference/api/pandas.Series.html"),
    }),
    "mne": ("https://mne.tools/stable", {
        "mne.io.Raw": ("class", "generated/mne.io.Raw.html"),
        "mne.Epochs": ("class", "generated/mne.Epochs.html"),
        "mne.EpochsArray": ("class", "generated/mne.EpochsArray.html"),
        "mne.Annotations": ("class", "generated/mne.Annotations.html"),
        "mne.Info": ("class", "generated/mne.Info.html"),
    }),
    "torch": ("https://docs.pytorch.org/docs/stable", {
        "torch.Tensor": ("class", "tensors.html#torch.Tensor"),
        "torch.nn.Module": ("class", "generated/torch.nn.Module.html"),
    }),
    "sklearn": ("https://scikit-learn.org/stable", {
        "sklearn.base.BaseEstimator": ("class", "modules/generated/sklearn.base.BaseEstimator.html"),
        "sklearn.base.ClassifierMixin": ("class", "modules/generated/sklearn.base.ClassifierMixin.html"),
        "sklearn.model_selection.cross_val_score": (
            "function", "modules/generated/sklearn.model_selection.cross_val_score.html"),
        "accuracy_score": ("label", "modules/model_evaluation.html#accuracy-score"),
    }),
    "matplotlib": ("https://matplotlib.org/stable", {
        "matplotlib.figure.Figure": ("class", "api/figure_api.html#matplotlib.figure.Figure"),
    }),
}  # fmt: skip
"""What types of parameters lead to: enough of each inventory to build without a network."""

ALIASES = {
    "ndarray": "numpy.ndarray",
    "Path": "pathlib.Path",
    "sequence": "collections.abc.Sequence",
    "iterable": "collections.abc.Iterable",
    "bool": "bool",
    "boolean": "bool",
    "True": "True",
    "False": "False",
    "Mapping": "collections.abc.Mapping",
    "mapping": "collections.abc.Mapping",
    "DataFrame": "pandas.DataFrame",
    "Series": "pandas.Series",
    "Raw": "mne.io.Raw",
    "Raws": "mne.io.Raw",
    "Figure": "matplotlib.figure.Figure",
    "Module": "torch.nn.Module",
    "Tensor": "torch.Tensor",
    **{name: f"biotransfer.{name}" for name in bt.__all__ if inspect.isclass(getattr(bt, name))},
}

GROUPS = {
    "From files to recordings": (
        "Recording fetch load_dataset from_folder guess_folder from_raws from_arrays from_table from_bids from_moabb "
        "from_braindecode save_recordings to_bids simulate_eeg simulate_emg simulate_pair"
    ),
    "Look at the data": "inspect_recordings findings_table read_decisions apply_decisions find_line_freq account",
    "From recordings to splits": (
        "preprocess Windows cut_windows concatenate from_epochs to_epochs save_windows to_braindecode "
        "extract_features Split make_splits hold_out_people"
    ),
    "Networks and weights": (
        "Network build_network deepen widen replace_head Weights load_weights save_weights load_checkpoint "
        "push_weights pull_weights"
    ),
    "Transfer": "make_source Alignment fit_alignment Pretrained pretrain Arm make_arms Schedule train Curves",
    "Evidence": "Results load_results compare measure_curves pool_studies",
    "Studies": "Recipe load_recipe Study run_study Rerun rerun_study verify_study",
    "Pages": "plot_before_after plot_learning_curves plot_psd plot_recording methods_text write_report write_pooled",
    "In scikit-learn, and methods of your own": "TransferClassifier register BiotransferError",
}
"""The public names in the order of the work; what stands in none is listed last."""


def write_pages(folder: Path) -> None:
    """Write every generated page below ``folder``, what stood there before removed."""
    for name in ("catalogs", "api", "notebooks", "repository"):
        shutil.rmtree(folder / name, ignore_errors=True)
    pages: dict[str, str] = {
        "catalogs/index.md": _catalogs(),
        **{f"catalogs/{kind}.md": _catalog(kind) for kind in CATALOGS},
        "api/index.rst": _api(),
        "recipes.md": _recipes(),
        "figures.md": _figures(),
        "notebooks/index.md": _notebooks(folder / "notebooks"),
    }
    for name in REPUBLISHED:
        text = (ROOT / name).read_text(encoding="utf-8")
        pages[f"repository/{name.lower()}"] = led(text, ROOT, folder / "repository")
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def led(text: str, beside: Path, folder: Path) -> str:
    """Return the text of a page beside which links are meant, with links that hold for a page in ``folder``.

    What is a page of the site is linked there; any other file of the repository leads to the repository.
    """
    docs = ROOT / "docs"
    up = "../" * len(folder.relative_to(docs).parts)

    def lead(found: re.Match[str]) -> str:
        target, anchor = (beside / found[1]).resolve(), found[2] or ""
        if target.is_relative_to(docs):
            return f"]({up}{target.relative_to(docs).as_posix()}{anchor})"
        name = target.relative_to(ROOT).as_posix()
        if name in REPUBLISHED:
            return f"]({up}generated/repository/{name.lower()}{anchor})"
        if target.suffix == ".ipynb":
            return f"]({up}generated/{name}{anchor})"
        return f"]({REPOSITORY}/{name}{anchor})"

    return re.sub(r"\]\((?!https?:|#|\w+:)([^)#\s]+)(#[^)]*)?\)", lead, text)


def plain(text: str) -> str:
    """Return text of a docstring as Markdown that shows it as it is; code stays code."""
    text = re.sub(r":\w+:`~?\.?([^`<]+)`", r"``\1``", text)
    parts = re.split(r"(``.+?``|`[^`]+`)", text, flags=re.S)
    return "".join(
        part if i % 2 else re.sub(r"([\\*_<>|\[\]#$~^])", r"\\\1", part) for i, part in enumerate(parts)
    )


def _paragraphs(text: str) -> Iterable[str]:
    """Yield the paragraphs of a docstring; indented ones as they stand."""
    for part in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if part.startswith((" ", ">>>", "..")) or "\n    " in part:
            yield f"```text\n{part}\n```"
        else:
            yield plain(part.replace("::", ":"))


def _notes(entry: Entry) -> list[str]:
    """Return what the docstring of a method says beyond its summary: description, formulas, differences."""
    doc = docstring_parser.parse(
        inspect.getdoc(entry.function) or "", docstring_parser.DocstringStyle.NUMPYDOC
    )
    told = [doc.long_description or ""]
    told += [meta.description or "" for meta in doc.meta if meta.args and meta.args[0] == "notes"]
    return [part for text in told if text.strip() for part in _paragraphs(text)]


def _cell(text: object) -> str:
    """Return text that may stand in a cell of a table."""
    return plain(" ".join(str(text).split()))


def _entry(catalog: Catalog, entry: Entry) -> list[str]:
    lines = [
        f"(entry-{catalog.word or catalog.kind}-{entry.name})=",
        f"## `{entry.name}`",
        "",
        plain(entry.summary),
        "",
    ]
    for part in _notes(entry):
        lines += [part, ""]
    lines += [f"**Source**: {plain(entry.source)}", ""]
    asks = catalog.asks(entry.name)
    if asks:
        lines += [f"**Asks for**: {plain(asks)}", ""]
    facts = {
        key: said
        for key, value in entry.facts.items()
        if key not in COMMON and (said := _say(value)) and catalog.facts[key].doc
    }
    if facts:
        lines += ["| fact | value | meaning |", "|---|---|---|"]
        lines += [
            f"| {key} | {_cell(said)} | {_cell(catalog.facts[key].doc)} |" for key, said in facts.items()
        ]
        lines += [""]
    if entry.parameters:
        lines += ["| parameter | default | meaning |", "|---|---|---|"]
        for one in entry.parameters:
            default = "required" if one.required else f"`{one.default!r}`".replace("|", "\\|")
            lines.append(f"| `{one.name}` | {default} | {_cell(one.doc)} |")
        lines += [""]
    return lines


def _catalog(kind: str) -> str:
    catalog = catalog_of(kind)
    lines = [
        f"# {kind}",
        "",
        f"What a recipe can name under this heading; `biotransfer list {kind}` prints the same.",
        "",
    ]
    lines += ["| name | what it is |", "|---|---|"]
    lines += [
        f"| [{plain(e.name)}](#entry-{catalog.word or catalog.kind}-{e.name}) | {_cell(e.summary)} |"
        for e in catalog.values()
    ]
    lines += [""]
    for entry in catalog.values():
        lines += _entry(catalog, entry)
    if catalog.refused:
        lines += ["## Refused", "", "Methods that one could expect here, and why they cannot be used.", ""]
        lines += ["| name | reason |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(reason)} |" for name, reason in catalog.refused.items()] + [""]
    return "\n".join(lines)


def _catalogs() -> str:
    lines = [
        "# Catalogs of methods", "",
        "Every method that a recipe can name, made from the entries that the program itself reads: what it does, its",
        "formula where there is one, when it is valid, its parameters and its source. The levers of transfer:", "",
        "| lever | catalog | acts on |", "|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {name} | [{lever.kind}]({lever.kind}.md) | {lever.doc} |" for name, lever in LEVERS.items()]
    lines += ["", "```{toctree}", ":maxdepth: 1", "", *CATALOGS, "```", ""]
    return "\n".join(lines)


def _api() -> str:
    lines = ["API reference", "=============", "",
             "Every public name, as ``import biotransfer as bt`` gives it. Recordings are MNE Raws, weights are numpy",
             "arrays, tables are pandas, figures are matplotlib; links lead to their own pages.", ""]  # fmt: skip
    listed = {name for names in GROUPS.values() for name in names.split()}
    rest = [name for name in bt.__all__ if name not in listed and not name.startswith("_")]
    groups = {**GROUPS, **({"More": " ".join(rest)} if rest else {})}
    for title, names in groups.items():
        lines += [
            title,
            "-" * len(title),
            "",
            ".. currentmodule:: biotransfer",
            "",
            ".. autosummary::",
            "   :toctree: .",
            "",
        ]
        lines += [f"   {name}" for name in names.split() if name in bt.__all__] + [""]
    lines += ["Figures", "-------", "", "Every function draws one picture of ``Results`` and returns a matplotlib figure.", "",
              ".. currentmodule:: biotransfer.pages.figures", "", ".. autosummary::", "   :toctree: .", ""]  # fmt: skip
    lines += [f"   {name}" for name in sorted(figures.__all__) if name not in bt.__all__] + [""]
    return "\n".join(lines)


def _recipes() -> str:
    lines = ["# Gallery of recipes", "",
             "Each stands in the package: `biotransfer run NAME`, `biotransfer show NAME`. What they found:",
             "[findings](../findings.md).", ""]  # fmt: skip
    for name, path in sorted(shipped_recipes().items()):
        facts = read_yaml(path, f"recipe {name!r}", "Install biotransfer again.")
        lines += [
            f"## `{name}`",
            "",
            f"**{plain(str(facts.get('title', '')))}.** {plain(str(facts.get('question', '')))}",
            "",
        ]
        lines += ["```yaml", path.read_text(encoding="utf-8").strip(), "```", ""]
    return "\n".join(lines)


def _figures() -> str:
    captions = json.loads((ROOT / "docs" / "pictures" / "captions.json").read_text(encoding="utf-8"))
    lines = ["# Gallery of figures", "",
             f"Drawn by the package's own functions from finished studies, `{captions['made by']}`. Each returns a",
             "matplotlib figure, and the report has the data behind it as CSV.", ""]  # fmt: skip
    for name, told in captions["pictures"].items():
        lines += [f"## `{told['function']}`", "", plain(told["summary"]), "",
                  "```python", told["code"], "```", "", f"![{told['summary']}](../pictures/{name}.png)", ""]  # fmt: skip
    drawn = {told["function"] for told in captions["pictures"].values()}
    rest = [name for name in figures.__all__ if name not in drawn]
    lines += [
        "## Others",
        "",
        "Of studies with more: several sources and targets, searched topologies, pooled studies.",
        "",
    ]
    for name in rest:
        lines += [f"- `{name}`: {plain(_first(getattr(figures, name)))}"]
    return "\n".join([*lines, ""])


def _first(function: Any) -> str:
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())


def _title_of(path: Path) -> str:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = "".join(cells[0]["source"])
    return first.splitlines()[0].removeprefix("# ").strip()


def _notebooks(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in paths:
        shutil.copyfile(path, folder / path.name)
    lines = ["# Notebooks", "", "Stored as they ran, pictures included; a test runs each of them again.", ""]
    lines += [f"- [{_title_of(path)}]({path.name})" for path in paths]
    lines += ["", "```{toctree}", ":hidden:", "", *(path.stem for path in paths), "```", ""]
    return "\n".join(lines)


def inventories(folder: Path, *, online: bool) -> dict[str, tuple[str, str | None]]:
    """Return what intersphinx is told: the inventories of others, or the little ones of ``OTHERS``."""
    if online:
        return {name: (f"{url}/", None) for name, (url, _) in OTHERS.items()}
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, tuple[str, str | None]] = {}
    for name, (url, objects) in OTHERS.items():
        rows = "".join(
            f"{what} {'std' if kind == 'label' else 'py'}:{kind} 1 {place} -\n"
            for what, (kind, place) in objects.items()
        )
        head = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n"
        head += "# The remainder of this file is compressed using zlib.\n"
        (folder / f"{name}.inv").write_bytes(head.encode() + zlib.compress(rows.encode()))
        told[name] = (f"{url}/", f"generated/{name}.inv")
    return told
