"""What a network has to beat: shallow classifiers, features that should carry no label, permuted labels."""

from .nuisance import NUISANCE, measure_nuisance, nuisance_columns
from .permutation import LabelNull, label_null, permute_labels
from .settings import Nuisance
from .shallow import BASELINES, fit_baseline

__all__ = [
    "BASELINES",
    "NUISANCE",
    "Nuisance",
    "LabelNull",
    "fit_baseline",
    "label_null",
    "measure_nuisance",
    "nuisance_columns",
    "permute_labels",
]
