"""Search for a network's topology: many candidates, several objectives, validation inside the training rows.

``run_search`` draws and breeds (NSGA-II), :mod:`.evaluation` trains and validates a candidate, and
``choose`` takes one from the front. Test rows never come near any of it.
"""

from .nsga2 import Candidate, choose, on_front, run_search
from .settings import Search
from .space import SPACES, Choice, Sizes, Space, read_space

__all__ = [
    "SPACES",
    "Candidate",
    "Choice",
    "Search",
    "Sizes",
    "Space",
    "choose",
    "on_front",
    "read_space",
    "run_search",
]
