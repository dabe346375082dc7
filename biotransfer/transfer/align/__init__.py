"""Input reconciliation: bring windows of two modalities to one shape, fitted on training rows only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import check, check_is, check_option
from ...showing import html_table, one_line
from ...signals.windows import Windows
from .catalog import ALIGN
from .meaning import MEASURES_MAPPING, why_no_meaning
from .transform import SCALES, Transform, WindowMap, fit_scaler

__all__ = [
    "ALIGN", "MEASURES_MAPPING", "Alignment", "Transform", "WindowMap", "fit_alignment", "fit_donors",
    "needs_labels", "why_no_meaning",
]  # fmt: skip

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Alignment:
    """What to do to source and target windows so that one network takes both.

    Parameters
    ----------
    source, target : WindowMap
        Their maps.
    fitted_on : tuple of str
        Uids of the target windows that were seen.
    """

    source: WindowMap
    target: WindowMap
    fitted_on: tuple[str, ...] = ()

    def __repr__(self) -> str:
        sides = f"{len(self.source.names)} columns of the source, {len(self.target.names)} of the target"
        return one_line(f"Alignment: {sides}, fitted on {len(self.fitted_on)} target windows")

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {}
        for side, given in (("source", self.source), ("target", self.target)):
            names = ", ".join(given.names[:_SHOWN]) + ", ..." * (len(given.names) > _SHOWN)
            facts |= {side: given.step or "as it is", f"{side} columns": f"{len(given.names)}: {names}"}
        return html_table({**facts, "fitted on": f"{len(self.fitted_on)} target windows"})


def needs_labels(spec: Mapping[str, Any]) -> bool:
    """Whether a method, with these parameters, is fitted on labels and not on the inputs alone.

    Examples
    --------
    >>> needs_labels({"name": "top_k", "score": "anova"}), needs_labels({"name": "pca"})
    (True, False)
    """
    reads: Mapping[str, Any] = ALIGN[spec["name"]].facts["labels"]
    return any(spec.get(key) in values for key, values in reads.items())


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
    first, second = _fitted(source, target, spec, scale)
    fitted_on = tuple(target.metadata["uid"].astype(str))
    return Alignment(first[0].then(first[1]), second[0].then(second[1]), fitted_on)


def fit_donors(
    donors: Windows,
    source: Windows,
    target: Windows,
    spec: str | Mapping[str, Any] = "none",
    *,
    scale: str = "standard",
) -> Alignment:
    """Fit what own donors go through in the source's place, so that they give the target's columns.

    Parameters
    ----------
    donors : Windows
        Training rows of other people of the target's own set.
    source, target : Windows
        **Training rows only** of the sides between which the alignment is.
    spec, scale
        As for :func:`fit_alignment`.

    Returns
    -------
    Alignment
        Its target side is that of ``fit_alignment(source, target)``; its source side takes the donors.

    Raises
    ------
    BiotransferError
        When the method cannot serve these windows.

    Notes
    -----
    Where each side is fitted by itself (fact ``apart``), the donors are fitted as the source would be, so
    that a mapping which pairs by rank or by component is judged with its pairing. Where the sides are fitted
    together, what the target keeps depends on the source: the donors then go through the target's side, after
    scaling by their own rows. Source: own.
    """
    if ALIGN.resolve(spec)[0].facts["apart"]:
        return fit_alignment(donors, target, spec, scale=scale)
    check_is("donors", donors, Windows, "Type windows.take(split.donors).")
    _, (scaler, second) = _fitted(source, target, spec, scale)
    fitted_on = tuple(target.metadata["uid"].astype(str))
    return Alignment(fit_scaler(donors, scale).then(second), scaler.then(second), fitted_on)


def _fitted(
    source: Windows, target: Windows, spec: str | Mapping[str, Any], scale: str
) -> tuple[tuple[Transform, WindowMap], tuple[Transform, WindowMap]]:
    """Return of either side its scaler, and its map after scaling."""
    for name, given in (("source", source), ("target", target)):
        check_is(name, given, Windows, "Type windows.take(split.train).")
        check(
            len(given), f"{name} holds no window. Expected the training rows. Type windows.take(split.train)."
        )
    check_option("scale", scale, SCALES)
    entry, parameters = ALIGN.resolve(spec)
    own, theirs = (fit_scaler(w, scale) for w in (source, target))
    first, second = entry.function(own.apply(source), theirs.apply(target), **parameters)
    return (own, first), (theirs, second)
