"""The ways to choose people and classes of a source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...catalog import Catalog, Entry, Fact
from ..toolkits.table import elsewhere
from . import windows
from .methods import classes, conditional, everyone, most_similar, separable_classes
from .problem import Selection, SelectProblem


def _weighs(function: Callable[..., Selection], summary: str, source: str) -> Entry:
    """Return an entry that weighs windows by the target's inputs."""
    facts = {"joint": True, "compares": True, "trains": False, "weights": True}
    return Entry(function.__name__, summary, function, source, facts)


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
        _weighs(windows.kmm, "Windows count so that their mean in a kernel's space is the target's.",
                "Huang et al. 2006, NIPS 19"),
        _weighs(windows.kliep, "Windows count by the density ratio under which the target's are likeliest.",
                "Sugiyama et al. 2008, doi:10.1007/s10463-008-0197-x"),
        _weighs(windows.ulsif, "Windows count by the density ratio that fits best in squares.",
                "Kanamori et al. 2009, JMLR 10:1391-1445"),
        _weighs(windows.rulsif, "Windows count by a relative density ratio, which is bounded.",
                "Yamada et al. 2013, arXiv:1106.4729"),
        _weighs(windows.nearest_windows, "Windows count by how many of the target's they are nearest to.",
                "Loog 2012, doi:10.1109/MLSP.2012.6349714"),
        _weighs(windows.classifier_odds, "Windows count by the odds that they pass for the target's.",
                "Bickel et al. 2007, doi:10.1145/1273496.1273507"),
        _weighs(windows.weighing_network, "A small network says how much windows count, by kmm's objective.",
                "de Mathelin et al. 2022, arXiv:2209.04215"),
        _weighs(windows.ldm, "Windows count so that moments along every direction are the target's.",
                "Mansour et al. 2009, arXiv:0902.3430"),
    ],
    {
        "weights": Fact("Whether it says how much each window counts.", bool, default=False,
                        asks={True: "pretrain: supervised"}.get),
        "compares": Fact("Whether both sides need the same columns.", bool,
                         asks={True: "the same columns on both sides"}.get),
        "joint": Fact("Whether it depends on the target's rows.", bool,
                      asks={True: "looks at the target's training windows"}.get),
        "trains": Fact("Whether it tries choices on inner folds.", bool,
                       asks={True: "tries choices on inner folds"}.get),
    },
    elsewhere=elsewhere("select"),
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
