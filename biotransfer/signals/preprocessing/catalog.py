"""The steps that a recipe can name, and how those that look at a whole data set first are settled."""

from __future__ import annotations

from collections.abc import Callable

from ...catalog import Catalog, Entry, Fact
from . import amplitude, bad_channels, channels, components, filters, referencing, trends

STEPS = Catalog(
    "preprocess",
    [
        Entry(
            "rename_channels",
            "Rename channels by rule: prefixes and suffixes off, spelling, then name by name.",
            channels.rename_channels,
            facts={"say": channels.say_rename, "changes": ("channels",)},
        ),
        Entry(
            "pick_channels",
            "Keep some channels, in one order; those that all recordings share when none are named.",
            channels.pick_channels,
            facts={"say": channels.say_pick, "changes": ("channels",), "settle": channels.common_channels},
        ),
        Entry(
            "drop_channels",
            "Leave some channels out, where a recording has them.",
            channels.drop_channels,
            facts={"say": channels.say_drop, "changes": ("channels",)},
        ),
        Entry(
            "bad_channels",
            "Find channels that are no signal, and leave them out everywhere or interpolate them.",
            bad_channels.bad_channels,
            "Bigdely-Shamlo et al. 2015, doi:10.3389/fninf.2015.00016",
            facts={
                "say": bad_channels.say_bad_channels,
                "changes": ("channels",),
                "settle": bad_channels.find_in_all,
            },
        ),
        Entry(
            "set_montage",
            "Give EEG channels their standard positions, by name.",
            referencing.set_montage,
            "mne.channels.make_standard_montage",
            facts={"say": lambda montage: f"given the positions of the {montage} system", "electrodes": True},
        ),
        Entry(
            "notch",
            "Take the hum of the mains out.",
            filters.notch,
            "mne.filter.notch_filter",
            facts={"say": filters.say_notch, "settle": filters.found_freqs},
        ),
        Entry(
            "bandpass",
            "Keep a band of frequencies; either side may be open.",
            filters.bandpass,
            "mne.filter.filter_data",
            facts={"say": filters.say_bandpass},
        ),
        Entry(
            "resample",
            "Change the sampling rate.",
            filters.resample,
            "mne.io.Raw.resample",
            facts={"say": lambda sfreq: f"resampled to {sfreq:g} Hz", "changes": ("samples",)},
        ),
        Entry(
            "detrend",
            "Subtract the polynomial that fits best, from every stretch between edges.",
            trends.detrend,
            facts={"say": trends.say_detrend},
        ),
        Entry(
            "average_reference",
            "Subtract the mean of all good channels.",
            referencing.average_reference,
            facts={"say": lambda: "re-referenced to the mean of the channels"},
        ),
        Entry(
            "reference",
            "Subtract the mean of some channels, such as both mastoids.",
            referencing.reference,
            "mne.set_eeg_reference",
            facts={"say": referencing.say_reference, "changes": ("channels",)},
        ),
        Entry(
            "bipolar",
            "Take differences of two channels in place of the channels.",
            referencing.bipolar,
            "mne.set_bipolar_reference",
            facts={"say": referencing.say_bipolar, "changes": ("channels",)},
        ),
        Entry(
            "rest_reference",
            "Refer EEG to infinity, by sources on a sphere that would give what was measured.",
            referencing.rest_reference,
            "Yao 2001, doi:10.1088/0967-3334/22/4/305",
            facts={"say": lambda: "re-referenced to infinity (REST)", "electrodes": True},
        ),
        Entry(
            "ica",
            "Take the independent components out that are eyes, heart, muscles or noise.",
            components.ica,
            "Pion-Tonachini et al. 2019, doi:10.1016/j.neuroimage.2019.05.026 (ICLabel); mne.preprocessing",
            facts={"say": components.say_ica, "settle": components.find_components, "electrodes": True},
        ),
        Entry(
            "rectify",
            "Take absolute values.",
            amplitude.rectify,
            facts={"say": lambda: "full-wave rectified"},
        ),
        Entry(
            "envelope",
            "Rectify and smooth: the linear envelope of EMG.",
            amplitude.envelope,
            "Merletti & Farina 2016, doi:10.1002/9781119082934",
            facts={
                "say": lambda cutoff, order: (
                    f"rectified and low-pass filtered at {cutoff:g} Hz (order {order}) to their envelope"
                )
            },
        ),
        Entry(
            "rms_envelope",
            "Take the moving root mean square.",
            amplitude.rms_envelope,
            "Merletti & Farina 2016, doi:10.1002/9781119082934",
            facts={"say": lambda window: f"reduced to their root mean square over {window * 1e3:g} ms"},
        ),
        Entry(
            "normalize",
            "Put the amplitude of every person, or recording, on one scale, channel by channel.",
            amplitude.normalize,
            "Burden 2010, doi:10.1016/j.jelekin.2010.07.004",
            facts={"say": amplitude.say_normalize, "settle": amplitude.reference_levels},
        ),
    ],
    {
        "say": Fact(
            "Says what it did, by its parameters, for the report and the Methods paragraph.", Callable
        ),
        "changes": Fact(
            "What it changes beside the signal of the channels of the modality.",
            tuple[str, ...],
            ("samples", "channels"),
            (),
        ),
        "electrodes": Fact(
            "Whether it asks where the electrodes stand, which signals that were made up do not know.",
            bool,
            default=False,
        ),
        "settle": Fact(
            "Looks at all recordings of a data set first, never at labels of classes: (recordings, *, "
            "parameters) -> the parameters that it found.",
            Callable | None,
            default=None,
        ),
    },
    word="preprocess",
)
