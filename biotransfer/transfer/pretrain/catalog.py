"""What a source network is trained on (``SOURCES``), and what it learns there (``METHODS``)."""

from __future__ import annotations

from ...catalog import Catalog, Entry, Fact
from ..toolkits.table import elsewhere
from .adversarial import dann, deep_coral, mmd
from .episodic import ccsa, group_dro, maml, protonet
from .meta import fomaml, reptile
from .multi_task import multi_task
from .self_supervised import contrastive, masked
from .sources import noise, phase, shuffled_labels, simulated
from .sources import supervised as source_itself
from .styles import mix_style
from .supervised import supervised

SOURCES = Catalog(
    "source",
    [
        Entry("supervised", "The source with its labels.", source_itself,
              "Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074", {"made_from": "windows", "drawn": False}),
        Entry("shuffled_labels", "The source with the labels of whole recordings permuted.", shuffled_labels,
              "Maennel et al. 2020, arXiv:2006.10455", {"made_from": "windows", "drawn": True}),
        Entry("noise", "Surrogate signals: white noise with invented labels, or random phases.", noise,
              "Prichard & Theiler 1994, doi:10.1103/PhysRevLett.73.951 (phase)",
              {"made_from": "signals", "drawn": True}),
        Entry("phase", "The source's signals with random phases, and its labels.", phase,
              "Prichard & Theiler 1994, doi:10.1103/PhysRevLett.73.951",
              {"made_from": "signals", "drawn": True}),
        Entry("simulated", "Simulated signals of as many people, channels and classes.", simulated,
              facts={"made_from": "signals", "drawn": True}),
    ],
    {
        "made_from": Fact("What of the source it is made from.", options=("windows", "signals")),
        "drawn": Fact("Whether it is drawn anew for every seed.", bool),
    },
    word="sources",
)  # fmt: skip


METHODS = Catalog(
    "pretrain",
    [
        Entry("supervised", "Classify the source's windows.", supervised,
              "Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074", {"inside": False}),
        Entry("multi_task", "Classify source and target at once, with one body for both.", multi_task,
              "Caruana 1997, doi:10.1023/A:1007379606734", {"joint": True}),
        Entry("reptile", "Move the start to where a few steps on several people lead.", reptile,
              "Nichol et al. 2018, arXiv:1803.02999", {"people": 2}),
        Entry("fomaml", "Find the start from which a few steps suit a person's other windows.", fomaml,
              "Finn et al. 2017, arXiv:1703.03400", {"people": 2}),
        Entry("masked", "Reconstruct hidden features or stretches of signal; no labels.", masked,
              "He et al. 2022, arXiv:2111.06377", {"labels": False}),
        Entry("contrastive", "Tell distorted views of a window from other windows; no labels.", contrastive,
              "Chen et al. 2020, arXiv:2002.05709", {"labels": False}),
        Entry("dann", "Classify by features that do not tell who was recorded (adversarial).", dann,
              "Ganin et al. 2016, arXiv:1505.07818", {"people": 2}),
        Entry("deep_coral", "Classify by features with the same covariance in all people.", deep_coral,
              "Sun & Saenko 2016, arXiv:1607.01719", {"people": 2}),
        Entry("mmd", "Classify by features with the same distribution in all people.", mmd,
              "Long et al. 2015, arXiv:1502.02791", {"people": 2}),
        Entry("maml", "Find the start from which a few steps suit a person, through these steps.", maml,
              "Finn et al. 2017, arXiv:1703.03400", {"people": 2}),
        Entry("protonet", "Learn features in which a class lies around its mean, person by person.", protonet,
              "Snell et al. 2017, arXiv:1703.05175", {"people": 2}),
        Entry("ccsa", "Classify, with two people's windows near within a class and apart between.", ccsa,
              "Motiian et al. 2017, arXiv:1709.10190", {"people": 2}),
        Entry("group_dro", "Classify so that the person who is classified worst is classified well.",
              group_dro, "Sagawa et al. 2020, arXiv:1911.08731", {"people": 2}),
        Entry("mix_style", "Classify, with early feature maps' means and deviations mixed between people.",
              mix_style, "Zhou et al. 2021, arXiv:2104.02008", {"people": 2, "maps": True}),
    ],
    {
        "joint": Fact("Whether it learns from the target's training rows, too.", bool, default=False,
                      asks={True: "looks at the target's training windows"}.get),
        "labels": Fact("Whether it reads the source's labels.", bool, default=True,
                       asks={False: "no labels"}.get),
        "people": Fact("People that the source needs at least.", int, default=1,
                       asks=lambda people: f"{people} people or more" if people > 1 else ""),
        "maps": Fact("Whether it mixes feature maps over time.", bool, default=False,
                     asks={True: "a convolutional network"}.get),
        "inside": Fact("Whether it runs the layers of a network one by one, without dropout.", bool,
                       default=True, asks={True: "a network of ours"}.get),
    },
    elsewhere=elsewhere("pretrain"),
    word="pretrain",
)  # fmt: skip
