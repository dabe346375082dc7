"""The ways to bring two modalities to one shape that a recipe can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...catalog import Catalog, Entry, Fact
from ..toolkits.table import elsewhere
from .augmented import fda, feature_augmentation, fmmd, msda
from .components import mida, tca
from .labelled_components import smida, sstca
from .matched import matched
from .methods import none, pca, top_k
from .moments import coral, euclidean, riemannian
from .subspaces import gfk, ssa, subspace_alignment
from .transport import cca, gromov_wasserstein, linear_transport, optimal_transport

_OT = ("ot",)


def _joint(
    name: str,
    summary: str,
    function: Callable[..., Any],
    source: str,
    packages: tuple[str, ...] = (),
    pairs: str | None = None,
    labels: Mapping[str, Any] | None = None,
) -> Entry:
    """Return the entry of a method of features whose source side depends on the target's rows."""
    extra = {"packages": packages, "extra": "methods"} if packages else {}
    facts = {"takes": "features", "joint": True, "pairs": pairs, "labels": labels or {}, **extra}
    return Entry(name, summary, function, source, facts)


ALIGN = Catalog(
    "align",
    [
        Entry("none", "Scaled only; layers that see the input start afresh when shapes differ.", none,
              facts={"takes": "any", "joint": False, "meaning": True, "apart": True}),
        Entry("top_k", "The k features of each modality that tell its classes apart best, by rank.", top_k,
              "own reading of Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074 (selector unpublished)",
              {"takes": "features", "joint": False, "apart": True,
               "pairs": "features of each side meet by rank",
               "labels": {"score": ("anova", "mutual_information")}}),
        Entry("pca", "The first k whitened principal components of each modality.", pca,
              "Jolliffe 2002, doi:10.1007/b98835", {"takes": "features", "joint": False, "apart": True,
                                                     "pairs": "components of each side meet by rank"}),
        Entry("matched", "The statistics, or channels, that both sides have by name.", matched,
              facts={"takes": "any", "joint": False, "meaning": True}),
        _joint("coral", "The source gets the target's mean and covariance.", coral,
               "Sun et al. 2016, arXiv:1511.05547"),
        Entry("euclidean", "The mean covariance of each side's windows becomes the identity.", euclidean,
              "He and Wu 2020, doi:10.1109/TBME.2019.2913914",
              {"takes": "signals", "joint": False, "meaning": True, "apart": True}),
        Entry("riemannian", "The Riemannian mean covariance of each side's windows becomes the identity.",
              riemannian, "Zanini et al. 2018, doi:10.1109/TBME.2017.2742541",
              {"takes": "signals", "joint": False, "meaning": True, "apart": True,
               "packages": ("pyriemann",), "extra": "methods"}),
        _joint("subspace_alignment", "The source's principal subspace is turned into the target's.",
               subspace_alignment, "Fernando et al. 2013, doi:10.1109/ICCV.2013.368"),
        _joint("gfk", "Both sides along the geodesic between their principal subspaces.", gfk,
               "Gong et al. 2012, doi:10.1109/CVPR.2012.6247911"),
        _joint("ssa", "The directions whose mean and variance do not change from side to side.", ssa,
               "Hara et al. 2010, doi:10.1007/978-3-642-17537-4_52"),
        _joint("tca", "Kernel components with much variance in which the sides have one mean.", tca,
               "Pan et al. 2011, doi:10.1109/TNN.2010.2091281"),
        _joint("mida", "Kernel components with much variance that do not tell the sides apart.", mida,
               "Yan et al. 2018, doi:10.1109/TCYB.2016.2633306"),
        _joint("smida", "Kernel components that tell the source's classes apart, not the sides.", smida,
               "Yan et al. 2018, doi:10.1109/TCYB.2016.2633306, equation 11", labels={"labels": ("both",)}),
        _joint("sstca", "Transfer components of labels, alike for neighbours.", sstca,
               "Pan et al. 2011, doi:10.1109/TNN.2010.2091281, equation 17", labels={"labels": ("both",)}),
        _joint("msda", "What a denoiser of both sides together makes of the windows.", msda,
               "Chen et al. 2012, arXiv:1206.4683"),
        _joint("fmmd", "The columns whose distribution differs least between the sides.", fmmd,
               "Uguroglu & Carbonell 2011, doi:10.1007/978-3-642-23808-6_28"),
        Entry("feature_augmentation", "Every column twice: for its own side alone, and for both.",
              feature_augmentation, "Daume 2007, arXiv:0907.1815", {"takes": "features", "joint": False}),
        Entry("fda", "The source's signals get the target's amplitudes at the lowest frequencies.", fda,
              "Yang & Soatto 2020, arXiv:2004.05498",
              {"takes": "signals", "joint": True, "pairs": "channels of each side meet by order"}),
        _joint("optimal_transport", "The source's windows move along an optimal plan to the target's.",
               optimal_transport, "Courty et al. 2017, doi:10.1109/TPAMI.2016.2615921", _OT),
        _joint("linear_transport", "The source moves by the affine map that is optimal between Gaussians.",
               linear_transport, "Flamary et al. 2019, arXiv:1905.10155", _OT),
        _joint("gromov_wasserstein", "The source is mapped into the target's space by distances inside each.",
               gromov_wasserstein, "Peyre et al. 2016, ICML 48:2664-2672", _OT,
               "windows of each side meet by distances inside it"),
        _joint("cca", "The directions that correlate most between windows coupled by distances.", cca,
               "Hotelling 1936, doi:10.1093/biomet/28.3-4.321; coupling own", _OT,
               "windows of each side meet by distances inside it"),
    ],
    {
        "takes": Fact("Windows of features, of signals, or any.", options=("any", "features", "signals"),
                      asks={"signals": "signals"}.get),
        "joint": Fact("Whether the source side depends on the target's rows.", bool,
                      asks={True: "looks at the target's training windows"}.get),
        "apart": Fact("Whether each side is fitted without a look at the other, its names included.", bool,
                      default=False),
        "meaning": Fact("Whether column i of one side is column i of the other by name: what a carried "
                        "network learned of an input holds for it.", bool, default=False,
                        asks={False: "column i of one side is not column i of the other"}.get),
        "pairs": Fact("How columns meet where they have no meaning; nothing where a parameter first says it.",
                      str | None, default=None),
        "labels": Fact("Parameters and values by which it is fitted on labels.", Mapping, default={}),
    },
    elsewhere=elsewhere("align"),
    word="align",
)  # fmt: skip
