"""Augmentations of training windows, by braindecode: drawn by seed and update, the same for every arm.

An augmentation is a function ``(sfreq, *, parameters) -> braindecode Transform``. Only windows that are
trained on are augmented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...catalog import Catalog, Entry
from ...errors import BiotransferError, check

if TYPE_CHECKING:
    import torch

Augment = Callable[["torch.Tensor", int], "torch.Tensor"]


def _transform(name: str, probability: float, **options: Any) -> Any:
    """Return braindecode's transform."""
    from ...signals.windows.braindecode import load_braindecode

    check(
        0 < probability <= 1,
        f"augment {name}: probability={probability}. Expected above 0, up to 1, such as 0.5.",
    )
    return getattr(load_braindecode("braindecode.augmentation"), name)(probability, **options)


def gaussian_noise(sfreq: float | None, *, probability: float = 0.5, std: float = 0.1) -> Any:
    """Add white noise.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    std : float, 0 or more
        Deviation of the noise in units of the windows (deviations of the training rows, when scaled).
    """
    return _transform("GaussianNoise", probability, std=std)


def amplitude_scale(
    sfreq: float | None, *, probability: float = 0.5, low: float = 0.5, high: float = 2.0
) -> Any:
    """Multiply each channel by a random factor.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    low, high : float, above 0
        Smallest and largest factor.
    """
    check(0 < low < high, f"augment amplitude_scale: low={low}, high={high}. Expected 0 < low < high.")
    return _transform("AmplitudeScale", probability, interval=(low, high))


def channels_dropout(sfreq: float | None, *, probability: float = 0.5, p_drop: float = 0.2) -> Any:
    """Set random channels to zero.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    p_drop : float, 0 to 1
        Probability of each channel.
    """
    return _transform("ChannelsDropout", probability, p_drop=p_drop)


def channels_shuffle(sfreq: float | None, *, probability: float = 0.5, p_shuffle: float = 0.2) -> Any:
    """Exchange random channels, as an armband that is put on turned.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    p_shuffle : float, 0 to 1
        Probability of each channel.
    """
    return _transform("ChannelsShuffle", probability, p_shuffle=p_shuffle)


def time_reverse(sfreq: float | None, *, probability: float = 0.5) -> Any:
    """Turn time round.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    """
    return _transform("TimeReverse", probability)


def sign_flip(sfreq: float | None, *, probability: float = 0.5) -> Any:
    """Change the sign of all channels.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    """
    return _transform("SignFlip", probability)


def smooth_time_mask(sfreq: float | None, *, probability: float = 0.5, length: int = 50) -> Any:
    """Fade a random stretch of all channels to zero.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    length : int, 1 to 100000
        Samples of the stretch.
    """
    return _transform("SmoothTimeMask", probability, mask_len_samples=length)


def ft_surrogate(sfreq: float | None, *, probability: float = 0.5, magnitude: float = 1.0) -> Any:
    """Randomise the phases of all channels alike; spectra stay.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    magnitude : float, 0 to 1
        Phases are drawn up to this part of a full turn, 0 to 1.
    """
    return _transform("FTSurrogate", probability, phase_noise_magnitude=magnitude)


def frequency_shift(sfreq: float | None, *, probability: float = 0.5, max_shift: float = 2.0) -> Any:
    """Shift the spectrum of all channels by a few hertz.

    Parameters
    ----------
    sfreq : float or None
        Sampling rate in Hz.
    probability : float, 0 to 1
        Share of the windows of a batch that are changed.
    max_shift : float, 0 or more
        Largest shift in Hz.
    """
    check(sfreq is not None, "augment frequency_shift needs the sampling rate. Use windows of signals.")
    return _transform("FrequencyShift", probability, sfreq=sfreq, max_delta_freq=max_shift)


def _entry(name: str, summary: str, function: Callable[..., Any], source: str) -> Entry:
    return Entry(name, summary, function, source, {"packages": ("braindecode",), "extra": "braindecode"})


_CHENG = "Cheng et al. 2020, arXiv:2007.04871"
_ROMMEL = "Rommel et al. 2022, doi:10.1088/1741-2552/aca220"
AUGMENTATIONS = Catalog(
    "augment",
    [
        _entry("gaussian_noise", "White noise is added.", gaussian_noise, _CHENG),
        _entry("amplitude_scale", "Channels are scaled by random factors.", amplitude_scale,
               "Mohsenvand et al. 2020, PMLR 136"),
        _entry("channels_dropout", "Random channels are set to zero.", channels_dropout,
               "Saeed et al. 2021, arXiv:2005.11473"),
        _entry("channels_shuffle", "Random channels are exchanged.", channels_shuffle,
               "Saeed et al. 2021, arXiv:2005.11473"),
        _entry("time_reverse", "Time is turned round.", time_reverse, _ROMMEL),
        _entry("sign_flip", "The sign is changed.", sign_flip, _ROMMEL),
        _entry("smooth_time_mask", "A stretch of time is faded to zero.", smooth_time_mask,
               "Mohsenvand et al. 2020, PMLR 136"),
        _entry("ft_surrogate", "Phases are randomised, spectra kept.", ft_surrogate,
               "Schwabedal et al. 2018, arXiv:1806.08675"),
        _entry("frequency_shift", "The spectrum is shifted.", frequency_shift, _ROMMEL),
    ],
    word="augmentations",
)  # fmt: skip


def refuse_features(network: str, augment: Any) -> None:
    """Say that features cannot be augmented.

    Raises
    ------
    BiotransferError
        Always.
    """
    raise BiotransferError(
        f"augment={augment!r} changes signals, but network {network!r} takes features: a feature is no "
        "signal that could be reversed or shifted. Use augment: none, or network: cnn_signal."
    )


def make_augment(spec: str | Mapping[str, Any], sfreq: float | None) -> Augment:
    """Return the function ``(x, seed) -> x`` that augments a batch, shape (n_windows, n_chans, n_times).

    Parameters
    ----------
    spec : str or mapping
        As in a recipe.
    sfreq : float or None
        Sampling rate in Hz.
    """
    import numpy as np

    entry, parameters = AUGMENTATIONS.resolve(spec)
    transform = entry.function(sfreq, **parameters)

    def augment(x: torch.Tensor, seed: int) -> torch.Tensor:
        transform.rng = np.random.RandomState(seed)
        changed: torch.Tensor = transform(x)
        return changed.to(x)

    return augment
