"""The data sets that a recipe can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...catalog import Catalog, Fact
from ..recording import MODALITIES
from . import (
    arithmetic,
    bids,
    cote_allard,
    eegbci,
    epn612,
    excerpt,
    grabmyo,
    libemg,
    moabb,
    muse,
    myo_readings,
    ninapro,
    own,
    saved,
    saved_windows,
    simulated,
    three_dc,
    uci_gestures,
)
from .download import Source

DATASETS = Catalog(
    "data",
    [
        excerpt.ENTRY,
        simulated.ENTRY,
        muse.ENTRY,
        arithmetic.ENTRY,
        libemg.MYODISCO_ENTRY,
        libemg.ONE_SUBJECT_ENTRY,
        cote_allard.ENTRY,
        myo_readings.ENTRY,
        eegbci.ENTRY,
        uci_gestures.ENTRY,
        ninapro.DB1_ENTRY,
        ninapro.DB2_ENTRY,
        ninapro.DB5_ENTRY,
        epn612.ENTRY,
        grabmyo.ENTRY,
        three_dc.ENTRY,
        own.ENTRY,
        bids.ENTRY,
        moabb.ENTRY,
        saved.ENTRY,
        saved_windows.ENTRY,
    ],
    {
        "modality": Fact("What was recorded; none where a recipe says.", str | None, MODALITIES, None),
        "subjects": Fact("People.", int | None, default=None),
        "n_chans": Fact("Channels.", int | None, default=None),
        "sfreq": Fact("Sampling rate in Hz.", float | None, default=None),
        "classes": Fact("Labels, in their usual order.", tuple[str, ...], default=()),
        "whole": Fact("Parameters that ask for all that there is.", Mapping, default={}),
        "line_freq": Fact("Frequency of the mains where it was recorded, in Hz.", float | None, default=None),
        "unit": Fact("Of the files, and how it is read.", default=""),
        "size_mb": Fact(
            "Size of the files in MB; none where only the origin knows.", float | None, default=None
        ),
        "license": Fact("Under what terms the signals may be used."),
        "origin": Fact("Where the files come from."),
        "citation": Fact("What to cite.", default=""),
        "caveats": Fact("What a reader of results has to know.", tuple[str, ...], default=()),
        "sources": Fact("What is downloaded.", tuple[Source, ...], default=()),
        "registered": Fact("Patterns of the files that are checked.", tuple[str, ...], default=()),
        "reads": Fact("Returns the files that it reads, downloading none.", Callable | None, (), None),
        "says": Fact(
            "Returns name, citation and licence that the files say themselves.", Callable | None, (), None
        ),
        "gives": Fact(
            "What a reader returns: recordings, or windows that are cut already.",
            options=("recordings", "windows"),
            default="recordings",
        ),
        "unpacked": Fact(
            "Patterns of files that stand for registered archives.", tuple[str, ...], default=()
        ),
        "owner": Fact("Says whose a registered file is.", Callable | None, (), None),
        "paths": Fact("Parameters that are files or folders.", tuple[str, ...], default=()),
        "part_of": Fact("By modality, the data set whose people these are.", Mapping, default={}),
        "read_file": Fact("Reads one file, where a recording is one.", Callable | None, (), None),
    },
    word="datasets",
)
