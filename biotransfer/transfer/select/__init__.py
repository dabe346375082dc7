"""Which people and classes of the source are learned from: chosen on training rows only."""

from .catalog import SELECT, select_source
from .problem import Selection, SelectProblem
from .similarity import rank_people, separability

__all__ = ["SELECT", "SelectProblem", "Selection", "rank_people", "select_source", "separability"]
