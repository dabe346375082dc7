"""The scores that a study can compute before it trains."""

from __future__ import annotations

from ...catalog import Catalog, Entry, Fact
from ...transfer.toolkits.table import elsewhere
from .distances import linear_cka, otdd, pattern_similarity, proxy_a_distance
from .scores import h_score, leep, logme, nce, trans_rate

SCORES = Catalog(
    "score",
    [
        Entry(
            "logme",
            "Log evidence per window of a Bayesian linear regression from features to labels.",
            logme,
            "You et al. 2021, arXiv:2102.11005",
            {"needs": "features", "larger_is_better": True},
        ),
        Entry(
            "h_score",
            "Between-class spread of the features in units of their covariance.",
            h_score,
            "Bao et al. 2019, doi:10.1109/ICIP.2019.8803726; shrunk as in arXiv:2110.06893",
            {"needs": "features", "larger_is_better": True},
        ),
        Entry(
            "trans_rate",
            "Coding rate of the features less that inside classes: a bound on their mutual information.",
            trans_rate,
            "Huang et al. 2022, arXiv:2106.09545",
            {"needs": "features", "larger_is_better": True},
        ),
        Entry(
            "leep",
            "Log likelihood of the target's labels under the source network's own class probabilities.",
            leep,
            "Nguyen et al. 2020, arXiv:2002.12462",
            {"needs": "source_probabilities", "larger_is_better": True},
        ),
        Entry(
            "nce",
            "Negative conditional entropy of the target's labels given the classes the source network names.",
            nce,
            "Tran, Nguyen and Hassner 2019, arXiv:1908.08142",
            {"needs": "source_probabilities", "larger_is_better": True},
        ),
        Entry(
            "otdd",
            "Optimal transport between the labelled windows of both sides; the label sets may differ.",
            otdd,
            "Alvarez-Melis and Fusi 2020, arXiv:2002.02923",
            {"needs": "labelled_sides", "larger_is_better": False, "packages": ("ot",), "extra": "evidence"},
        ),
        Entry(
            "proxy_a_distance",
            "How well a classifier tells the two sides apart, people held out.",
            proxy_a_distance,
            "Ben-David et al. 2007, Analysis of representations for domain adaptation, NIPS 19",
            {"needs": "grouped_sides", "larger_is_better": False},
        ),
        Entry(
            "pattern_similarity",
            "Inner products of the windows of both sides' classes, as far as these lie alike.",
            pattern_similarity,
            "own reading of Bozinovski & Fulgosi 1976, after doi:10.31449/inf.v44i3.2828",
            {"needs": "labelled_sides", "larger_is_better": True},
        ),
        Entry(
            "cka",
            "How alike two layers see the same windows, whatever rotation lies between them.",
            linear_cka,
            "Kornblith et al. 2019, arXiv:1905.00414",
            {"needs": "two_layers", "larger_is_better": True},
        ),
    ],
    {
        "needs": Fact(
            "What it is computed from.",
            options=("features", "source_probabilities", "labelled_sides", "grouped_sides", "two_layers"),
        ),
        "larger_is_better": Fact("Whether more speaks for transfer.", bool),
    },
    elsewhere=elsewhere("scores"),
    word="scores",
)
