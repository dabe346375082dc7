"""The columns of every table of a study, and of its verdicts."""

from __future__ import annotations

CONDITION = ["network", "variant", "protocol"]
"""What is compared under one heading."""


_PLACE = ["direction", *CONDITION]


KEYS = [*_PLACE, "budget", "arm", "split", "subject", "seed"]


CURVES = [*KEYS, "step", "epoch", "split_part", "metric", "value"]


PREDICTIONS = [*KEYS, "window_uid", "y_true", "y_pred", "probabilities"]


LEDGER = [*_PLACE, "arm", "tensor", "part", "action", "trained", "parameters", "reason"]


SOURCES = [*_PLACE, "source", "method", "seed", "trained_on", "subjects", "windows",
           "accuracy", "balanced_accuracy", "chance", "diverged"]  # fmt: skip


TRAININGS = [*_PLACE, "budget", "arm", "split", "seed", "engine",
             "path", "epochs", "best_epoch", "pseudo_labels"]  # fmt: skip


BASELINES = [*_PLACE, "split", "baseline", "permutation", "subject",
             "n_windows", "accuracy", "balanced_accuracy", "chance"]  # fmt: skip


FITS = [*_PLACE, "budget", "split", "fitted", "outside"]


NUISANCE = ["target", "protocol", "stage", "family", "split", "subject", "n_features", "n_windows",
            "accuracy", "balanced_accuracy", "chance"]  # fmt: skip


NUISANCE_TESTS = ["target", "protocol", "stage", "family", "n_subjects", "balanced_accuracy", "null_mean",
                  "null_95", "p", "n_permutations"]  # fmt: skip


SELECTION = [*_PLACE, "split", "what", "name", "score", "error", "chosen", "reason"]


SCORES = [*_PLACE, "budget", "arm", "split", "seed", "score", "value",
          "random_value", "null_mean", "null_sd", "z", "p", "larger_is_better", "n_windows",
          "note"]  # fmt: skip


CHOICES = [*_PLACE, "budget", "fold", "candidate", "values", "arm", "seed", "people", "value"]


_OF_FOLD = [*_PLACE, "budget", "split", "seed"]


LAYERS = [*_OF_FOLD, "arm", "layer", "part", "parameters", "distance", "relative_distance", "cka_initial",
          "cka_source", "cka_scratch", "reset_initial", "reset_fresh"]  # fmt: skip


BARRIERS = [*_OF_FOLD, "first", "second", "position", "loss", "balanced_accuracy"]


ATTRIBUTIONS = [*_OF_FOLD, "arm", "name", "group", "channel", "attribution", "signed", "share", "gap"]


TABLES: dict[str, list[str] | None] = {
    "curves": CURVES,
    "predictions": PREDICTIONS,
    "ledger": LEDGER,
    "sources": SOURCES,
    "trainings": TRAININGS,
    "search": None,
    "choices": CHOICES,
    "baselines": BASELINES,
    "fits": FITS,
    "nuisance": NUISANCE,
    "nuisance_tests": NUISANCE_TESTS,
    "selection": SELECTION,
    "scores": SCORES,
    "layers": LAYERS,
    "barriers": BARRIERS,
    "attributions": ATTRIBUTIONS,
    "account": None,
    "account_files": None,
}
"""Every table a task may write, by name, with its columns; None where a method chooses them itself. The first
four are fields of :class:`Results`, all others are found in ``Results.extras``."""


CORE = ("curves", "predictions", "ledger", "sources")


LATER_COLUMNS = ("diverged",)
"""Columns that studies did not always write."""


LONG = ("curves", "predictions")
"""Of them, those of millions of rows: text is categories in memory, probabilities are Arrow's lists."""


VERDICTS = ["direction", "source", "target", *CONDITION, "budget", "arm", "role", "against", "controls",
            "metric", "n_subjects", "n_seeds", "difference", "ci_low", "ci_high", "p", "p_claim", "p_holm",
            "margin", "verdict", "shared", "assay", "assay_gain", "assay_low", "assay_high", "assay_p",
            "obstacle", "detectable_difference", "detectable_low", "detectable_high", "spread", "seed_share",
            "subjects_needed", "subjects_low", "subjects_high", "p_people", "preregistration",
            "sentence"]  # fmt: skip
