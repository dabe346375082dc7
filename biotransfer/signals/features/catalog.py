"""The feature sets that a recipe can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...catalog import Catalog, Entry, Fact
from .bird2020 import bird2020
from .classic import band_power, time_domain
from .families import check_eeg, check_emg, eeg_family, emg_family
from .statistical import statistical

FEATURES = Catalog(
    "features",
    [
        Entry(
            "statistical",
            "Levels, moments, covariance and a spectrum in Hz of every window, finite and free of leakage.",
            statistical,
            "the family of doi:10.1109/IS.2018.8710576, its defects mended",
        ),
        Entry(
            "bird2020",
            "The columns of the published feature script, defects included, for comparison with the paper.",
            bird2020,
            "doi:10.1109/IS.2018.8710576, used by doi:10.1109/ACCESS.2020.2979074",
            {"lag": True, "windows": {"length": 1.0, "step": 0.5, "by": "timestamps", "n_times": 150}},
        ),
        Entry(
            "band_power",
            "Logarithm of the power in a few frequency bands of every channel.",
            band_power,
        ),
        Entry(
            "time_domain",
            "Mean absolute value, waveform length, zero crossings and slope changes of every channel.",
            time_domain,
            "Hudgins, Parker and Scott 1993, doi:10.1109/10.204774",
        ),
        Entry(
            "emg_family",
            "Features of surface EMG by name or group: amplitude, moments, spectrum, models, wavelets.",
            emg_family,
            "the formulas of LibEMG, doi:10.1109/ACCESS.2023.3304544",
            {"check": check_emg},
        ),
        Entry(
            "eeg_family",
            "Features of EEG by name or group: bands, ratios, slope, entropies, fractals, Hjorth's.",
            eeg_family,
            "the single features' papers: biotransfer list singles",
            {"check": check_eeg},
        ),
    ],
    {
        "lag": Fact("Whether the row of a window needs the window before it.", bool, default=False),
        "check": Fact("Refuses parameters before there are windows.", Callable | None, default=None),
        "windows": Fact("How the command features cuts windows, where not as usual.", Mapping, default={}),
    },
    word="features",
)
