"""What a recipe may say: every key with its default, its check and its meaning."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import check, check_option
from ...evidence.baselines import BASELINES, Nuisance
from ...evidence.checks import CHECKS, guard_names
from ...evidence.metrics import Compare
from ...evidence.transferability import SCORES
from ...learning.networks import NETWORKS
from ...learning.training import Schedule
from ...results import Direction
from ...settings import (
    Reader,
    Rule,
    Settings,
    Spec,
    flag,
    group,
    key,
    known_keys,
    made,
    many,
    maybe,
    option,
    plain,
    spec,
    text,
    whole,
)
from ...showing import html_table, one_line
from ...signals.features import FEATURES
from ...signals.recording import MODALITIES
from ...signals.splits import SPLITS, Budget
from ...transfer.align import ALIGN
from ...transfer.align.transform import SCALES
from ...transfer.carry import ARMS, ArmRequest, resolve_arms
from ...transfer.pretrain import METHODS, Pretraining
from ...transfer.select import SELECT
from ..topologies import Search
from .agreement import refuse_what_does_not_fit
from .clusters import check_cluster
from .published import Published
from .sides import Donors, Section, read_directions, read_donors, read_sets
from .tuning import Tune
from .ways import Way

ENGINES = ("auto", "stacked", "loop")
DESCRIPTIVE = ("title", "question", "source", "published", "cluster")
"""Keys that change no number."""


def usual_arms() -> list[str]:
    """Return the arms of a recipe that names none: scratch, two transfers, and every standard control."""
    return [
        entry.name
        for entry in ARMS.values()
        if (entry.facts["role"] in ("baseline", "control") and entry.facts["standard"])
        or entry.name in ("transferred", "frozen_body")
    ]


def _side(modality: str) -> Reader:
    return Reader(
        "a mapping with data",
        lambda where, given: None if given is None else Section.of(where, modality, given),
        Section,
    )


def _rule(_: str, given: Any) -> Rule:
    given = {"by": given} if isinstance(given, str) else given
    check(
        isinstance(given, Mapping) and "by" in given,
        f"split={given!r} has no rule. Write split: {{by: subject}}.",
    )
    entry, parameters = SPLITS.resolve({"name": given["by"], **{k: v for k, v in given.items() if k != "by"}})
    return Rule(entry.name, parameters)


def _arms(_: str, given: Any) -> tuple[ArmRequest, ...]:
    given = given if isinstance(given, (list, tuple)) else [given]
    check(given, "arms is empty. Name at least one.")
    return tuple(resolve_arms(given))


def _seeds(where: str, given: Any) -> tuple[int, ...]:
    if isinstance(given, int) and not isinstance(given, bool):
        given = list(range(given))
    good = isinstance(given, (list, tuple)) and given and all(type(s) is int and s >= 0 for s in given)
    check(good, f"{where}={given!r}. Expected a number of seeds, such as 10, or a list of them.")
    check(len(set(given)) == len(given), f"{where}={given!r} repeats one. Name each once.")
    return tuple(given)


def _nuisance(_: str, given: Any) -> Nuisance | None:
    if given is None or given is False:
        return None
    families = given.get("families") if isinstance(given, Mapping) else None
    check(families != [], "nuisance.families=[] measures nothing. Write nuisance: false.")
    return Nuisance() if given is True else Nuisance.read(given)


def _scores(where: str, given: Any) -> tuple[str, ...]:
    every = [name for name, entry in SCORES.items() if entry.facts["needs"] != "two_layers"]
    if isinstance(given, bool) or given is None:
        given = every if given else []
    names = [given] if isinstance(given, str) else given
    check(
        isinstance(names, (list, tuple)) and len({str(name) for name in names}) == len(names),
        f"{where}={given!r}. Expected true, or a list that names each score once, such as [logme, leep].",
    )
    for name in names:
        SCORES.resolve(check_option(where, name, SCORES))
        check(
            name in every,
            f"{where}: {name!r} compares two layers and judges no source. Use one of {', '.join(every)}.",
        )
    return tuple(names)


def _accept(where: str, given: Any) -> dict[str, str]:
    check(
        isinstance(given, Mapping),
        f"{where}={given!r} is no mapping. Write accept: {{leaking_split: why it is run in spite of it}}.",
    )
    names = guard_names()
    for name, reason in given.items():
        check_option(where, name, CHECKS)
        check(
            name in names,
            f"{where}: {name} never stops a study. Expected one of {', '.join(names)}. Leave it out.",
        )
        check(
            isinstance(reason, str) and len(reason.split()) > 1,
            f"{where}.{name}={reason!r} is no reason. Say in a few words why; the report prints it.",
        )
    return {str(name): reason.strip().rstrip(".") for name, reason in given.items()}


def _people(where: str, given: Any) -> tuple[tuple[str, ...], ...]:
    check(
        isinstance(given, (list, tuple)),
        f"{where}={given!r} is no list. Write same_people: [[eeg/a, emg/S1]].",
    )
    for group_ in given:
        check(
            isinstance(group_, (list, tuple)) and len(group_) > 1 and all("/" in str(n) for n in group_),
            f"{where}: {group_!r} names no two people. Write side/person, such as [eeg/a, emg/S1].",
        )
    return tuple(tuple(str(name) for name in group_) for group_ in given)


def _cluster(_: str, given: Any) -> Any:
    return given if given is None or isinstance(given, str) else plain(check_cluster(given))


@dataclass(frozen=True, eq=False)
class Recipe(Settings):
    """A validated study: every key with its value.

    A recipe's values are what does the work: the schedule, the budget, the windows, what is compared, ...
    ``to_dict`` gives them as YAML writes them.
    """

    title: str = key("What the report is called.", text(), "")
    question: str = key("What the study asks, in one sentence.", text(), "")
    source: str = key("The paper or claim behind it.", text(), "")
    eeg: Section | None = key(
        "The EEG: data, its parameters (subjects, sessions, classes, ...), preprocess, windows.",
        _side("eeg"),
        None,
    )
    emg: Section | None = key("The EMG, likewise.", _side("emg"), None)
    sets: Mapping[str, Section] = key(
        "Further data by names of your own, beside or instead of eeg and emg: {muse: {data: "
        "muse-mental-state}, ...}; modality where the data set does not say it.",
        Reader("a mapping by name", read_sets),
        {},
    )
    directions: tuple[Direction, ...] = key(
        "Any of emg->eeg, eeg->emg or other names: source -> target; all at an end is every side, all alone "
        "every pair. A set to itself starts from its people kept aside (donors).",
        made("a list of source -> target"),
        ("emg->eeg", "eeg->emg"),
    )
    features: Spec | None = key(
        "A feature set for both modalities (see: biotransfer list features); left out for signals.",
        maybe(spec(lambda: FEATURES)),
        None,
    )
    scale: str = key(
        "standard (zero mean, unit deviation over training rows) or none.", option(SCALES), "standard"
    )
    select: Spec = key(
        "Which people and classes of the source are learned from (see: biotransfer list select).",
        spec(lambda: SELECT),
        "all",
    )
    align: Spec = key(
        "How differing inputs are reconciled (see: biotransfer list align).", spec(lambda: ALIGN), "none"
    )
    network: tuple[Spec, ...] = key(
        "A network or a list of them (see: biotransfer list networks).", many(spec(lambda: NETWORKS)), "mlp"
    )
    tune: Tune | None = key(
        "Values that inner validation chooses for every fold, the same for all arms: lists by path, such as "
        "align.k: [64, 128] or train.epochs: [10, 20]; folds, seed.",
        maybe(group(Tune)),
        None,
    )
    search: Search | None = key(
        "Topologies found by NSGA-II on inner folds: networks, side (source or target), generations, "
        "population, folds, inits, choose, seed, space (by network).",
        maybe(group(Search)),
        None,
    )
    arms: tuple[ArmRequest, ...] = key(
        "What to compare (see: biotransfer list arms); label: tells two arms of one method apart; weights: a "
        "file of weights or a checkpoint to start from instead of the study's source.",
        Reader("a list of arms", _arms),
        tuple(usual_arms()),
    )
    methods: tuple[Way, ...] = key(
        "Further ways to transfer, a list: label, and what differs of select, align, scale, pretrain, "
        "network (some of the recipe's); arms: labels of those that run. Each has its own scratch; tables "
        "name it in the column variant.",
        many(group(Way), least=0),
        (),
    )
    same_modality: Mapping[str, Donors | Section] = key(
        "By target, the source of that arm: {people: n} of the target's own set kept aside, or another data "
        "set.",
        made("a mapping by target"),
        {},
    )
    split: tuple[Rule, ...] = key(
        "Who trains and who tests, or a list of such rules (see: biotransfer list splits).",
        many(Reader("a rule such as {by: subject}", _rule)),
        {"by": "subject"},
    )
    budget: Budget = key(
        "Labelled target data: all, or seconds per class, such as [0, 1, 2, 5, 10]; labels_of (test_person: "
        "of the person's own other recordings, or training_people), others (what the training people add to "
        "a test person's labels: unlabelled, or labelled), epochs (passes over the labelled windows; "
        "train.epochs when left out).",
        group(Budget),
        "all",
    )
    train: Schedule = key(
        "epochs, learning_rate, batch_size, weight_decay, patience (epochs without a lower validation loss), "
        "precision (full or mixed), augment: the same for every arm and source.",
        group(Schedule),
        {},
    )
    pretrain: Pretraining = key(
        "A method (see: biotransfer list pretrain); held_out (share of source people kept to see what it "
        "knows), noise (gaussian or phase). An arm may name its own: {name: transferred, pretrain: reptile, "
        "label: reptile}.",
        group(Pretraining),
        {},
    )
    seeds: tuple[int, ...] = key("How many, or a list of them.", Reader("a number of seeds", _seeds), 10)
    compare: Compare = key("against, metric, measure, margin, alpha.", group(Compare), {})
    nuisance: Nuisance | None = key(
        "true, false, or families, line (mains frequency in Hz) and classifier: what features that should "
        "not carry the label reach (see: biotransfer list nuisance).",
        Reader("true, false or a mapping", _nuisance, Nuisance),
        True,
    )
    baselines: tuple[Spec, ...] = key(
        "Shallow classifiers on the inputs of networks that take features (see: biotransfer list baselines); "
        "[] for none.",
        many(spec(lambda: BASELINES), least=0),
        ("lda",),
    )
    permutations: int = key(
        "How often the first of them is fitted again to permuted labels of whole recordings; 0 for none.",
        whole(0, 9999),
        0,
    )
    accept: Mapping[str, str] = key(
        "Errors of checks that would stop the study, each with a reason: {leaking_split: why}; the report "
        "says so (see: biotransfer list checks).",
        Reader("a mapping of reasons", _accept),
        {},
    )
    same_people: tuple[tuple[str, ...], ...] = key(
        "Groups of people of several sides who are one: [[eeg/a, muse/S3]].",
        Reader("a list of groups", _people),
        (),
    )
    scores: tuple[str, ...] = key(
        "Transferability scores of every source before training on the target: true for all that judge a "
        "source, or their names (see: biotransfer list scores).",
        Reader("true or names", _scores),
        (),
    )
    moved: bool = key(
        "true: what training changed in the baseline, a transfer and a control, for two seeds: layers, the "
        "line between solutions, attributions.",
        flag(),
        False,
    )
    published: tuple[Published, ...] = key(
        "Numbers of a paper to show beside ours: direction, network, arm, metric, value, at.",
        many(group(Published), least=0),
        (),
    )
    engine: str = key("auto, stacked or loop.", option(ENGINES), "auto")
    cluster: str | Mapping[str, Any] | None = key(
        "Workers elsewhere: the address of a Dask scheduler, or {name: slurm, jobs: 4, cores: 1, memory: "
        "8GB, ...}; see docs/cluster.md. It changes no number.",
        Reader("an address or a mapping", _cluster),
        None,
    )
    smoke: bool = key("true: three people, one seed, two epochs; to see whether it runs.", flag(), False)
    path: Path | None = field(default=None, metadata={"doc": "", "read": made("a path"), "apart": True})

    @classmethod
    def declared(cls) -> dict[str, Any]:
        """Return the declared keys by name."""
        return {item.name: item for item in fields(cls) if "apart" not in item.metadata}

    @classmethod
    def read(cls, given: Any, inside: str = "", *, path: Path | None = None) -> Recipe:
        """Return the recipe that a mapping describes.

        Parameters
        ----------
        given : mapping
            As written.
        inside : str
            Not used.
        path : Path, optional
            The file it came from.
        """
        return cls(**known_keys("recipe", given, list(cls.declared())), path=path)

    def agree(self) -> None:
        """Settle what depends on other keys, and refuse what does not go together."""
        sides = self.sides
        for modality in MODALITIES:
            check(
                self.sets or modality in sides,
                f"recipe: {modality} is missing. Add for example {modality}: {{data: simulated}}.",
            )
        known = [*sides, *(f"same_modality {name}" for name in sides)]
        for name in (name for people in self.same_people for name in people):
            check_option("same_people", name.split("/", 1)[0], known)
        settled = {
            "directions": read_directions(self.directions, list(sides)),
            "arms": tuple(self._with_method(arm) for arm in self.arms),
            "search": self.search and self._searched(self.search),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        donors = read_donors(
            self.same_modality,
            sides,
            self.directions,
            self.split,
            wanted=any(arm.entry.name == "same_modality" for arm in self.arms),
        )
        object.__setattr__(self, "same_modality", donors)
        refuse_what_does_not_fit(self)
        object.__setattr__(self, "methods", tuple(self._settled(way) for way in self.methods))
        if self.tune is not None:
            untuned = replace(self, tune=None)
            for values in self.tune.candidates:
                untuned.with_values(values)

    def _with_method(self, arm: ArmRequest) -> ArmRequest:
        """Return an arm whose own method of pretraining has all parameters; None where it is the study's."""
        if arm.pretrain is None:
            return arm
        entry, parameters = METHODS.resolve(arm.pretrain)
        own = Spec(entry.name, parameters)
        return replace(arm, pretrain=None if own == self.pretrain.method else plain(own))

    def _searched(self, search: Search) -> Search:
        """Return the search with its networks named."""
        known = [item.name for item in self.network]
        names = known if search.networks is None else search.networks
        for name in names:
            check_option("search.networks", name, known)
        return replace(search, networks=tuple(names))

    def _settled(self, way: Way) -> Way:
        """Return a way with its values read; what it makes of the recipe is a recipe, too."""
        labels, networks = [arm.label for arm in self.arms], [item.name for item in self.network]
        changes = {}
        for name, given in way.changes.items():
            if name == "arms":
                for arm in given:
                    check_option(f"methods {way.label}: arms", arm, labels)
                changes[name] = tuple(given)
                continue
            changes[name] = self.declared()[name].metadata["read"](name, given)
            for item in changes[name] if name == "network" else ():
                check_option(f"methods {way.label}: network", item.name, networks)
        settled = replace(way, changes=changes)
        self._of(settled)
        return settled

    def _of(self, way: Way) -> Recipe:
        own = dict(way.changes)
        if "arms" in own:
            own["arms"] = tuple(arm for arm in self.arms if arm.label in own["arms"])
        search = self.search
        if search is not None and "network" in own:
            names = tuple(item.name for item in own["network"] if item.name in (search.networks or ()))
            space = {name: search.space[name] for name in names if name in search.space}
            search = replace(search, networks=names, space=space) if names else None
        return replace(self, **own, methods=(), search=search)

    @cached_property
    def sides(self) -> dict[str, Section]:
        """Every data section by name."""
        both = {m: getattr(self, m) for m in MODALITIES if getattr(self, m) is not None}
        return both | dict(self.sets)

    @cached_property
    def variants(self) -> dict[str, Recipe]:
        """The ways to transfer that are compared, by label: the recipe itself (""), and all ``methods``."""
        return {"": self} | {way.label: self._of(way) for way in self.methods}

    def searches(self, network: str) -> bool:
        """Whether the topology of a network is searched for."""
        return self.search is not None and network in (self.search.networks or ())

    def with_values(self, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some values set by path, such as ``{"align.k": 8}``."""
        changed: dict[str, Any] = {}
        for path, value in values.items():
            head, _, last = path.partition(".")
            now = changed.get(head, getattr(self, head))
            if head == "network":
                changed[head] = (now[0].changed(**{last: value}), *now[1:])
            else:
                changed[head] = (
                    now.changed(**{last: value}) if isinstance(now, Spec) else {**now.plain(), last: value}
                )
        return replace(self, **changed)

    def plain(self, *names: str) -> dict[str, Any]:
        """Return some keys, or all, in lists and dicts as YAML writes them."""
        out: dict[str, Any] = {}
        for name in names or self.declared():
            value = getattr(self, name)
            if name in MODALITIES and value is None:
                continue
            out[name] = plain(value)
            if name == "arms":
                out[name] = [plain(arm.spec) for arm in value]
            elif name == "sets":
                out[name] = {k: {"modality": s.modality, **s.plain()} for k, s in value.items()}
        return out

    @cached_property
    def uid(self) -> str:
        """Hash of everything that can change a number: the canonical form without its descriptive keys."""
        return digest(self.plain(*(name for name in self.declared() if name not in DESCRIPTIVE)))

    def __getitem__(self, name: str) -> Any:
        return self.plain(name)[name]

    def to_dict(self) -> dict[str, Any]:
        """Return every key as YAML writes it."""
        return copy.deepcopy(self.plain())

    def __repr__(self) -> str:
        return one_line(f"Recipe {self.uid}: {self.title!r}")

    def _repr_html_(self) -> str:
        return html_table({k: json.dumps(v, ensure_ascii=False) for k, v in self.plain().items()})


def digest(value: Any) -> str:
    """Short hash of the canonical JSON form of ``value``."""
    text_ = json.dumps(plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text_.encode()).hexdigest()[:16]


KEYS: Mapping[str, str] = {name: item.metadata["doc"] for name, item in Recipe.declared().items()}
"""What every key means."""
