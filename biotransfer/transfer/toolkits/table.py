"""Every method that people know from a toolkit: its entry here, or why there is none and what to use instead.

Pure data: catalogs refuse by it, ``biotransfer list toolkits`` and docs/toolkits.md show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ADAPT, TLLIB, MATLAB, HISTORY = "ADAPT", "TLlib", "Domain Adaptation Toolbox", "the field's history"
CATALOGS = ("select", "align", "pretrain", "arms", "scores", "baselines", "augmentations")


@dataclass(frozen=True)
class Method:
    """One method of a toolkit.

    Parameters
    ----------
    toolkit, group, name : str
        Where it is known from, under which heading, and what it is called there.
    kind : str
        Catalog of its entry here, as ``biotransfer list`` takes it; "" where it is refused.
    entry : str
        Name there.
    reason : str
        Why it is refused.
    instead : str
        What to use instead.
    """

    toolkit: str
    group: str
    name: str
    kind: str = ""
    entry: str = ""
    reason: str = ""
    instead: str = ""

    @property
    def plain(self) -> str:
        """The name without case, spaces and signs."""
        return plain_name(self.name)

    @property
    def spellings(self) -> tuple[str, ...]:
        """What a recipe may say for it, plain: the name, and what stands before and in its brackets.

        Examples
        --------
        >>> Method("ADAPT", "", "TransferTreeClassifier (SER)").spellings
        ('transfertreeclassifierser', 'transfertreeclassifier', 'ser')
        """
        found = (self.name, *re.split(r"[()]", self.name))
        return tuple(dict.fromkeys(plain_name(part) for part in found if part.strip()))


def plain_name(name: str) -> str:
    """Return a name without case, spaces and signs.

    Examples
    --------
    >>> plain_name("Pi model"), plain_name("TrAdaBoost")
    ('pimodel', 'tradaboost')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


_SAME_CLASSES = "it needs labels of the target in the source's own classes, and a gesture is no mental state"
_LINEAR = (
    "a linear model is all head: what it learns hangs on the source's classes, and nothing of it carries"
)
_PARTIAL = "it is made for a person who lacks some classes, or has new ones; people of one set share theirs"


def _at(toolkit: str, group: str, kind: str, names: str) -> Iterator[Method]:
    """Yield methods with an entry: "name there = entry here, ..."; without the second where alike."""
    for item in names.split(", "):
        name, _, entry = item.partition(" = ")
        yield Method(toolkit, group, name, kind, entry or name.lower().replace(" ", "_").replace("-", "_"))


def _no(toolkit: str, group: str, name: str, reason: str, instead: str) -> Method:
    return Method(toolkit, group, name, reason=reason, instead=instead)


_FEATURE, _INSTANCE, _PARAMETER = "feature-based", "instance-based", "parameter-based"
_TUNING, _TRAINING, _ALIGNING = "fine-tuning", "self-training", "alignment, normalization, translation"

