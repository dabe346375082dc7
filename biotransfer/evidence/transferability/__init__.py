"""Transferability before training: how well a source network suits a target, judged without training on it.

Every score stands beside the same score of a random-weight network and beside what permuted labels give.
"""

from .catalog import SCORES
from .distances import linear_cka, otdd, pattern_similarity, proxy_a_distance

__all__ = ["SCORES", "linear_cka", "otdd", "pattern_similarity", "proxy_a_distance"]
