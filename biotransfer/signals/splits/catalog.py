"""The rules of splitting that a recipe can name."""

from __future__ import annotations

from ...catalog import Catalog, Entry, Fact
from .foreign import by_sklearn
from .new_person import by_new_person
from .rules import by_block, by_recording, by_session, by_shuffled_windows, by_subject, by_subjects_out

SPLITS = Catalog(
    "split",
    [
        Entry("subject", "Test on people never seen in training.", by_subject,
              facts={"leaks": False, "tests": "people whose recordings took no part in training"}),
        Entry("subjects_out", "Test on n people at a time, in all or drawn combinations.", by_subjects_out,
              facts={"leaks": False, "tests": "combinations of people whose recordings took no part in "
                     "training, folds averaged inside each person"}),
        Entry("new_person", "Test on the rest of a new person's recordings; the first part may be seen, "
              "without labels.", by_new_person,
              facts={"leaks": False, "tests": "the later part of the recordings of people none of whose "
                     "labels took part in training; the windows of the first part could be seen without "
                     "labels", "person_windows": True}),
        Entry("session", "Test on sessions (days) never trained on, of the same people.", by_session,
              facts={"leaks": False, "tests": "sessions that took no part in training, of people whose other "
                     "sessions did"}),
        Entry("recording", "Test on other recordings of the same people.", by_recording,
              facts={"leaks": False, "tests": "other recordings of the people in training"}),
        Entry("block", "Test on contiguous blocks of each recording, with a gap around them.", by_block,
              "Roberts et al. 2017, doi:10.1111/ecog.02881",
              {"leaks": False, "tests": "contiguous blocks of each recording, a gap around each left out"}),
        Entry("sklearn", "Test on the folds of a scikit-learn splitter, by groups of the metadata.",
              by_sklearn, "Pedregosa et al. 2011, JMLR 12:2825-2830",
              {"leaks": False, "tests": "folds of a scikit-learn splitter"}),
        Entry("shuffled_windows", "Shuffle windows before splitting: leaks, kept to reproduce published "
              "numbers.", by_shuffled_windows,
              facts={"leaks": True, "tests": "windows drawn at random from the same recordings"}),
    ],
    {
        "leaks": Fact("Whether near copies of test windows can be in training.", bool),
        "person_windows": Fact("Whether windows of the tested person may be seen, without labels.",
                               bool, default=False),
        "tests": Fact("Whom or what is tested, as the Methods paragraph says it."),
    },
    word="splits",
)  # fmt: skip
