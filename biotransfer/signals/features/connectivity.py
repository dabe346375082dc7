"""How pairs of channels go together: coherence, its imaginary part, phase locking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import check, check_option
from ..windows import Windows
from ..windows.columns import by_pair
from . import primitives as p
from .bands import Bands, averaging, usual_bands
from .series import Series, series

MEASURES = {"coherence": "coh", "imaginary": "imcoh", "plv": "plv"}


def connectivity(
    windows: Windows,
    *,
    measures: Sequence[str] = ("coherence", "imaginary", "plv"),
    bands: Mapping[str, Sequence[float]] | None = None,
    segment: float = 0.5,
) -> Windows:
    """Describe windows by how every pair of channels goes together in frequency bands.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V, two channels or more.
    measures : list of {"coherence", "imaginary", "plv"}
        Magnitude-squared coherence, absolute imaginary part of coherency, phase-locking value.
    bands : mapping of str to [low, high], 0 or more, optional
        In Hz, low <= f < high; the usual ones of the modality when not given.
    segment : float, above 0
        Length of the segments that coherence is averaged over, as a share of the window; they overlap by
        half.

    Returns
    -------
    Windows
        Features such as ``coh_alpha_C3_C4``, ``imcoh_...`` and ``plv_...``, float64, 0 to 1: means over the
        frequencies of a band. 0 with a channel that stands still.

    Raises
    ------
    BiotransferError
        With one channel, an unknown measure, a band that segments cannot resolve, or fewer than two segments.

    Notes
    -----
    Source: coherence by Welch's average (Hann window), as ``scipy.signal.coherence``; its imaginary part,
    which volume conduction does not make, Nolte et al. 2004, doi:10.1016/j.clinph.2004.04.029; phase locking
    Lachaux et al. 1999, Human Brain Mapping 8:194-208, of the analytic signal of the band's frequencies
    alone. Averages over few segments lie above the truth, the more the fewer they are: values compare
    between windows of one length, not with those of long recordings.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_eeg
    >>> from biotransfer.signals.windows import cut_windows
    >>> windows = cut_windows(simulate_eeg(n_subjects=1))
    >>> connectivity(windows, measures=["plv"], bands={"alpha": [8, 13]}).names[0]
    'plv_alpha_TP9_AF7'
    """
    p.check_signals(windows, "connectivity")
    assert windows.sfreq is not None
    n, n_chans, n_times = windows.X.shape
    check(
        n_chans >= 2,
        f"features='connectivity' got {n_chans} channel. Expected 2 or more. Use features: band_power.",
    )
    check(
        isinstance(measures, (list, tuple)) and len(measures) > 0,
        f"features connectivity: measures={measures!r}. Expected a list. Write measures: [coherence].",
    )
    for measure in measures:
        check_option("features connectivity: measures", measure, MEASURES)
    chosen = usual_bands("features connectivity", bands, windows.modality, windows.sfreq)
    length = round(segment * n_times)
    check(
        8 <= length < n_times and length + length // 2 <= n_times,
        f"features connectivity: segment={segment} of windows of {n_times} samples. Expected two segments or "
        "more of 8 samples or more, that is at most 0.66. Use segment: 0.5.",
    )
    i, j = np.triu_indices(n_chans, 1)
    pairs = list(zip(i, j, strict=True))
    stats = [(measure, band) for measure in measures for band in chosen]
    out = np.empty((n, len(stats), len(pairs)))
    for rows, part in series(windows):
        found = _coherences(part, chosen, length) if set(measures) - {"plv"} else {}
        if "plv" in measures:
            found |= {("plv", band): value for band, value in _locking(part, chosen).items()}
        for k, stat in enumerate(stats):
            out[rows, k] = found[stat][:, i, j]
    columns = [
        one
        for measure, band in stats
        for one in by_pair(f"{MEASURES[measure]}_{band}", pairs, windows.names, "1")
    ]
    given = {"measures": list(measures), "bands": bands and dict(bands), "segment": segment}
    usual = {"measures": list(MEASURES), "bands": None, "segment": 0.5}
    said = {key: value for key, value in given.items() if value != usual[key]}
    return windows.with_features(out.reshape(n, -1), columns, p.step_name("connectivity", **said))


def _coherences(s: Series, bands: Bands, length: int) -> dict[tuple[str, str], np.ndarray]:
    """Return both coherences of every band, (n_windows, n_chans, n_chans), by measure and band."""
    from scipy.fft import rfft

    starts = range(0, s.n_times - length + 1, length - length // 2)
    cut = np.stack([s.x[..., begin : begin + length] for begin in starts], axis=2)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    spectra = rfft((cut - cut.mean(axis=-1, keepdims=True)) * taper, axis=-1)
    freqs = np.arange(length // 2 + 1) * (s.sfreq / length)
    weights = averaging(freqs, bands)
    found = {
        (measure, band): np.zeros((s.n_windows, s.n_chans, s.n_chans))
        for measure in ("coherence", "imaginary")
        for band in bands
    }
    tiny = np.finfo(float).tiny
    for f in np.flatnonzero(weights.any(axis=1)):
        here = spectra[..., f]
        cross = np.matmul(here, here.conj().swapaxes(1, 2))
        power = np.einsum("wcc->wc", cross).real
        scale = power[:, :, None] * power[:, None, :]
        square = np.where(scale > 0, np.abs(cross) ** 2 / np.maximum(scale, tiny), 0.0)
        odd = np.where(scale > 0, np.abs(cross.imag) / np.sqrt(np.maximum(scale, tiny)), 0.0)
        for k, band in enumerate(bands):
            if weights[f, k]:
                found["coherence", band] += weights[f, k] * square
                found["imaginary", band] += weights[f, k] * odd
    return found


def _locking(s: Series, bands: Bands) -> dict[str, np.ndarray]:
    """Return the phase-locking values of every band, (n_windows, n_chans, n_chans)."""
    from scipy.fft import ifft, rfft

    inside = averaging(s.freqs, bands) > 0
    spectrum = rfft(s.x, axis=-1)
    found = {}
    for k, band in enumerate(bands):
        analytic = ifft(np.where(inside[:, k], spectrum, 0.0), n=s.n_times, axis=-1)
        size = np.abs(analytic)
        phase = np.where(size > 0, analytic / np.maximum(size, np.finfo(float).tiny), 0.0)
        phase = np.where(s.still[..., None], 0.0, phase)
        found[band] = np.abs(np.matmul(phase, phase.conj().swapaxes(1, 2))) / s.n_times
    return found
