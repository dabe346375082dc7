"""Single features of frequency bands and of the spectrum's slope, from the periodogram with a Hann window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ....errors import check
from .. import bands as b
from ..series import Series
from .values import Values, check_range

_RATIOS = {"eeg": ("theta/beta", "theta/alpha", "alpha/beta"), "emg": ("20to40Hz/80to100Hz",)}


def _density(s: Series, name: str, bands: b.Bands | None) -> dict[str, np.ndarray]:
    """Return the mean density of every band, in uV^2/Hz."""
    chosen = b.usual_bands(f"feature {name}", bands, s.modality, s.sfreq)
    means = s.density @ b.averaging(s.freqs, chosen)
    return {band: means[..., i] for i, band in enumerate(chosen)}


def band(s: Series, *, bands: Mapping[str, Sequence[float]] | None = None) -> Values:
    """Power in bands: log10 of the mean density, 0.0001 uV^2/Hz added; columns are named by their bands.

    Parameters
    ----------
    bands : mapping of str to [low, high], 0 or more, optional
        In Hz, low <= f < high; the usual ones of the modality when not given.
    """
    return {name: np.log10(power + b.FLOOR) for name, power in _density(s, "BAND", bands).items()}


def relband(s: Series, *, bands: Mapping[str, Sequence[float]] | None = None) -> Values:
    """Share of a band in the power of all bands together; an equal share where a channel stands still.

    Parameters
    ----------
    bands : mapping of str to [low, high], 0 or more, optional
        In Hz, low <= f < high; the usual ones of the modality when not given.
    """
    chosen = b.usual_bands("feature RELBAND", bands, s.modality, s.sfreq)
    widths = (b.averaging(s.freqs, chosen) > 0).sum(axis=0)
    powers = {
        name: (power + b.FLOOR) * width
        for (name, power), width in zip(_density(s, "RELBAND", bands).items(), widths, strict=True)
    }
    total = sum(powers.values())
    return {f"rel_{name}": power / total for name, power in powers.items()}


def bandratio(
    s: Series,
    *,
    ratios: Sequence[str] | None = None,
    bands: Mapping[str, Sequence[float]] | None = None,
) -> Values:
    """Ratio of two bands: log10 of the quotient of their mean densities; 0 where a channel stands still.

    Parameters
    ----------
    ratios : list of str, optional
        Such as theta/beta; when not given theta/beta, theta/alpha and alpha/beta of EEG, 20to40Hz/80to100Hz
        of EMG.
    bands : mapping of str to [low, high], 0 or more, optional
        In Hz, low <= f < high; the usual ones of the modality when not given.
    """
    powers = _density(s, "BANDRATIO", bands)
    asked = _RATIOS[s.modality] if ratios is None else ratios
    columns = {}
    for ratio in asked:
        names = ratio.split("/") if isinstance(ratio, str) else []
        check(
            len(names) == 2 and all(name in powers for name in names),
            f"feature BANDRATIO: ratios={list(asked)!r}: {ratio!r} is no quotient of two of the bands "
            f"{', '.join(powers)}. Write ratios: [{'/'.join(list(powers)[:2])}].",
        )
        upper, lower = (powers[name] + b.FLOOR for name in names)
        columns[f"{names[0]}_over_{names[1]}"] = np.log10(upper / lower)
    return columns


def de(s: Series, *, bands: Mapping[str, Sequence[float]] | None = None) -> Values:
    """Differential entropy of bands: log(2 pi e v) / 2 of a Gaussian with the band's power v in uV^2.

    Parameters
    ----------
    bands : mapping of str to [low, high], 0 or more, optional
        In Hz, low <= f < high; the usual ones of the modality when not given.
    """
    chosen = b.usual_bands("feature DE", bands, s.modality, s.sfreq)
    widths = (b.averaging(s.freqs, chosen) > 0).sum(axis=0) * (s.sfreq / s.n_times)
    return {
        f"DE_{name}": np.log(2 * np.pi * math.e * (power + b.FLOOR) * width) / 2
        for (name, power), width in zip(_density(s, "DE", bands).items(), widths, strict=True)
    }


def aperiodic(s: Series, *, fit: Sequence[float] = (2.0, 40.0)) -> Values:
    """Slope of the spectrum: the line through log10 density over log10 f, by least squares; 0 where still.

    EXPONENT is less its slope, OFFSET its height at 1 Hz in log10(uV^2/Hz).

    Parameters
    ----------
    fit : [low, high], 0 or more
        In Hz: over which frequencies.

    Notes
    -----
    A peak in the range (such as alpha) draws the line; take it out of the range, or fit a longer stretch
    with its peaks modelled (specparam) where the number itself matters.
    """
    low, high = check_range("APERIODIC", "fit", fit, s.sfreq / 2)
    inside = (s.freqs >= max(low, 1e-9)) & (s.freqs <= high)
    check(
        inside.sum() >= 3,
        f"feature APERIODIC: fit={list(fit)!r} Hz holds {int(inside.sum())} frequencies of windows of "
        f"{s.n_times / s.sfreq:g} s. Expected three or more. Widen it or cut longer windows.",
    )
    x, y = np.log10(s.freqs[inside]), np.log10(s.density[..., inside] + b.FLOOR)
    around = x - x.mean()
    slope = y @ around / (around @ around)
    return {"EXPONENT": s.where(-slope), "OFFSET": s.where(y.mean(axis=-1) - slope * x.mean())}
