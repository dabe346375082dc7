"""The ways to choose people and classes of a source."""

from __future__ import annotations

from typing import Any

from ...catalog import Catalog, Entry, Fact
from .methods import classes, conditional, everyone, most_similar, separable_classes
from .problem import Selection, SelectProblem

SELECT = Catalog(
    "select",
    [
        Entry("all", "Every person and class of the source.", everyone,
              facts={"joint": False, "compares": False, "trains": False}),
        Entry("most_similar", "The n people whose classes differ in the features in which the target's do.",
              most_similar, "own criterion after Lin & Jung 2017, doi:10.3389/fnhum.2017.00334",
              {"joint": True, "compares": True, "trains": False}),
        Entry("conditional", "As many of the most similar people as inner validation asks for, or none.",
              conditional, "own criterion after Lin & Jung 2017, doi:10.3389/fnhum.2017.00334",
              {"joint": True, "compares": True, "trains": True}),
        Entry("classes", "Only the classes of the source that are named.", classes,
              facts={"joint": False, "compares": False, "trains": False}),
        Entry("separable_classes", "The n classes of the source whose nearest two are farthest apart.",
              separable_classes, facts={"joint": False, "compares": False, "trains": False}),
    ],
    {
        "compares": Fact("Whether both sides need the same columns.", bool,
                         asks={True: "the same columns on both sides"}.get),
        "joint": Fact("Whether it depends on the target's rows.", bool,
                      asks={True: "looks at the target's training windows"}.get),
        "trains": Fact("Whether it tries choices on inner folds.", bool,
                       asks={True: "tries choices on inner folds"}.get),
    },
    word="select",
)  # fmt: skip


def select_source(problem: SelectProblem, spec: Any = "all") -> Selection:
    """Choose people and classes of a source.

    Parameters
    ----------
    problem : SelectProblem
        Training rows of both sides, and how to try a choice.
    spec : str or mapping
        Catalog name, or ``{"name": ..., parameter: value}``.

    Raises
    ------
    BiotransferError
        When the method cannot serve these windows.
    """
    entry, parameters = SELECT.resolve(spec)
    return entry.function(problem, **parameters)
