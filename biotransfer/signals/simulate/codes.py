"""The truth behind simulated signals: what each class does to the sources, and how much of it is shared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import check, check_option
from ..recording import MODALITIES

N_REGIONS = 4
BANDS = {
    "eeg": ((4.0, 8.0), (8.0, 13.0), (13.0, 30.0)),
    "emg": ((20.0, 45.0), (45.0, 70.0), (70.0, 95.0)),
}
RATES = (1.0, 2.0, 4.0)
_PAIRS = [(i, j) for i in range(N_REGIONS) for j in range(i + 1, N_REGIONS)]
PATTERNS = np.array(
    [np.eye(N_REGIONS)[i] for i in range(N_REGIONS)]
    + [(np.eye(N_REGIONS)[i] + np.eye(N_REGIONS)[j]) / np.sqrt(2) for i, j in _PAIRS]
)
N_LATENT = len(PATTERNS) * len(RATES)
MOST_CLASSES = N_LATENT // 3
_STREAMS = (
    *MODALITIES,
    *("codes", "order", "person", "stretch", "carrier", "background", "blinks", "mains", "shift", "sensor"),
)


def latent_codes(n_classes: int, *, modality: str, shared: float, seed: int) -> np.ndarray:
    """Return what each class does to the sources: the truth that the signals are made from.

    Parameters
    ----------
    n_classes : int
        Up to 10.
    modality : {"eeg", "emg"}
        Whose codes.
    shared : float
        Amount of shared structure, from 0 to 1.
    seed : int
        Draws the codes.

    Returns
    -------
    ndarray, shape (n_classes, 10, 3), float64
        Per class, spatial pattern (``PATTERNS``: four regions alone, then six pairs of regions together; the
        region of a channel is its index modulo 4) and band (low, middle, high), with a mean square of 1 in
        each class. Times ``contrast`` these are dB.

    Raises
    ------
    BiotransferError
        On more than 10 classes, an unknown modality or a share outside 0 to 1.

    Notes
    -----
    Source: own. Thirty orthonormal vectors s_1 to s_10, e_1 to e_10 and m_1 to m_10 are drawn. Class c has
    the code sqrt(shared) s_c + sqrt(1 - shared) e_c in EEG and sqrt(shared) s_c + sqrt(1 - shared) m_c in
    EMG, times sqrt(30). So the codes of one modality are orthogonal whatever ``shared`` is, and between
    modalities the cosine is exactly ``shared`` for class c and class c, and 0 for two different classes.

    Examples
    --------
    >>> eeg = latent_codes(3, modality="eeg", shared=0.25, seed=0)
    >>> emg = latent_codes(4, modality="emg", shared=0.25, seed=0)
    >>> round(float((eeg[0] * emg[0]).mean()), 6)
    0.25
    """
    check_option("modality", modality, MODALITIES)
    check(
        1 <= n_classes <= MOST_CLASSES,
        f"classes={n_classes}: {N_LATENT} sources tell 1 to {MOST_CLASSES} classes apart. "
        f"Use classes={min(max(n_classes, 1), MOST_CLASSES)}.",
    )
    check(0 <= shared <= 1, f"shared={shared} is outside 0 (nothing shared) to 1 (same codes). Try 0.5.")
    q, r = np.linalg.qr(stream(seed, "codes").standard_normal((N_LATENT, N_LATENT)))
    vectors = (q * np.sign(np.diag(r))).T
    own = MOST_CLASSES * (1 + MODALITIES.index(modality))
    codes = np.sqrt(shared) * vectors[:n_classes] + np.sqrt(1 - shared) * vectors[own : own + n_classes]
    return (codes * np.sqrt(N_LATENT)).reshape(n_classes, len(PATTERNS), len(RATES))


def stream(seed: int, *key: str | int) -> np.random.Generator:
    """Return the random stream of one ingredient, so that changing one leaves the others as they are."""
    check(
        isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0,
        f"seed={seed!r} is no whole number from 0. Try seed=0.",
    )
    return np.random.default_rng([int(seed), *(_STREAMS.index(k) if isinstance(k, str) else k for k in key)])


def class_names(classes: int | Sequence[str], stem: str) -> tuple[str, ...]:
    """Return the names of the classes; a number gives ``stem_1``, ``stem_2``, ..."""
    if isinstance(classes, int):
        return tuple(f"{stem}_{i + 1}" for i in range(classes))
    check(
        not isinstance(classes, str) and len(set(classes)) == len(classes),
        f"classes={classes!r} is no list of different names. Pass a number, or names like ['{stem}_1'].",
    )
    return tuple(str(c) for c in classes)


def check_common(
    *,
    modality: str,
    n_subjects: int,
    sfreq: float,
    contrast: float,
    variability: float,
    mains: float | None,
    mains_uv: float,
) -> None:
    """Refuse what neither modality can be simulated with."""
    check(n_subjects >= 1, f"n_subjects={n_subjects}. Expected 1 or more.")
    check(contrast >= 0, f"contrast={contrast} dB is negative. Try 4.0.")
    check(variability >= 0, f"variability={variability} dB is negative. Try 1.5.")
    check(mains_uv >= 0, f"mains_uv={mains_uv} uV is negative. Use mains=None for no hum.")
    highest = BANDS[modality][-1][1] + RATES[-1]
    check(
        highest < sfreq / 2,
        f"sfreq={sfreq:g} Hz holds frequencies below {sfreq / 2:g} Hz, but {modality} sources reach "
        f"{highest:g} Hz. Use sfreq={2 * highest + 2:g} or more.",
    )
    check(
        mains is None or 0 < mains < sfreq / 2,
        f"mains={mains} Hz does not lie below the Nyquist frequency, {sfreq / 2:g} Hz. Use mains=None.",
    )
