"""The statistical feature set: the published family with its defects mended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import a_kind, check, check_option
from ..spectra import power_density
from ..windows import Windows
from ..windows.columns import Column, by_channel, by_pair
from . import primitives as p

SPECTRA = ("absolute", "relative")
_PARTS = ("", "_d_h2h1", "_q1", "_q2", "_q3", "_q4")
_FLOOR = 1e-4
_MAINS_WIDTH = 1.5


def statistical(
    windows: Windows,
    *,
    resolution: float = 1.0,
    fmax: float | None = None,
    spectrum: str = "absolute",
    shrinkage: float = 0.05,
    mains: float | None = None,
) -> Windows:
    """Describe windows by levels, moments, covariance and a spectrum in Hz; a row sees its window only.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V.
    resolution : float, above 0
        Width of a spectral bin in Hz; windows have to last 1 / resolution s or longer.
    fmax : float, above 0, optional
        Highest spectral bin in Hz. Default: up to the Nyquist frequency.
    spectrum : {"absolute", "relative"}
        Spectral power per Hz as it is, or as a share of the same channel's mean over all bins.
    shrinkage : float, 0 to 1
        How far the covariance is moved towards equal, independent channels before its logarithm, 0 to 1.
    mains : float, above 0, optional
        Mains frequency in Hz: spectral bins within 1.5 Hz of it and its multiples are left out.

    Returns
    -------
    Windows
        Features, float64, finite for flat channels too. For C channels and F spectral bins: 24 C + F C +
        C (C - 1) / 2 + C (C + 1) / 2 + C columns, such as ``std_Pz``, ``corr_Pz_Oz`` of a pair,
        ``eigenval_k`` of the k-th largest principal direction (0 first), ``power_012Hz_Pz`` of a spectral
        bin; alignment by name (``align: matched``) says how channels of two modalities meet.

        =========================================  =====================================================
        mean, max, min (+ d_h2h1, q1 to q4)        in uV: window, second half less first, quarters
        std, std_d_h2h1                            in uV
        skew, kurt                                 unbiased, 0 for a flat channel
        mean_freq, median_freq                     in Hz, of the power in the bins
        corr                                       correlation, 0 with a flat channel
        eigenval                                   log10 of eigenvalues of the covariance in uV^2, descending
        logcov                                     signed logarithm of the shrunk covariance in uV^2
        power_012Hz                                log10 of uV^2/Hz, or of the share
        =========================================  =====================================================

    Raises
    ------
    BiotransferError
        When the windows are no signals or too short for ``resolution``, or a parameter is out of range.

    Notes
    -----
    Source: the family of doi:10.1109/IS.2018.8710576. Differs from it so: no lag block; no resampling, true
    frequencies of the native rate, Hann window; every channel scaled by itself; eigenvalues real, sorted and
    in decades; logarithm of the covariance signed, shrunk and so finite; power in decades. The differences
    between quarters (linear in the quarters) and the ten highest frequencies (which jump with rounding) are
    left out, mean and median frequency added. Amplitudes below 0.001 uV and densities below 0.0001 uV^2/Hz
    are under the noise of any amplifier: they are added to what is divided by or taken the logarithm of.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_pair
    >>> from biotransfer.signals.windows import cut_windows
    >>> eeg, emg = simulate_pair(n_subjects=1, seed=0)
    >>> len(statistical(cut_windows(eeg)).names), len(statistical(cut_windows(emg)).names)
    (628, 1064)
    """
    p.check_signals(windows, "statistical")
    check_option("spectrum", spectrum, SPECTRA)
    check(
        0 <= shrinkage < 1,
        f"features statistical: shrinkage={shrinkage}. Expected 0 or more and less than 1, such as 0.05.",
    )
    for key, value in (("fmax", fmax), ("mains", mains)):
        check(
            value is None or isinstance(value, (int, float)),
            f"features statistical: {key}={value!r} is {a_kind(value)}. Expected a frequency in Hz. "
            f"Use {key}: 50.0.",
        )
    assert windows.sfreq is not None
    n, n_times = len(windows), windows.X.shape[2]
    centers, mean_over_bins = _bins(n_times, windows.sfreq, resolution, fmax, mains)
    columns = _columns(windows.names, centers, resolution, spectrum == "relative")
    out = np.empty((n, len(columns)))
    for rows, X in p.chunks(windows):
        density = power_density(X, windows.sfreq)[1] @ mean_over_bins + _FLOOR
        _describe(X, density, centers, resolution, shrinkage, spectrum == "relative", out[rows])
    changed = {
        key: value
        for key, value, default in (
            ("resolution", resolution, 1.0),
            ("fmax", fmax, None),
            ("spectrum", spectrum, "absolute"),
            ("shrinkage", shrinkage, 0.05),
            ("mains", mains, None),
        )
        if value != default
    }
    return windows.with_features(out, columns, p.step_name("statistical", **changed))


def _bins(
    n_times: int, sfreq: float, resolution: float, fmax: float | None, mains: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the centers of the spectral bins in Hz and the matrix that averages a density over each."""
    nyquist = sfreq / 2
    check(
        resolution > 0 and n_times * resolution >= sfreq * (1 - 1e-9),
        f"features statistical: resolution={resolution} Hz but windows of {n_times / sfreq:g} s, whose "
        f"spectra have one value every {sfreq / n_times:g} Hz. Expected that or more. "
        f"Use resolution: {sfreq / n_times:g}, or cut longer windows.",
    )
    top = nyquist if fmax is None else fmax
    check(
        resolution <= top <= nyquist,
        f"features statistical: fmax={fmax} Hz, resolution={resolution} Hz at {sfreq:g} Hz sampling. "
        f"Expected resolution <= fmax <= {nyquist:g} Hz, half the sampling rate. Use fmax: {nyquist:g}.",
    )
    centers = np.arange(1, int(top / resolution + 1e-9) + 1) * resolution
    if mains is not None:
        check(mains > 0, f"features statistical: mains={mains} Hz. Expected a frequency, such as 50.")
        nearest = np.maximum(np.rint(centers / mains), 1) * mains
        centers = centers[np.abs(centers - nearest) > _MAINS_WIDTH + 1e-9]
        check(len(centers), f"features statistical: mains={mains} Hz leaves no spectral bin. Use mains: 50.")
    freqs = np.arange(n_times // 2 + 1) * (sfreq / n_times)
    names = [f"{c:g} Hz" for c in centers]
    half = resolution / 2
    edges = [(c - half, c + half) for c in centers]
    return centers, p.band_means(freqs, edges, names, "Use a larger resolution.")


def _columns(ch_names: Sequence[str], centers: np.ndarray, resolution: float, relative: bool) -> list[Column]:
    n_chans = len(ch_names)
    off_diagonal, triangle = (list(zip(*np.triu_indices(n_chans, k), strict=True)) for k in (1, 0))
    levels = [f"{level}{part}" for level in p.LEVELS for part in _PARTS]
    columns = by_channel([*levels, "std", "std_d_h2h1"], ch_names, "uV")
    columns += by_channel(["skew", "kurt"], ch_names, "1")
    columns += by_channel(["mean_freq", "median_freq"], ch_names, "Hz")
    columns += by_pair("corr", off_diagonal, ch_names, "1")
    columns += by_pair("logcov", triangle, ch_names, "log(uV^2)")
    columns += [Column(f"eigenval_{k}", (), "log10(uV^2)") for k in range(n_chans)]
    digits = "03.0f" if float(resolution).is_integer() else "06.2f"
    bins = [f"power_{c:{digits}}Hz" for c in centers]
    return columns + by_channel(bins, ch_names, "log10(1)" if relative else "log10(uV^2/Hz)")


def _describe(
    X: np.ndarray,
    density: np.ndarray,
    centers: np.ndarray,
    resolution: float,
    shrinkage: float,
    relative: bool,
    out: np.ndarray,
) -> None:
    n_chans, n_times = X.shape[1:]
    halves, quarters = p.cuts(n_times)
    place = 0

    def put(values: np.ndarray) -> None:
        nonlocal place
        width = values[0].size
        out[:, place : place + width] = values.reshape(len(values), width)
        place += width

    for level in p.LEVELS.values():
        first, second = (level(X[..., half], axis=-1) for half in halves)
        put(level(X, axis=-1))
        put(second - first)
        for part in quarters:
            put(level(X[..., part], axis=-1))
    D = p.centered(X)
    m2, m3, m4 = p.central_moments(D)
    early, late = (np.sqrt(p.variance(X[..., half])) for half in halves)
    put(np.sqrt(m2 * (n_times / (n_times - 1))))
    put(late - early)
    flat = m2 < p.FLAT**2
    sound = np.where(flat, 1.0, m2)
    put(np.where(flat, 0.0, p.unbiased_skew(sound, m3, n_times)))
    put(np.where(flat, 0.0, p.unbiased_kurtosis(sound, m4, n_times)))
    cumulated = density.cumsum(axis=-1)
    put((density @ centers) / cumulated[..., -1])
    put(_median_frequency(cumulated, density, centers, resolution))

    C = p.covariance(D)
    variances = np.diagonal(C, axis1=1, axis2=2) + p.FLAT**2
    i, j = np.triu_indices(n_chans, 1)
    put(C[:, i, j] / np.sqrt(variances[:, i] * variances[:, j]))
    diagonal = np.arange(n_chans)
    C[:, diagonal, diagonal] = variances
    values, vectors = np.linalg.eigh(C)
    values = np.maximum(values, p.FLAT**2)
    shrunk = (1 - shrinkage) * values + shrinkage * values.mean(axis=-1, keepdims=True)
    i, j = np.triu_indices(n_chans)
    put(p.matrix_log(shrunk, vectors)[:, i, j])
    put(np.log10(values[:, ::-1]))
    if relative:
        density = density / density.mean(axis=-1, keepdims=True)
    put(np.log10(density).swapaxes(1, 2))


def _median_frequency(
    cumulated: np.ndarray, density: np.ndarray, centers: np.ndarray, resolution: float
) -> np.ndarray:
    """Return the frequency with half the power on either side, interpolated inside its bin."""
    half = cumulated[..., -1:] / 2
    bin_ = (cumulated < half).sum(axis=-1, keepdims=True)
    upto, inside = (np.take_along_axis(a, bin_, axis=-1)[..., 0] for a in (cumulated, density))
    return centers[bin_[..., 0]] + resolution * (0.5 - (upto - half[..., 0]) / inside)
