"""Several studies as one: a random-effects meta-analysis over data sets, everyone counted once."""

from .pooled import POOLED, SHARES, Pooled, pool_studies

__all__ = ["POOLED", "SHARES", "Pooled", "pool_studies"]
