"""The Methods paragraph: what was done, in words, from the recipe, the catalogs and the provenance."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...catalog import Catalog
from ...evidence.checks import mappings_without_meaning
from ...evidence.reading import (
    compared,
    data_label,
    direction_label,
    directions_of,
    measure_label,
    metric_label,
)
from ...evidence.verdicts import FEWEST_STRANGERS
from ...learning.networks import NETWORKS
from ...learning.training import AUGMENTATIONS
from ...results import Results
from ...signals.features import FEATURES
from ...signals.splits import SPLITS
from ...signals.windows.cutting import Cutting, say_choices
from ...transfer.align import ALIGN, MEASURES_MAPPING
from ...transfer.carry import ARMS
from ...transfer.select import SELECT
from .analysis import SOURCES as ANALYSIS_SOURCES
from .analysis import describe_analysis
from .text import counted, joined, whole

_OPTIMIZERS = {
    "adam": "Kingma & Ba 2015, arXiv:1412.6980",
    "adamw": "Loshchilov & Hutter 2019, arXiv:1711.05101",
}

_IDENTIFIER = re.compile(r"10\.\d{4,9}/[^\s,;()]+|arXiv:\d{4}\.\d{4,5}", re.IGNORECASE)
_CATALOG_SOURCE = re.compile(
    r"^(?:own(?:,? (?P<how>after|reading of))? )?(?P<work>.*?)(?: \((?P<note>[^()]*)\))?$"
)


@dataclass
class _References:
    """Works, numbered in the order of their first use; one with the same DOI is the same work."""

    works: dict[str, str] = field(default_factory=dict)

    def cite(self, source: str) -> str:
        """Return `` [n]``, with what the source says about it; nothing for the project's own work."""
        source = source.strip().rstrip(".")
        match = _CATALOG_SOURCE.match(source)
        ours = re.match(r"own\b(?!,? (after|reading of) )", source)
        if not source or ours or match is None:
            return ""
        work = match["work"]
        found = _IDENTIFIER.search(work)
        key = found.group().lower() if found else work
        if len(work) > len(self.works.get(key, "")):
            self.works[key] = work
        number = str(list(self.works).index(key) + 1)
        if match["how"]:
            number = f"our reading of {number}" if match["how"] == "reading of" else f"after {number}"
        return f" [{number}; {match['note']}]" if match["note"] else f" [{number}]"

    def cite_identifiers(self, text: str) -> str:
        """Return `` [n, m]`` for the DOIs and arXiv numbers in a free text."""
        found = [match.group() for match in _IDENTIFIER.finditer(text)]
        cited = [self.cite(f"doi:{work}" if work.startswith("10.") else work) for work in found]
        return f" [{', '.join(c.strip(' []') for c in dict.fromkeys(cited))}]" if cited else ""


def methods_paragraphs(results: Results) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the paragraphs of the Methods section, each with its heading, and the references.

    Parameters
    ----------
    results : Results
        A study.

    Returns
    -------
    paragraphs : list of (str, str)
        Heading and text; ``[n]`` points to the n-th reference.
    references : list of str
        In the order of their first use.
    """
    references = _References()
    paragraphs = [
        ("Question", _question(results, references)),
        *((f"{data_label(key)}: data", _data(results, key, references)) for key in results.data),
        ("Inputs of the networks", _inputs(results, references)),
        ("Networks and training", _networks(results, references)),
        ("Arms", _arms(results, references)),
        ("Evaluation", _evaluation(results)),
        ("Statistics", _statistics(results, references)),
        ("Software", _software(results)),
    ]
    return [(heading, text) for heading, text in paragraphs if text], list(references.works.values())


def methods_text(results: Results) -> str:
    """Return a Methods section in Markdown, ready to be adapted for a paper.

    Parameters
    ----------
    results : Results
        A study.

    Returns
    -------
    str
        Paragraphs with bold headings and a numbered list of references.
    """
    paragraphs, references = methods_paragraphs(results)
    lines = ["# Methods", ""]
    for heading, text in paragraphs:
        lines += [f"**{heading}.** {text}", ""]
    lines += ["## References", ""]
    lines += [f"{i}. {reference}" for i, reference in enumerate(references, start=1)]
    return "\n".join(lines) + "\n"


def _sentence(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _as_list(value: Any) -> list[dict[str, Any]]:
    """Return a recipe's name, mapping, or list of either as a list of mappings."""
    items = value if isinstance(value, list) else [value]
    return [{"name": item} if isinstance(item, str) else dict(item) for item in items if item]


