"""What the toolkits' methods were held against: simulated pairs of known answer, other people's numbers.

Pure data: docs/toolkits.md shows it, tests hold it whole.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """One kind of method on two simulated pairs.

    Parameters
    ----------
    names : str
        Entries, with commas.
    helps : str
        Where it must help, from its own theory, and what it was seen to do.
    idle : str
        Where it must not, and what it was seen to do.
    test : str
        File and, after "::", beginning of the test's name.
    """

    names: str
    helps: str
    idle: str
    test: str


@dataclass(frozen=True)
class Parity:
    """What some methods' numbers are compared with.

    Parameters
    ----------
    names : str
        Entries, with commas.
    against : str
        A package's numbers, a closed form or an oracle.
    test : str
        File.
    """

    names: str
    against: str
    test: str


_TRUTH = "tests/transfer/test_toolkits_truth.py"
_TERMS = "tests/transfer/test_adaptation_parity.py"
_ALIGN = "tests/transfer/test_align_parity.py"
_WEIGHTS = "tests/transfer/test_weighting.py"
_LEVERS = "tests/transfer/test_levers_truth.py"
_PERSON = "tests/transfer/test_adaptation.py"
_LEARNED = "tests/transfer/test_pretrain_methods.py"

PAIRS = (
    Pair(
        "coral, linear_transport, optimal_transport",
        "the target is the source mixed by a symmetric matrix: 0.47 without; 0.78, 0.93, 0.89 "
        "with",
        "sides that do not differ: no gain",
        f"{_TRUTH}::test_an_alignment",
    ),
    Pair(
        "subspace_alignment, gfk, cca",
        "the subspace of the classes is turned: 0.64 without; 0.79, 0.83, 0.88 with",
        "sides that do not differ: no gain",
        f"{_TRUTH}::test_an_alignment",
    ),
    Pair(
        "tca, mida, sstca, smida",
        "the sides lie far apart along a direction of the classes: 0.35 without; 0.79, 0.79, "
        "0.63, 0.79 with (centring each side, which scale: standard does, gives 0.94)",
        "sides that do not differ: no gain",
        f"{_TRUTH}::test_an_alignment",
    ),
    Pair(
        "sstca, smida",
        "six directions drown the classes' three: 0.43 of tca and mida at four components; 0.94, "
        "0.75 with labels",
        "they drown in nothing: no gain",
        f"{_TRUTH}::test_an_alignment",
    ),
    Pair(
        "ssa",
        "some directions tell the classes in the source and move in the target: 0.30 without, "
        "0.48 with",
        "they do not move: it costs",
        f"{_TRUTH}::test_an_alignment",
    ),
    Pair(
        "msda",
        "columns of one side alone, linked by weak columns of both: 0.34 without, 0.66 with, at "
        "corruption 0.8 and unscaled; of columns scaled one by one it gains nothing",
        "the columns of both say nothing",
        f"{_TRUTH}::test_an_alignment",
    ),
    Pair(
        "fmmd",
        "half of the columns tell the classes in the source alone: 0.52 without, 0.80 with",
        "they tell on both sides: no gain",
        f"{_TRUTH}::test_an_alignment",
    ),
    Pair(
        "fda",
        "the target's signals drift slowly, the source's do not: 0.56 without, 0.96 with; scaled "
        "channel by channel it gains nothing",
        "both drift: no gain",
        f"{_TRUTH}::test_an_alignment",
    ),
    Pair(
        "feature_augmentation",
        "classes change places in half of the columns, one classifier of the source and six "
        "windows of the target: 0.20 without, 0.48 with",
        "classes agree: it costs 0.07",
        f"{_TRUTH}::test_augmented",
    ),
    Pair(
        "maml, protonet, fomaml, reptile",
        "labels mean something else in every person: a frozen body gives 0.56 supervised; 0.80, "
        "0.78, 0.75, 0.77 with",
        "a source of noise: below random weights",
        f"{_TRUTH}::test_learning_to_learn",
    ),
    Pair(
        "group_dro",
        "in most people a strong sign goes with the class, in new ones not: +0.050 +- 0.010 (24 "
        "draws, step 1.0)",
        "it does in everybody: -0.003 +- 0.002",
        f"{_TRUTH}::test_the_worst_person",
    ),
    Pair(
        "mix_style",
        "three people differ in gains and levels of their channels: +0.041 +- 0.016 on new people (24 draws)",
        "nobody does: -0.016 +- 0.016",
        f"{_TRUTH}::test_mixed_styles",
    ),
    Pair(
        "dann, mmd, deep_coral, ccsa",
        "a strong sign means another class in each person, and people are told by where they lie:"
        " +0.034, +0.028, +0.024, +0.014 +- 0.007 (24 draws); of ccsa no gain is shown even there",
        "the sign means nothing: +0.003, -0.001, +0.008, -0.008",
        f"{_TRUTH}::test_people_made_alike",
    ),
    Pair(
        "knowledge_distillation",
        "source and target share their structure: 0.70 random weights, 0.76 with",
        "they share nothing: no gain",
        f"{_TRUTH}::test_what_a_source_taught",
    ),
    Pair(
        "bi_tuning",
        "as above: 0.70 random weights, 0.87 with, and 0.87 of transferred: it adds nothing to "
        "fine-tuning even there",
        "they share nothing: it costs",
        f"{_TRUTH}::test_what_a_source_taught",
    ),
    Pair(
        "kmm, kliep, ulsif, rulsif, nearest_windows, classifier_odds, weighing_network, ldm",
        "seven of ten people lie elsewhere, and their labels mislead: more than +0.05",
        "nobody does: less than 0.05",
        f"{_WEIGHTS}::test_weights_help",
    ),
    Pair(
        "deep_coral, dan, jan, dann, cdan, bsp, mcd, mcc",
        "a new person's classes lie as everybody's, moved by one vector: more than +0.02",
        "the person is like everybody: less than 0.02",
        f"{_PERSON}::test_a_moved_person",
    ),
    Pair(
        "adda, wdgrl",
        "as above, at a tenth of the rate and 100 epochs: 0.76 on the others alone; 0.96, 0.81 with. At the "
        "rate of the others they oscillate and gain nothing; wdgrl costs 0.05 of a person half as far away",
        "the person is like everybody: no gain",
        f"{_PERSON}::test_slow_steps",
    ),
    Pair(
        "afn, mdd, self_tuning, mean_teacher",
        "none: tried on a moved person, a quiet one, a near one with few labels, and at a tenth of the rate; "
        "mdd is the worse, the harder it plays",
        "the person is like everybody: no gain",
        f"{_PERSON}::test_of_some_methods",
    ),
    Pair(
        "fixmatch, flexmatch, uda, self_ensemble, dst",
        "none: of a moved person they are below training on the others alone, since their pseudo "
        "labels mislead",
        "the person is like everybody: no gain",
        f"{_PERSON}::test_pseudo_labels",
    ),
    Pair(
        "pi_model",
        "labels are few and the person is near: more than +0.02",
        "the person is like everybody: no gain",
        f"{_PERSON}::test_consistency",
    ),
    Pair(
        "transferred, l2_sp, delta, lwf, co_tuning, bss",
        "structure is shared: more than +0.03 over random weights",
        "nothing is shared: below random weights, bss does not mend it",
        f"{_LEVERS}::test_carrying_helps",
    ),
    Pair(
        "discriminability_based",
        "structure is shared: 0.70 random weights, 0.87 with, as fine-tuning",
        "nothing is shared: no more than on permuted weights",
        f"{_LEVERS}::test_carrying_helps",
    ),
    Pair(
        "multi_task",
        "structure is shared, and the columns, so that the source's stem fits: 0.70 random weights, 0.90 "
        "with; 0.74 by the target's own stem, which six windows have to teach",
        "a source of noise: no gain",
        f"{_TRUTH}::test_a_body_learned",
    ),
    Pair(
        "stoch_norm",
        "none: where structure is shared it is 0.94 of 0.95 for fine-tuning alone (0.75 random weights)",
        "the target is three times as loud: -0.01; nothing is shared: +0.02 +- 0.02 (8 seeds)",
        f"{_TRUTH}::test_the_sources_statistics",
    ),
    Pair(
        "h_score, leep, logme, nce, trans_rate",
        "a source network reads the target's classes, as planted: more than 3 deviations above permuted "
        "labels",
        "labels mean nothing: within 3",
        "tests/evidence/test_transferability.py::test_a_source_that_reads",
    ),
    Pair(
        "pattern_similarity",
        "the classes of both sides lie alike: more than 3 deviations above permuted labels",
        "labels mean nothing: within 3",
        "tests/evidence/test_transferability.py::test_a_source_that_reads",
    ),
    Pair(
        "conditional",
        "more people gain more, as planted: everybody is chosen",
        "fewer gain more, within the error: nobody",
        "tests/transfer/test_select.py::test_conditional_adds",
    ),
    Pair(
        "lap_rls, lap_svm, tsvm",
        "two moons, two labels on each: 0.79 labels alone; 0.97, 0.99 with (smooth 10, gamma 10); a "
        "gap in one of ten columns: 0.71 labels alone, 1.00 with",
        "the windows without labels lie anywhere: less than 0.1",
        "tests/evidence/test_shallow.py::test_windows_without_labels_help",
    ),
    Pair(
        "self_training",
        "taught by a network from a good source: more than +0.05",
        "taught by one of a strange source",
        f"{_LEVERS}::test_self_training",
    ),
)  # fmt: skip

PARITY = (
    Parity(
        "coral, subspace_alignment",
        "skada 0.6: coordinates",
        _ALIGN,
    ),
    Parity(
        "gfk",
        "the integral along the geodesic, by quadrature",
        _ALIGN,
    ),
    Parity(
        "tca, mida",
        "the papers' generalized eigenproblems",
        _ALIGN,
    ),
    Parity(
        "sstca, smida",
        "without labels they are tca and mida; with labels a planted direction",
        _ALIGN,
    ),
    Parity(
        "ssa",
        "a planted subspace, found",
        _ALIGN,
    ),
    Parity(
        "feature_augmentation, fmmd",
        "ADAPT 0.4.5: coordinates; direction of its linear problem",
        _ALIGN,
    ),
    Parity(
        "msda",
        "the mean over 4000 corruptions",
        _ALIGN,
    ),
    Parity(
        "fda",
        "spectra before and after",
        _ALIGN,
    ),
    Parity(
        "kmm, kliep, ulsif, rulsif, nearest_windows, classifier_odds",
        "ADAPT 0.4.5: weights",
        _WEIGHTS,
    ),
    Parity(
        "ldm",
        "ADAPT 0.4.5: weights, and the least spectral norm",
        _WEIGHTS,
    ),
    Parity(
        "weighing_network",
        "kmm: the same objective, which it may not undercut",
        _WEIGHTS,
    ),
    Parity(
        "lap_rls, lap_svm, tsvm",
        "Belkin's linear system; scikit-learn's KernelRidge, SVC and LinearSVC where nothing is unlabelled",
        "tests/evidence/test_shallow.py",
    ),
    Parity(
        "dan, jan, afn, dann, cdan, bsp, adda, mcd, mdd, mcc, bi_tuning, self_tuning, dst, "
        "fixmatch, flexmatch, uda, pi_model, mean_teacher, self_ensemble",
        "oracles of TLlib's and the papers' formulas, value and gradient in float64",
        _TERMS,
    ),
    Parity(
        "dan",
        "TLlib's index matrix, with the diagonal in it",
        _TERMS,
    ),
    Parity(
        "wdgrl",
        "an oracle of ADAPT's formula, the critic's slope in closed form",
        _TERMS,
    ),
    Parity(
        "deep_coral",
        "skada 0.6: the loss; an oracle with its gradient",
        _LEARNED,
    ),
    Parity(
        "fomaml, reptile",
        "gradients by hand, torch's Adam",
        _LEARNED,
    ),
    Parity(
        "maml, protonet, ccsa, group_dro",
        "one update: finite differences (maml), loops over people and pairs",
        "tests/transfer/test_episodic_parity.py",
    ),
    Parity(
        "mix_style",
        "the paper's equations, window by window and map by map",
        "tests/transfer/test_episodic_parity.py",
    ),
    Parity(
        "multi_task",
        "the body is shared, stems and heads are not",
        _LEARNED,
    ),
    Parity(
        "l2_sp, transferred, discriminability_based",
        "closed forms: anchors, what is carried, discriminability; attention and relationships of classes",
        "tests/transfer/test_carry.py",
    ),
    Parity(
        "bss, delta, lwf, co_tuning",
        "oracles of the papers' formulas in float64",
        _TERMS,
    ),
    Parity(
        "self_training, knowledge_distillation",
        "a teacher and a student trained by hand",
        "tests/learning/test_training_engines.py",
    ),
    Parity(
        "stoch_norm",
        "the mix of statistics, channel by channel",
        "tests/learning/test_training_options.py",
    ),
    Parity(
        "conditional",
        "the size that inner validation asks for, planted",
        "tests/transfer/test_select.py",
    ),
    Parity(
        "h_score, leep, logme, nce, trans_rate, pattern_similarity",
        "direct maximisation, canonical correlations, loops, counts, all assignments",
        "tests/evidence/test_transferability.py",
    ),
    Parity(
        "spinal",
        "the formula and its operations",
        "tests/learning/test_networks_truth.py",
    ),
)  # fmt: skip
