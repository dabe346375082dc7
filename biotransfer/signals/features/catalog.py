"""The feature sets that a recipe can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...catalog import Catalog, Entry, Fact
from .asymmetry import asymmetry
from .bird2020 import bird2020
from .classic import band_power, time_domain
from .connectivity import connectivity
from .families import check_eeg, check_emg, eeg_family, emg_family, wavelets
from .statistical import statistical
from .tangent import tangent_space

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
        Entry(
            "asymmetry",
            "Power in bands on the right of the head against the left, by pairs of 10-20 names.",
            asymmetry,
            "Davidson 1992, doi:10.1016/0278-2626(92)90065-T",
        ),
        Entry(
            "connectivity",
            "Coherence, its imaginary part and phase locking of every pair of channels in bands.",
            connectivity,
            "Nolte et al. 2004, doi:10.1016/j.clinph.2004.04.029",
        ),
        Entry(
            "tangent_space",
            "The matrix logarithm of the channels' covariance, a vector in a flat space.",
            tangent_space,
            "Arsigny et al. 2007, doi:10.1137/050637996",
        ),
        Entry(
            "wavelets",
            "Energy, its share and its entropy at every level of a discrete wavelet transform.",
            wavelets,
            "Rosso et al. 2001, doi:10.1016/S0165-0270(00)00356-3",
        ),
    ],
    {
        "lag": Fact("Whether the row of a window needs the window before it.", bool, default=False),
        "check": Fact("Refuses parameters before there are windows.", Callable | None, default=None),
        "windows": Fact("How the command features cuts windows, where not as usual.", Mapping, default={}),
    },
    word="features",
)
