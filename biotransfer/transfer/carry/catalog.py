"""The arms that a recipe can name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...catalog import Catalog, Entry, Fact
from ...learning.training import PENALTIES
from ..toolkits.table import elsewhere
from . import adaptation, carrying, controls, discriminability, extra_data, regularized
from .starting import OTHER_SOURCES
from .validity import NEEDS, REFUSED

ROLES = ("baseline", "transfer", "control", "positive_control", "reference")
"""What an arm can be in a comparison."""
_YOSINSKI = "Yosinski et al. 2014, arXiv:1411.1792"
_ULMFIT = "Howard & Ruder 2018, arXiv:1801.06146"


def _entry(
    function: Callable[..., Any],
    role: str,
    starts_from: str | None,
    summary: str,
    source: str = "own",
    **facts: Any,
) -> Entry:
    facts |= {"role": role, "starts_from": starts_from}
    return Entry(function.__name__, summary, function, source, facts)


def _transfer(function: Callable[..., Any], summary: str, source: str, **facts: Any) -> Entry:
    return _entry(function, "transfer", "supervised", summary, source, **facts)


def _other(function: Callable[..., Any], role: str, summary: str, source: str = "own", **facts: Any) -> Entry:
    return _entry(function, role, OTHER_SOURCES[function.__name__], summary, source, **facts)


def _adapts(penalty: Entry) -> Entry:
    """Return the arm of a penalty that looks at windows of the tested person."""
    needs = ("person_windows", *(("head_input",) if penalty.facts["learns"] else ()))
    phrase = f"Adapting to the new person by {penalty.name}"
    facts = {"phrase": phrase, "needs": needs, "lever": "adapt"}
    return _entry(adaptation.adaptation(penalty), "transfer", None, penalty.summary, penalty.source, **facts)


ARMS = Catalog(
    "arm",
    [
        _entry(controls.scratch, "baseline", None, "Random weights.", phrase="Random weights"),
        _transfer(carrying.transferred, "The source's weights; everything trains.",
                  "Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074", phrase="Pretraining on {source}"),
        _transfer(carrying.frozen_body, "The source's weights stay; only fresh layers train.", _YOSINSKI,
                  phrase="Pretraining on {source} with the body frozen", frozen=True),
        _entry(controls.permuted, "control", "supervised",
               "The source's weights in random order: only their distribution.",
               phrase="Starting from {source} weights in a random order"),
        _entry(controls.redrawn, "control", "supervised",
               "Draws with the source's mean and variance: only the scale.",
               "Raghu et al. 2019, arXiv:1902.07208",
               phrase="Starting from draws with the mean and variance of {source} weights"),
        _other(controls.shuffled_source, "control", "A source trained on permuted labels.",
               "Maennel et al. 2020, arXiv:2006.10455",
               phrase="Pretraining on {source} with permuted labels"),
        _other(controls.noise_source, "control", "A source trained on surrogate noise.",
               phrase="Pretraining on surrogate noise"),
        _other(controls.phase_source, "control",
               "A source with random phases: spectra and covariances stay, wave shape goes.",
               "Prichard & Theiler 1994, doi:10.1103/PhysRevLett.73.951",
               phrase="Pretraining on {source} with random phases", standard=False),
        _other(controls.simulated_source, "control",
               "A source of simulated signals, of as many people, channels and classes.",
               phrase="Pretraining on simulated signals", standard=False),
        _other(controls.same_modality, "reference",
               "Other people of the target's own modality.", phrase="Pretraining on other people's {target}"),
        _transfer(carrying.partial_carry, "The source's first layers; the others are fresh.", _YOSINSKI,
                  phrase="Carrying the first layers pretrained on {source}"),
        _transfer(carrying.probe_then_finetune, "The fresh layers train first, then everything.",
                  "Kumar et al. 2022, arXiv:2202.10054",
                  phrase="Pretraining on {source} with a probe before fine-tuning"),
        _transfer(carrying.gradual_unfreezing, "Layers thaw one by one, from the head down.", _ULMFIT,
                  phrase="Pretraining on {source} with gradual unfreezing"),
        _transfer(carrying.layerwise_decay, "Layers learn the slower, the farther from the head.", _ULMFIT,
                  phrase="Pretraining on {source} with layer-wise learning rates"),
        _transfer(carrying.l2_sp, "Carried weights are pulled towards where they started.",
                  "Li et al. 2018, arXiv:1802.01483",
                  phrase="Pretraining on {source} with L2-SP"),
        _transfer(carrying.lora, "Carried weights stay; low-rank products beside the dense ones train.",
                  "Hu et al. 2021, arXiv:2106.09685",
                  phrase="Pretraining on {source} with low-rank adaptation", needs=("dense_layer",),
                  frozen=True),
        _transfer(discriminability.discriminability_based,
                  "Units that tell the target's classes apart are kept, the others shrunk or redrawn.",
                  "Pratt 1993, Discriminability-based transfer between neural networks, NIPS 5:204-211",
                  phrase="Discriminability-based transfer from {source}", needs=("units", "target_rows")),
        _transfer(regularized.bss, "The smallest singular values of each batch's features are pushed down.",
                  "Chen et al. 2019, Catastrophic forgetting meets negative transfer, NeurIPS 32",
                  phrase="Pretraining on {source} with batch spectral shrinkage", lever="regularize"),
        _transfer(regularized.delta, "Features stay near the source network's on the same windows.",
                  "Li et al. 2019, arXiv:1901.09229", phrase="Pretraining on {source} with DELTA",
                  needs=("source_features", "target_rows"), lever="regularize"),
        _transfer(regularized.lwf, "The source's answers on the target's windows are kept.",
                  "Li & Hoiem 2016, arXiv:1606.09282",
                  phrase="Pretraining on {source} with learning without forgetting",
                  needs=("source_logits",), lever="regularize"),
        _transfer(regularized.co_tuning,
                  "The source's head answers with the mix of classes that a target class stands for.",
                  "You et al. 2020, Co-tuning for transfer learning, NeurIPS 33",
                  phrase="Pretraining on {source} with co-tuning",
                  needs=("source_logits", "target_rows"), lever="regularize"),
        _transfer(regularized.stoch_norm,
                  "Norms use the source's statistics for random channels while they train.",
                  "Kou et al. 2020, Stochastic normalization, NeurIPS 33",
                  phrase="Pretraining on {source} with stochastic normalization",
                  needs=("batch_norm",), lever="regularize"),
        _transfer(extra_data.self_training, "A teacher labels further windows; a student learns from both.",
                  "Zoph et al. 2020, arXiv:2006.06882", phrase="Self-training on unlabelled {target}",
                  needs=("unlabelled",), lever="extra data"),
        _transfer(regularized.bi_tuning, "Windows of one class are contrasted with the others.",
                  "Zhong et al. 2020, arXiv:2011.06182", phrase="Pretraining on {source} with bi-tuning",
                  needs=("head_input",), lever="regularize"),
        _transfer(extra_data.knowledge_distillation,
                  "A trained network's answers on the labelled windows teach one from random weights.",
                  "Hinton et al. 2015, arXiv:1503.02531",
                  phrase="Distilling a network pretrained on {source}", lever="extra data"),
        *(_adapts(PENALTIES[name]) for name in PENALTIES.own if PENALTIES[name].facts["person"]),
        _entry(adaptation.labelled_person, "positive_control", None,
               "The tested person's first windows with their labels: what adaptation could reach.",
               phrase="Labels of the tested person", needs=("person_windows",), lever="adapt"),
    ],
    {
        "role": Fact("What it is in a comparison.",
                     options=ROLES,
                     asks=lambda role: "" if role == "transfer" else role),
        "starts_from": Fact("What the source network is trained on, of the catalog sources, own_donors or "
                            "same_modality; none without a source.", str | None),
        "frozen": Fact("Whether what it carries stays still, of a transfer; a parameter freeze says it, too.",
                       bool, default=False),
        "needs": Fact("What a study has to have.", tuple[str, ...], tuple(NEEDS), (), NEEDS.get),
        "lever": Fact("The lever of transfer that it pulls.",
                      options=("carry", "regularize", "extra data", "adapt"),
                      default="carry"),
        "phrase": Fact("Begins the sentence of its verdict; names {source} and {target}."),
        "standard": Fact("Whether every study should have it, of a control.", bool, default=True),
    },
    refused=REFUSED,
    elsewhere=elsewhere("arms"),
    word="arms",
)  # fmt: skip
