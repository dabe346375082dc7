"""What keys of a recipe refuse of each other."""

from __future__ import annotations

from ...errors import check, check_option
from ...learning.networks import NETWORKS
from ...learning.training.augmentations import refuse_features
from ...signals.recording import MODALITIES
from ...signals.splits import SPLITS
from ...transfer.align import ALIGN, needs_labels
from ...transfer.carry import why_not as why_no_arm
from ...transfer.pretrain import METHODS
from ...transfer.pretrain import why_not as why_no_method
from ...transfer.pretrain.validity import refuse_options
from ...transfer.select import SELECT
from .keys import Keys
from .preregistration import CLAIMS


def refuse_what_does_not_fit(recipe: Keys) -> None:
    """Refuse values that are right by themselves and do not go together.

    Raises
    ------
    BiotransferError
        At the first two that do not.
    """
    _networks(recipe)
    _arms(recipe)
    _budget(recipe)
    _training(recipe)
    _drawn(recipe)
    check_option("compare.against", recipe.compare.against, [arm.label for arm in recipe.arms])
    check(
        recipe.permutations == 0 or recipe.baselines,
        f"permutations={recipe.permutations} but baselines is empty: nothing is fitted. Add baselines: "
        "[lda].",
    )
    _tune(recipe)
    _published(recipe)
    _preregistered(recipe)


def _published(recipe: Keys) -> None:
    for item in recipe.published:
        check_option("published.direction", str(item.direction), [str(d) for d in recipe.directions])
        check_option("published.network", item.network, [network.name for network in recipe.network])
        check_option("published.arm", item.arm, [arm.label for arm in recipe.arms])
        check_option("published.variant", item.variant, ["", *(way.label for way in recipe.methods)])


def _networks(recipe: Keys) -> None:
    wanted = ALIGN[recipe.align.name].facts["takes"]
    sections = [recipe.eeg, recipe.emg, *recipe.sets.values()]
    given = any(section is not None and section.gives_windows for section in sections)  # perhaps features
    for network in recipe.network:
        takes = NETWORKS[network.name].facts["takes"]
        check(
            takes != "features" or recipe.features is not None or given,
            f"network {network.name!r} takes features, but features is not given. Add features: statistical.",
        )
        check(
            wanted in ("any", takes),
            f"align {recipe.align.name!r} takes {wanted}, network {network.name!r} takes {takes}. "
            "Use align: none or matched.",
        )


def _arms(recipe: Keys) -> None:
    person = all(SPLITS[rule.name].facts["person_windows"] for rule in recipe.split)
    for arm in recipe.arms:
        if arm.starts_from is not None:
            method = METHODS[(arm.pretrain or recipe.pretrain.method)["name"]]
            reason = why_no_method(method, kind=arm.starts_from, needs=arm.entry.facts["needs"])
            check(reason is None, f"arm {arm.label!r}: {reason}")
        reason = why_no_arm(
            arm.entry,
            unlabelled=not recipe.budget.everything or person,
            labelled=recipe.budget.always_labelled,
            person=person,
        )
        check(reason is None, str(reason))


def _budget(recipe: Keys) -> None:
    budget = recipe.budget
    check(
        not recipe.scores or budget.ever_labelled,
        f"scores={list(recipe.scores)!r}: they judge a source on labelled windows of the target, of which "
        "a budget of 0 s leaves none. Leave scores out, or label some: budget: [0, 2].",
    )
    if budget.everything:
        return
    for rule in recipe.split:
        check(
            not SPLITS[rule.name].facts["person_windows"],
            f"budget counts labels, and split by {rule.name} keeps the windows that it would label for "
            "adaptation. Use budget: all, or split: {by: subject}.",
        )
        check(
            not budget.calibrates or (rule.name == "subject" and rule.parameters["folds"] is None),
            "budget with labels_of: test_person tests one new person per fold, split by "
            f"{rule.name} does not. Use split: {{by: subject}}, or "
            "budget: {seconds: [...], labels_of: training_people}.",
        )
        check(
            rule.name != "shuffled_windows",
            "budget counts distinct seconds, but split by shuffled_windows tests near copies of what is "
            "trained on. Use split: {by: subject}, or budget: all.",
        )
    check(
        not needs_labels(recipe.align),
        f"align {recipe.align.name!r} is fitted on the labels that a budget withholds. "
        "Use align: pca, matched or none, or budget: all.",
    )
    check(
        not SELECT[recipe.select.name].facts["joint"],
        f"select {recipe.select.name!r} looks at the target's labelled windows, most of "
        "which a budget withholds. Use select: all, classes or separable_classes, or budget: all.",
    )
    check(
        recipe.search is None or recipe.search.side == "source",
        "search.side=target validates on the target's labels, which a budget withholds. "
        "Use search.side: source, or budget: all.",
    )
    for arm in recipe.arms:
        name = (arm.pretrain or recipe.pretrain.method)["name"]
        check(
            not METHODS[name].facts["joint"],
            f"pretrain {name} learns from the target's labels, which a budget withholds. "
            "Use pretrain: supervised, or budget: all.",
        )


