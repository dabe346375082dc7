"""Input reconciliation: bring windows of two modalities to one shape, fitted on training rows only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import check, check_is, check_option
from ...showing import html_table, one_line
from ...signals.windows import Windows
from .catalog import ALIGN
from .transform import SCALES, Transform, WindowMap, fit_scaler

__all__ = ["ALIGN", "Alignment", "Transform", "WindowMap", "fit_alignment", "needs_labels"]

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
    for name, given in (("source", source), ("target", target)):
        check_is(name, given, Windows, "Type windows.take(split.train).")
        check(
            len(given), f"{name} holds no window. Expected the training rows. Type windows.take(split.train)."
        )
    check_option("scale", scale, SCALES)
    entry, parameters = ALIGN.resolve(spec)
    sides = [fit_scaler(w, scale) for w in (source, target)]
    first, second = entry.function(sides[0].apply(source), sides[1].apply(target), **parameters)
    fitted_on = tuple(target.metadata["uid"].astype(str))
    return Alignment(sides[0].then(first), sides[1].then(second), fitted_on)
