"""Input reconciliation: bring windows of two modalities to one shape, fitted on training rows only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..catalog import Catalog, Entry
from ..errors import check_option
from ..windows import Windows
from .methods import matched, none, pca, top_k
from .transform import SCALES, Transform, fit_scaler

__all__ = ["ALIGN", "Alignment", "Transform", "fit_alignment"]

ALIGN = Catalog(
    "align",
    [
        Entry("none", "Scaled only; layers that see the input start afresh when shapes differ.", none,
              facts={"takes": "any", "joint": False}),
        Entry("top_k", "The k features of each modality that tell its classes apart best, by rank.", top_k,
              "own reading of Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074 (selector unpublished)",
              {"takes": "features", "joint": False}),
        Entry("pca", "The first k whitened principal components of each modality.", pca,
              "Jolliffe 2002, doi:10.1007/b98835", {"takes": "features", "joint": False}),
        Entry("matched", "The features or channels that both modalities have by name.", matched,
              facts={"takes": "any", "joint": False}),
    ],
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Alignment:
    """What to do to source and target windows so that one network takes both."""

    source: Transform
    target: Transform


def fit_alignment(
    source: Windows, target: Windows, spec: str | Mapping[str, Any] = "none", *, scale: str = "standard"
) -> Alignment:
    """Fit scaling and alignment on training rows.

    Parameters
    ----------
    source, target : Windows
        **Training rows only** of each side.
    spec : str or mapping
        Catalog name, or ``{"name": ..., parameter: value}``.
    scale : {"standard", "none"}
        Give every feature (or channel) zero mean and unit deviation over the training rows, or leave it.

    Returns
    -------
    Alignment
        Transforms for either side; entries whose fact ``joint`` is False give a source transform that does
        not depend on the target's rows.

    Raises
    ------
    BiotransferError
        When the method cannot serve these windows.
    """
    check_option("scale", scale, SCALES)
    entry, parameters = ALIGN.resolve(spec)
    sides = [fit_scaler(w, scale) for w in (source, target)]
    first, second = entry.function(sides[0].apply(source), sides[1].apply(target), **parameters)
    return Alignment(sides[0].then(first), sides[1].then(second))