def _drawn(recipe: Keys) -> None:
    if recipe.pretrain.draw_people == 1:
        return
    share = f"pretrain.draw_people={recipe.pretrain.draw_people:g} draws source people for every seed"
    check(
        not ALIGN[recipe.align.name].facts["joint"],
        f"{share}, and align {recipe.align.name!r} fits the target to all of them. "
        "Use align: matched, none or another that looks at one side, or leave draw_people out.",
    )
    check(
        recipe.select.name == "all",
        f"{share}, and select {recipe.select.name!r} chooses among them. Leave one of them out.",
    )


def _training(recipe: Keys) -> None:
    check(
        recipe.train.patience == 0 or all(rule.parameters.get("validation") for rule in recipe.split),
        f"train.patience={recipe.train.patience} watches validation windows, and not every split keeps some. "
        "Write split: {by: subject, validation: 1}.",
    )
    weighted = SELECT[recipe.select.name].facts["weights"]
    for arm in recipe.arms:
        if arm.source is not None:
            refuse_options((arm.pretrain or recipe.pretrain.method)["name"], recipe.train, weighted=weighted)
    if recipe.train.augment == "none":
        return
    for network in recipe.network:
        if NETWORKS[network.name].facts["takes"] == "features":
            refuse_features(network.name, recipe.train.augment["name"])  # type: ignore[index]


def _tune(recipe: Keys) -> None:
    if recipe.tune is None:
        return
    check(
        len(recipe.network) == 1 or not any(path.startswith("network.") for path in recipe.tune.values),
        f"tune: network with {len(recipe.network)} networks. Name one network.",
    )
    by_arm = recipe.tune.by_arm
    for what, free in (
        ("budget", by_arm or recipe.budget.everything),
        ("search", recipe.search is None),
        ("methods", by_arm or not recipe.methods),
        ("select", by_arm or recipe.select.name == "all"),
        ("train.patience", not recipe.train.patience),
        ("train.patience", "train.patience" not in recipe.tune.values),
    ):
        more = "" if by_arm or what in ("search", "train.patience") else ", or write tune: {per: arm, ...}"
        check(free, f"tune does not go with {what}. Leave one of them out{more}.")
    if by_arm:
        _tuned_by_arm(recipe)


def _tuned_by_arm(recipe: Keys) -> None:
    tune, budget, compared = recipe.tune, recipe.budget, recipe.compare
    assert tune is not None
    check(
        budget.everything or not budget.calibrates,
        "tune per arm validates on people who are not tested, and with budget.labels_of: test_person the "
        "labels are those of the person tested. Use labels_of: training_people, or leave tune out.",
    )
    check(
        budget.epochs is None or "train.epochs" not in tune.values,
        "tune: train.epochs and budget.epochs both say how long is trained. Leave budget.epochs out.",
    )
    check(
        "train.epochs" not in tune.values or compared.measure not in ("asymptote", "area"),
        f"tune per arm lets arms train for different epochs, and compare.measure={compared.measure!r} looks "
        "along the curve. Use compare: {measure: final}, or tune train.learning_rate alone.",
    )
    check(
        len(recipe.seeds) >= tune.seeds,
        f"tune.seeds={tune.seeds}, and the study has {len(recipe.seeds)}. Use {len(recipe.seeds)} or less.",
    )
    joint = [METHODS[(arm.pretrain or recipe.pretrain.method)["name"]] for arm in recipe.arms]
    named = [entry.name for entry in joint if entry.facts["joint"]]
    named += [recipe.align.name] if ALIGN[recipe.align.name].facts["joint"] else []
    check(
        not named,
        f"tune per arm keeps one source network per fold, and {', '.join(named[:1])} makes it from the "
        "training rows that inner folds validate on. Use another method, or write per: fold.",
    )


def _preregistered(recipe: Keys) -> None:
    block = recipe.preregistration
    if block is None:
        return
    compared, transfers = recipe.compare, [arm.label for arm in recipe.arms if arm.role == "transfer"]
    differs = [
        f"{name} is {getattr(block, name)!r}, and compare.{name} {getattr(compared, name)!r}"
        for name in ("measure", "margin", "alpha")
        if getattr(block, name) != getattr(compared, name)
    ]
    if block.family != CLAIMS and set(block.family) != set(transfers):
        differs.append(
            f"family is {', '.join(block.family)}, and the arms that transfer are "
            f"{', '.join(transfers) or 'none'}"
        )
    both = [name for name in MODALITIES if getattr(recipe, name) is not None]
    sides = [*both, *recipe.sets]
    differs += [f"exclusions name {name!r}, and the sides are {', '.join(sides)}"
                for name in block.exclusions if name not in sides]  # fmt: skip
    check(
        not differs,
        f"preregistration: {'; '.join(differs)}. What is registered is what is done: make both say the same.",
    )