METHODS_OF_TOOLKITS: tuple[Method, ...] = (
    *_at(ADAPT, _FEATURE, "align", "CORAL, SA = subspace_alignment, TCA, FA = feature_augmentation, "
        "fMMD, mSDA"),
    *_at(ADAPT, _FEATURE, "pretrain", "CCSA"),
    *_at(ADAPT, _FEATURE, "arms", "DANN, DeepCORAL = deep_coral, ADDA, CDAN, MCD, MDD, WDGRL"),
    Method(ADAPT, _FEATURE, "MMD", "arms", "dan"),
    _no(ADAPT, _FEATURE, "PRED", "it adds the source classifier's answers to the target's inputs, so that "
        "scratch would have them, too, and no gain over scratch could be seen",
        "arms: lwf or knowledge_distillation, which use these answers in one arm alone"),
    *_at(ADAPT, _INSTANCE, "select", "KMM, KLIEP, uLSIF, RuLSIF, NearestNeighborsWeighting = "
        "nearest_windows, IWC = classifier_odds, IWN = weighing_network, LDM"),
    _no(ADAPT, _INSTANCE, "BalancedWeighting", _SAME_CLASSES,
        "pretrain: {name: multi_task, target_weight: ...}, which balances both sides with a head each"),
    _no(ADAPT, _INSTANCE, "TrAdaBoost", _SAME_CLASSES,
        "budget: {labels_of: test_person, others: labelled} inside a modality"),
    _no(ADAPT, _INSTANCE, "WANN", _SAME_CLASSES,
        "select: kmm across modalities; arms: dan for a new person"),
    *_at(ADAPT, _PARAMETER, "arms", "FineTuning = transferred, RegularTransferNN = l2_sp"),
    *(_no(ADAPT, _PARAMETER, name, _LINEAR, "arms: l2_sp, the same penalty on a network's body")
      for name in ("RegularTransferLR", "RegularTransferLC", "LinInt (linear interpolation)")),
    _no(ADAPT, _PARAMETER, "RegularTransferGP", "it is a regression, and every target here has classes",
        "arms: l2_sp"),
    *(_no(ADAPT, _PARAMETER, name, "it changes the source's trees, whose leaves hold the source's classes",
          "baselines: [random_forest] as a level beside arms: transferred")
      for name in ("TransferTreeClassifier (SER)", "TransferForestClassifier (STRUT)")),
    *_at(TLLIB, _TUNING, "arms", "L2-SP, DELTA, BSS, Co-Tuning, StochNorm = stoch_norm, LwF, Bi-Tuning, "
         "knowledge distillation"),
    *_at(TLLIB, _TUNING, "pretrain", "group DRO"),
    *_at(TLLIB, _ALIGNING, "arms", "DANN, DeepCoral = deep_coral, DAN, JAN, CDAN, MCD, MDD, MCC, AFN, "
        "BSP, ADDA"),
    *_at(TLLIB, _ALIGNING, "align", "FDA"),
    *_at(TLLIB, _ALIGNING, "pretrain", "MixStyle = mix_style"),
    *(_no(TLLIB, _ALIGNING, name, _PARTIAL, "arms: cdan or mcc") for name in ("IWAN", "PADA", "OSBP")),
    _no(TLLIB, _ALIGNING, "IBN", "it is an architecture of batch and instance norms; networks here have "
        "norms "
        "without running statistics, so that what is frozen is exactly still",
        "arms: stoch_norm on a network of braindecode with batch norms"),
    _no(TLLIB, _ALIGNING, "CycleGAN (cycle translation)", "a cycle does not say which window is translated "
        "into which: whatever exchanges the target's classes closes it as well, and critics of the two sides "
        "then invent what tells them apart (Cohen et al. 2018, arXiv:1805.08841)",
        "align: optimal_transport, which chooses among all maps the one that moves windows least"),
    *_at(TLLIB, _TRAINING, "arms", "pseudo labels = self_training, self-training (Zoph) = "
        "self_training, Pi model, "
         "mean teacher, self-ensemble, FixMatch, FlexMatch, UDA, DST, self-tuning"),
    *_at(TLLIB, "ranking", "scores", "H-score = h_score, LEEP, LogME, NCE, TransRate = trans_rate"),
    *_at(MATLAB, _FEATURE, "align", "TCA, MIDA, SA = subspace_alignment, GFK, SSA, SSTCA, SMIDA"),
    _no(MATLAB, _FEATURE, "ITL", "it draws each window of the target to windows of one class of the source, "
        "so that both must have the same classes, and a gesture is no mental state",
        "arms: mcc for a new person, which also makes the target's answers sure; align: sstca across "
        "modalities"),
    *_at(MATLAB, "classifiers", "baselines", "LapSVM = lap_svm, LapRLS = lap_rls, TSVM"),
    *_at(HISTORY, "carried", "arms", "DBT = discriminability_based, transferred"),
    *_at(HISTORY, "learned", "pretrain", "multi-task, Reptile, FOMAML, MAML, ProtoNet"),
    *_at(HISTORY, "chosen", "select", "conditional transfer = conditional"),
    Method(HISTORY, "networks", "SpinalNet", "heads", "spinal"),
    Method(HISTORY, "before training", "pattern similarity (Bozinovski)", "scores", "pattern_similarity"),
    _no(HISTORY, "carried", "informative priors (Raina 2006)", "it learns the covariance of a linear model's "
        "weights, each of which means one word in every source; hidden units of networks trained apart are "
        "exchangeable (Entezari et al. 2022, arXiv:2110.06296), so that mean and covariance of their weights "
        "mean nothing",
        "arms: {name: l2_sp, pretrain: reptile}, a Gaussian prior of equal variance at the mean of people's "
        "networks that began from one start"),
)  # fmt: skip


def elsewhere(kind: str) -> dict[str, str]:
    """Return what to say of the toolkits' names that are no entries of one catalog, by their plain name.

    Parameters
    ----------
    kind : str
        The catalog, as ``biotransfer list`` takes it.
    """
    found: dict[str, str] = {}
    for method in METHODS_OF_TOOLKITS:
        where = f"{method.name} of {method.toolkit}"
        if method.reason:
            said = f"{where} is refused: {method.reason}. Use {method.instead}"
        elif method.kind != kind or method.name != method.entry:
            said = f"{where} is {method.entry!r} of {method.kind} here"
        else:
            continue
        for name in method.spellings:
            found.setdefault(name, said)
    return found
