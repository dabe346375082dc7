"""What a recipe may say: every key with its default, its check and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    made,
    many,
    maybe,
    option,
    spec,
    text,
    whole,
)
from ...signals.features import resolve_sets
from ...signals.splits import SPLITS, Budget
from ...transfer.align import ALIGN
from ...transfer.align.transform import SCALES
from ...transfer.carry import ARMS, ArmRequest, resolve_arms
from ...transfer.pretrain import Pretraining
from ...transfer.select import SELECT
from ..topologies import Search
from .clusters import CLUSTER, ClusterAsked
from .donors import AUTO, HOW_MANY, Donors
from .preregistration import Preregistration
from .published import Published
from .sides import Section, read_sets
from .tuning import Tune
from .ways import Way

_MOST_SEEDS = 100_000
ENGINES = ("auto", "stacked", "loop")
_WAYS = many(group(Way), least=0)
DESCRIPTIVE = ("title", "question", "source", "published", "preregistration", "cluster")
"""Keys that change no number."""


def usual_arms() -> list[str]:
    """Return the arms of a recipe that names none: scratch, two transfers, and every standard control."""
    return [
        entry.name
        for entry in (ARMS[name] for name in ARMS.own)
        if (entry.facts["role"] in ("baseline", "control") and entry.facts["standard"])
        or entry.name in ("transferred", "frozen_body")
    ]


def _side(modality: str) -> Reader:
    return Reader(
        "a mapping with data",
        lambda where, given: None if given is None else Section.of(where, modality, given),
        Section,
    )


def _features(where: str, given: Any) -> Spec | tuple[Spec, ...]:
    specs = tuple(Spec(entry.name, parameters) for entry, parameters in resolve_sets(given, where))
    return specs[0] if len(specs) == 1 else specs


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
        check(
            given <= _MOST_SEEDS, f"{where}={given} is more than {_MOST_SEEDS}. Expected a number such as 10."
        )
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
        SCORES.resolve(name, where)
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


@dataclass(frozen=True, eq=False)
class Keys(Settings):
    """Every key that a recipe may have."""

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
        Reader("a mapping by name", read_sets, Section, "NAME"),
        {},
    )
    directions: tuple[Direction, ...] = key(
        "Any of emg->eeg, eeg->emg or other names: source -> target; all at an end is every side, all alone "
        "every pair. A set to itself starts from its people kept aside (donors).",
        made("a list of source -> target"),
        ("emg->eeg", "eeg->emg"),
    )
    features: Spec | tuple[Spec, ...] | None = key(
        "A feature set for both modalities, or a list of them side by side (see: biotransfer list features); "
        "left out for signals.",
        maybe(Reader("a name, a mapping with name and parameters, or a list of such", _features)),
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
        "How differing inputs are reconciled (see: biotransfer list align); left out, matched where all "
        "networks take features, so that column i means the same on both sides, and none where one takes "
        "signals.",
        maybe(spec(lambda: ALIGN)),
        None,
    )
    network: tuple[Spec, ...] = key(
        "A network or a list of them (see: biotransfer list networks).", many(spec(lambda: NETWORKS)), "mlp"
    )
    tune: Tune | None = key(
        "Values that inner validation chooses for every fold: lists by path, such as align.k: [64, 128] or "
        "train.epochs: [10, 20]; per (fold: the same for all arms; arm: for each arm its own values of "
        "train), seeds, folds, seed.",
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
        Reader("a list of ways", lambda where, given: () if given is None else _WAYS(where, given), Way, "N"),
        (),
    )
    same_modality: Mapping[str, Donors | Section] = key(
        "By target, the source of that arm: {people: n} of the target's own set kept aside, or another data "
        "set.",
        Reader("a mapping by target", lambda _, given: given, Donors, "TARGET"),
        {},
    )
    own_donors: int | str | Mapping[str, int | str] = key(
        "Other people of the target's own set, kept aside in every fold: every transfer arm is carried from "
        "them, too (LABEL_own_donors), which proves that the study could see transfer. auto: half of those "
        "whom a fold does not test, where two donors and two training people remain; a number; none; or one "
        "of these by target.",
        HOW_MANY,
        AUTO,
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
        "precision (full or mixed), augment, class_weight (none or balanced): the same for every arm and "
        "source.",
        group(Schedule),
        {},
    )
    pretrain: Pretraining = key(
        "A method (see: biotransfer list pretrain); held_out (share of source people kept to see what it "
        "knows), draw_people (share of the others that each seed draws), noise (gaussian or phase). An arm "
        "may name its own: {name: transferred, pretrain: reptile, label: reptile}.",
        group(Pretraining),
        {},
    )
    seeds: tuple[int, ...] = key("How many, or a list of them.", Reader("a number of seeds", _seeds), 10)
    compare: Compare = key("against, metric, measure, margin, alpha.", group(Compare), {})
    preregistration: Preregistration | None = key(
        "What was fixed before the study was run: date, hypotheses, measure, margin, alpha, family, "
        "exclusions. Its hash and date stand in verdicts and report, and so does every later change. See: "
        "biotransfer register.",
        maybe(group(Preregistration)),
        None,
    )
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
    cluster: ClusterAsked | None = key(
        "Workers elsewhere: {name: slurm, jobs: 4, cores: 1, memory: 8GB}, or those of the command line's "
        "--cluster; see docs/cluster.md. It changes no number.",
        CLUSTER,
        None,
    )
    smoke: bool = key(
        "true: three people, one seed, two epochs, the two smallest budgets; to see whether it runs.",
        flag(),
        False,
    )


KEYS: Mapping[str, str] = {name: item.metadata["doc"] for name, item in Keys.declared().items()}
"""What every key means."""