def _source(catalog: Catalog, name: str) -> str:
    return catalog[name].source if name in catalog else ""


def _summary(catalog: Catalog, name: str) -> str:
    text = catalog[name].summary.rstrip(".") if name in catalog else name.replace("_", " ")
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _settings(spec: Mapping[str, Any], leave: Sequence[str] = ("name", "by", "label")) -> str:
    """Write a method's parameters."""
    shown = {k: v for k, v in spec.items() if k not in leave and v is not None and v is not False}
    return ", ".join(f"{k.replace('_', ' ')} {_value(v)}" for k, v in shown.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _settings(value)
    if isinstance(value, (list, tuple)):
        numbers = all(isinstance(v, (int, float)) for v in value)
        return ("-" if numbers else " + ").join(_named(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _named(value: Any) -> str:
    """Write a method by its name, its parameters in brackets; anything else as it is."""
    if not isinstance(value, Mapping) or "name" not in value:
        return _value(value)
    extra = _settings(value)
    return f"{value['name']} ({extra})" if extra else str(value["name"])


def _question(results: Results, references: _References) -> str:
    recipe = results.recipe
    directions = joined(direction_label(d) for d in directions_of(results).values())
    behind = references.cite_identifiers(str(recipe.get("source") or ""))
    asked = str(recipe.get("question") or "").strip()
    return _sentence(
        f"We asked: {asked}" if asked else "",
        f"Networks were trained on one biosignal (the source) and trained further on another (the target): "
        f"{directions}.",
        "Where source and target are one data set, the source was people of the target's set who were kept "
        "aside fold by fold and took no other part."
        if any(d.source == d.target for d in directions_of(results).values())
        else "",
        f"The study goes back to{behind}." if behind else "",
        "All signals were simulated with a stated amount of shared structure; no human was recorded."
        if results.data and all(facts.get("simulated") for facts in results.data.values())
        else "",
    )


def _data(results: Results, key: str, references: _References) -> str:
    facts = results.data[key]
    window = facts["window"]
    work = str(facts.get("citation") or facts.get("origin") or facts["dataset"])
    origin = (
        f"simulated (data set {facts['dataset']})"
        if facts.get("simulated")
        else f"data set {facts['dataset']}{references.cite(work)}"
    )
    cut = f"cut into windows of {window['length']:g} s every {window['step']:g} s"
    if window.get("by") == "timestamps":
        cut += " by the device's time stamps"
    if window.get("n_times"):
        cut += f", each resampled to {window['n_times']} samples"
    levels = [] if facts.get("given") else say_choices(Cutting.read(window))
    cut += f" ({joined(levels)})" if levels else ""
    steps = joined(str(step["name"]) for step in facts.get("preprocessing") or [])
    unsaid = f"Preprocessing steps: {steps}." if steps else "No preprocessing was applied."
    text = str(facts.get("preprocessing_text") or unsaid).strip()
    notes = facts.get("notes") or []
    decisions = facts.get("decisions") or []
    return _sentence(
        f"The {data_label(key)} was {origin}: "
        f"{counted(facts['n_subjects'], 'person')}, {_columns(facts)}, "
        f"{counted(len(facts['classes']), 'class')} "
        f"({joined(str(c).replace('_', ' ') for c in facts['classes'])}).",
        text if text.endswith(".") else f"{text}.",
        f"Signals were {cut}, never across a file, a gap or the border of a label, "
        f"which gave {counted(facts['n_windows'], 'window')}.",
        f"{counted(len(notes), 'defect')} of the files {'was' if len(notes) == 1 else 'were'} noticed while "
        "loading and handled as the report lists."
        if notes
        else "",
        f"{counted(len(decisions), 'decision')} about recordings or channels, listed in the report, "
        f"{'was' if len(decisions) == 1 else 'were'} carried out before preprocessing."
        if decisions
        else "",
    )


def _columns(facts: Mapping[str, Any]) -> str:
    """Say what a window holds: channels at a rate, or the features that were given."""
    if facts.get("sfreq") is None:
        return f"{counted(facts['features']['n_features'], 'feature')} per window"
    names = facts["ch_names"]
    return f"{counted(len(names), 'channel')} ({_few(names)}), {facts['sfreq']:g} Hz as analyzed"


def _few(names: Sequence[str], most: int = 20) -> str:
    shown = [str(n) for n in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")


def _inputs(results: Results, references: _References) -> str:
    recipe = results.recipe
    sentences = []
    sets = []
    for spec in _as_list(recipe.get("features")):
        name, extra = spec["name"], _settings(spec)
        sets.append(
            f"{name} ({_summary(FEATURES, name)}{'; ' + extra if extra else ''})"
            f"{references.cite(_source(FEATURES, name))}"
        )
    if sets:
        sizes = joined(
            f"{whole(facts['features']['n_features'])} for {data_label(key)}"
            for key, facts in results.data.items()
            if facts.get("features")
        )
        kind = "feature set" if len(sets) == 1 else "feature sets"
        sentences.append(
            f"Each window was described by the {kind} {joined(sets)}{': ' + sizes if sizes else ''}."
        )
    else:
        sentences.append("Networks saw the preprocessed signals.")
    if recipe.get("scale", "standard") == "standard":
        sentences.append("Inputs were given zero mean and unit deviation.")
    for spec in _as_list(recipe.get("align")):
        name = spec["name"]
        extra = _settings(spec)
        sentences.append(
            f"Inputs of source and target were reconciled by {name.replace('_', '-')} "
            f"({_summary(ALIGN, name)}{'; ' + extra if extra else ''})"
            f"{references.cite(_source(ALIGN, name))}."
        )
    for spec in _as_list(recipe.get("select") or "all"):
        extra = _settings(spec)
        if spec["name"] != "all":
            sentences.append(
                f"Source people and classes were chosen by {spec['name'].replace('_', '-')} "
                f"({_summary(SELECT, spec['name'])}{'; ' + extra if extra else ''})"
                f"{references.cite(_source(SELECT, spec['name']))}."
            )
    sentences += [
        f"The study was repeated in other ways, each time with its own scratch arm: {_ways(ways)}."
        for ways in [recipe.get("methods") or []]
        if ways
    ]
    sentences.append("Scaling, selection and alignment were fitted on training windows only.")
    unlike = mappings_without_meaning(results)
    if unlike:
        sentences.append(f"In {counted(len(unlike), 'mapping')} {MEASURES_MAPPING} ({'; '.join(unlike)}).")
    return " ".join(sentences)


def _ways(methods: Sequence[Mapping[str, Any]]) -> str:
    """Write what each further way to transfer replaces."""
    ways = []
    for item in methods:
        changes = [
            f"{key} {value['name'].replace('_', ' ')}"
            + (f" ({extra})" if (extra := _settings(value)) else "")
            for key, value in item.items()
            if isinstance(value, Mapping)
        ]
        ways.append(f"{item['label']} ({'; '.join(changes) or 'fewer arms'})")
    return joined(ways)


def _networks(results: Results, references: _References) -> str:
    recipe, sentences = results.recipe, []
    keys = ["network", "variant", "direction", "protocol", "arm"]
    once = results.ledger.drop_duplicates([*keys, "tensor"])
    sizes = once.groupby(keys, observed=True)["parameters"].sum()
    for spec in _as_list(recipe.get("network")):
        name, extra = spec["name"], _settings(spec)
        own = (name, "")
        counts = sorted(set(sizes.loc[own])) if own in sizes.index.droplevel(keys[2:]) else []
        size = f"{joined(whole(n) for n in counts)} parameters" if counts else ""
        inside = "; ".join(part for part in (extra, size) if part)
        sentences.append(
            f"Network {name}: {_summary(NETWORKS, name)}{references.cite(_source(NETWORKS, name))}"
            f"{' (' + inside + ')' if inside else ''}."
        )
    train = recipe["train"]
    decay = float(train.get("weight_decay") or 0.0)
    rule = (
        f"AdamW{references.cite(_OPTIMIZERS['adamw'])} (weight decay {decay:g})"
        if decay
        else f"Adam{references.cite(_OPTIMIZERS['adam'])}"
    )
    seeds = results.provenance.get("seeds") or recipe["seeds"]
    number = len(seeds) if isinstance(seeds, list) else int(seeds)
    sentences.append(
        f"Networks were trained with {rule} on the cross-entropy, learning rate {train['learning_rate']:g}, "
        f"batches of {train['batch_size']} windows, {counted(train['epochs'], 'epoch')}, "
        f"{counted(number, 'seed')}; source networks were trained likewise. {_options(recipe, references)}"
    )
    total = results.provenance.get("n_trainings")
    if total:
        sentences.append(f"The study comprises {whole(total)} trainings.")
    return " ".join(sentences)


def _options(recipe: Mapping[str, Any], references: _References) -> str:
    """Say when training ended, and what was done to windows and precision."""
    train, tune = recipe["train"], recipe.get("tune")
    patience, augment = train.get("patience", 0), train.get("augment", "none")
    parts = ["There was no early stopping and no tuning: every arm made the same number of updates."]
    if patience:
        parts = [
            f"A target training ended after {counted(patience, 'epoch')} without a lower loss on validation "
            "windows, in every arm alike, and the weights of its best epoch were kept; there was no tuning."
        ]
    if tune and tune.get("per") == "arm":
        said = "; ".join(f"{path} out of {joined(values, 'or')}" for path, values in tune["values"].items())
        parts = [
            f"There was no early stopping. In every fold and with every budget of labels {said} was chosen "
            f"for every arm by itself on {tune['folds']} inner folds of the labelled rows of its training "
            "people, each person in one of them; every arm, the baseline and the controls among them, was "
            f"tried with the same candidates by {counted(tune['seeds'], 'seed')}, and the best holds for all "
            "seeds. Sources were trained by the values above."
        ]
    elif tune:
        said = "; ".join(f"{path} out of {joined(values, 'or')}" for path, values in tune["values"].items())
        parts = [
            f"There was no early stopping. For every fold {said} was chosen on {tune['folds']} inner folds "
            "of its training rows by the mean validation of the baseline and the transferred arm, each with "
            "the same trials; all arms of a fold got what was chosen and made the same number of updates."
        ]
    if augment != "none":
        source = references.cite(_source(AUGMENTATIONS, augment["name"]))
        parts.append(f"Augmentation of training windows: {_summary(AUGMENTATIONS, augment['name'])}{source}.")
    if train.get("class_weight", "none") == "balanced":
        parts.append("Every class counted the same in the loss, however few windows it had.")
    if train.get("precision") == "mixed":
        parts.append("Forward passes were computed in bfloat16.")
    return " ".join(parts)


def _arms(results: Results, references: _References) -> str:
    phrases = []
    for spec in _as_list(results.recipe["arms"]):
        name = spec.get("label", spec["name"])
        extra = _settings({k: v for k, v in spec.items() if (k, v) != ("start", "source")})
        phrases.append(
            f"{name.replace('_', ' ')} ({_summary(ARMS, spec['name'])}{'; ' + extra if extra else ''})"
            f"{references.cite(_source(ARMS, spec['name']))}"
        )
    given = results.recipe.get("pretrain", {})
    share, others = given.get("held_out"), ""
    if given.get("draw_people", 1) < 1:
        others = ", and so was, seed by seed, everybody who was not drawn"
    unseen = (
        f"A share of {share:g} of the source's people was kept out of pretraining to see what the source "
        f"network knows about strangers{others}; by fewer than {FEWEST_STRANGERS} people no source was "
        "judged."
        if share is not None and any(spec["name"] != "scratch" for spec in _as_list(results.recipe["arms"]))
        else ""
    )
    return _sentence(
        f"{counted(len(phrases), 'arm')} differed only in the weights they start from and in what may move: "
        f"{'; '.join(phrases)}.",
        "The head, and every layer whose shape could not carry over, was drawn afresh and identically in all "
        "arms of one seed; the order of batches was the same in all arms.",
        unseen,
    )


def _evaluation(results: Results) -> str:
    recipe, sentences = results.recipe, []
    for spec in _as_list(recipe["split"]):
        rule = str(spec.get("by", spec.get("name")))
        extra = _settings({k: v for k, v in spec.items() if v}, leave=("name", "by", "seed"))
        who = SPLITS[rule].facts["tests"] if rule in SPLITS else rule.replace("_", " ")
        leak = (
            "; this rule lets near copies of test windows into training and is reported for comparison with "
            "published numbers only"
            if rule == "shuffled_windows"
            else ""
        )
        sentences.append(f"Split by {rule}{' (' + extra + ')' if extra else ''}: tested on {who}{leak}.")
    sentences.append(_budget(recipe["budget"]))
    asked = compared(results)
    sentences.append(
        "Test windows were predicted before any update (step 0) and after every epoch. The measure compared "
        f"is {metric_label(asked.metric)}, {measure_label(asked.measure)}; test "
        "windows never chose the epoch."
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _budget(budget: Any) -> str:
    """Say whose labels were counted."""
    if budget == "all":
        return ""
    seconds = f"{joined(f'{s:g}' for s in budget['seconds'])} s of distinct signal per class"
    rest = "The signals of windows without label were seen by scaling, alignment and self-training alone."
    if budget["labels_of"] == "training_people":
        return (
            f"Labels were given to {seconds}, taken from the training people in turn, a larger budget "
            f"holding the smaller ones. {rest}"
        )
    others = (
        "were labelled training data beside them"
        if budget["others"] == "labelled"
        else "gave signals without labels"
    )
    return (
        f"Labels were given to {seconds} of each test person, a larger budget holding the smaller ones: for "
        "every class the first half of this person's recordings, from its beginning; the person was tested "
        f"on the other half. The other people {others}. {rest}"
    )


def _statistics(results: Results, references: _References) -> str:
    return describe_analysis(
        results.verdict_list, compared(results), lambda name: references.cite(ANALYSIS_SOURCES[name])
    )


def _software(results: Results) -> str:
    facts = results.provenance
    versions = dict(facts.get("versions") or {})
    own = versions.pop("biotransfer", None)
    engines = facts.get("engine") or {}
    named = (
        joined(f"{v} for {k}" for k, v in engines.items()) if isinstance(engines, Mapping) else str(engines)
    )
    commit = str(facts.get("git_commit") or "")
    return _sentence(
        f"Analyses used biotransfer {own}{' (commit ' + commit[:12] + ')' if commit else ''}"
        if own
        else "Analyses used biotransfer",
        f"with {joined(f'{name} {version}' for name, version in versions.items())}" if versions else "",
        f"on Python {facts['python']}" if facts.get("python") else "",
        f"({joined(str(facts[k]) for k in ('platform', 'cpu') if facts.get(k))})."
        if facts.get("platform") or facts.get("cpu")
        else ".",
        f"Training engine: {named}." if named else "",
        f"Recipe {facts['recipe_uid']}." if facts.get("recipe_uid") else "",
    ).replace(" .", ".")
