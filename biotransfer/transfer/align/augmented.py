"""Alignment by more, fewer or cleaner columns: augmented, denoised, or those that do not differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import check
from ...signals.windows import Windows
from .inputs import common_inputs, some_rows
from .transform import WindowMap, applied, keep, show_map

_ROWS = 500


def feature_augmentation(
    source: Windows, target: Windows, *, first: str = "top_k", k: int = 32
) -> tuple[WindowMap, WindowMap]:
    """Give every column twice: once for its own side alone, once for both.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When both sides cannot come to one number of inputs.

    Notes
    -----
    Source: Daume 2007, arXiv:0907.1815, equation 3: the source's windows become (x, 0, x), the target's
    (0, x, x). What a network learned of the last columns carries; the columns of the target alone it has
    never seen vary.
    """
    ours, theirs = common_inputs("feature_augmentation", source, target, first, k)
    n = len(ours.names)
    eye, zero = np.eye(n), np.zeros((n, n))
    step = f"{n} columns for the side alone and for both"
    sides = []
    for mapping, windows, own in (
        (ours, source, [eye, zero, eye]), (theirs, target, [zero, eye, eye])
    ):  # fmt: skip
        names = tuple(f"{part}{i + 1}" for part in ("source_", "target_", "both_") for i in range(n))
        wide = replace(
            keep(mapping.apply(windows), step=step), matrix=np.concatenate(own, axis=1), names=names
        )
        sides.append(mapping.then(wide))
    return sides[0], sides[1]


@dataclass(frozen=True, eq=False)
class DenoisingMap:
    """``h = tanh(W (x, 1))``, layer on layer; what comes out is every layer's h, divided by a scale.

    Parameters
    ----------
    layers : tuple of ndarray, shape (d, d + 1), float64
        Maps that give a window back from what is left of it.
    scale : float
        Divides what comes out.
    names : tuple of str
        Names of the columns that come out.
    step : str
        What the history will say.
    """

    layers: tuple[np.ndarray, ...]
    scale: float
    names: tuple[str, ...]
    step: str

    def __repr__(self) -> str:
        return show_map(self)

    def apply(self, windows: Windows) -> Windows:
        """Return transformed windows, float32."""
        return applied(self, windows)

    def apply_array(self, X: np.ndarray) -> np.ndarray:
        """Transform an array of shape (n_windows, d)."""
        h, out = np.asarray(X, dtype=np.float64), []
        for W in self.layers:
            h = np.tanh(h @ W[:, :-1].T + W[:, -1])
            out.append(h)
        return np.asarray(np.concatenate(out, axis=1) / self.scale, dtype=np.float32)


def denoiser(X: np.ndarray, corruption: float, ridge: float = 1e-5) -> np.ndarray:
    """Return the linear map that gives rows back when columns are lost at random, in closed form.

    Parameters
    ----------
    X : ndarray, shape (n_rows, d), float64
        Rows.
    corruption : float
        Probability that a column is lost.
    ridge : float
        Added to the diagonal.

    Returns
    -------
    ndarray, shape (d, d + 1)
        ``W = E[P] (E[Q] + ridge I)^-1`` over infinitely many corruptions.

    Notes
    -----
    Source: Chen, Xu, Weinberger & Sha 2012, arXiv:1206.4683, equations 5 to 7.
    """
    wide = np.concatenate([X, np.ones((len(X), 1))], axis=1)
    S = wide.T @ wide
    q = np.append(np.full(X.shape[1], 1.0 - corruption), 1.0)
    Q = S * np.outer(q, q)
    np.fill_diagonal(Q, q * np.diag(S))
    P = S[:-1] * q
    return np.asarray(np.linalg.solve(Q.T + ridge * np.eye(len(Q)), P.T).T)


def msda(
    source: Windows,
    target: Windows,
    *,
    corruption: float = 0.5,
    layers: int = 1,
    first: str = "top_k",
    k: int = 64,
) -> tuple[WindowMap, WindowMap]:
    """Replace windows by what a denoiser of both sides together makes of them.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    corruption : float, 0 to 1
        Probability that a column is lost.
    layers : int, 1 to 10
        How many denoisers on each other; the columns of all come out.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When a parameter is out of range.

    Notes
    -----
    Source: Chen, Xu, Weinberger & Sha 2012, arXiv:1206.4683, algorithm 1; differs from it in that the windows
    themselves are left out, and that both sides count the same, by up to 500 windows each.
    """  # fmt: skip
    check(0 < corruption < 1, f"align msda: corruption={corruption}. Expected between 0 and 1, such as 0.5.")
    ours, theirs = common_inputs("msda", source, target, first, k)
    rows = [m.apply(w).X.astype(np.float64) for m, w in ((ours, source), (theirs, target))]
    h = np.concatenate([X[some_rows(len(X), _ROWS)] for X in rows])
    maps = []
    for _ in range(layers):
        W = denoiser(h, corruption)
        h = np.tanh(h @ W[:, :-1].T + W[:, -1])
        maps.append(W)
    spread = float(np.sqrt(np.mean(h.var(axis=0))))
    names = tuple(f"msda{i + 1}" for i in range(layers * h.shape[1]))
    mapping = DenoisingMap(tuple(maps), spread if spread > 0 else 1.0, names, f"{layers} denoisers")
    return ours.then(mapping), theirs.then(mapping)


def column_discrepancies(S: np.ndarray, T: np.ndarray, kernel: str = "rbf") -> np.ndarray:
    """Return the squared maximum mean discrepancy of every column.

    Parameters
    ----------
    S, T : ndarray, shape (n_rows, d), float64
        Rows of the two sides.
    kernel : {"rbf", "linear"}
        The width of rbf is the column's median squared distance.

    Returns
    -------
    ndarray, shape (d,)

    Notes
    -----
    Source: Gretton et al. 2012, JMLR 13:723, equation 5 (biased).
    """
    if kernel == "linear":
        return np.asarray((S.mean(axis=0) - T.mean(axis=0)) ** 2)
    found = np.empty(S.shape[1])
    n = len(S)
    for j in range(S.shape[1]):
        x = np.concatenate([S[:, j], T[:, j]])
        squares = (x[:, None] - x) ** 2
        width = float(np.median(squares[np.triu_indices(len(x), 1)]))
        K = np.exp(-squares / (width if width > 0 else 1.0))
        found[j] = K[:n, :n].mean() + K[n:, n:].mean() - 2 * K[:n, n:].mean()
    return found


def fmmd(
    source: Windows, target: Windows, *, keep_columns: int = 32, first: str = "top_k", k: int = 64
) -> tuple[WindowMap, WindowMap]:
    """Keep the columns whose distribution differs least between the sides.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    keep_columns : int, 1 to 100000
        How many.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When there are fewer columns.

    Notes
    -----
    Source: Uguroglu & Carbonell 2011, doi:10.1007/978-3-642-23808-6_28, section 3. Differs from it in that
    the discrepancy is each column's own, under a Gaussian kernel: of scaled sides all means agree.
    """
    ours, theirs = common_inputs("fmmd", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    check(
        keep_columns <= len(s.names),
        f"align fmmd: keep_columns={keep_columns}, but both sides have {len(s.names)} inputs. "
        f"Use keep_columns: {len(s.names)} or less.",
    )
    S, T = (w.X[some_rows(len(w), _ROWS)].astype(np.float64) for w in (s, t))
    best = np.sort(np.argsort(column_discrepancies(S, T), kind="stable")[:keep_columns])
    step = f"{keep_columns} columns that differ least"
    return ours.then(keep(s, best, step)), theirs.then(keep(t, best, step))


@dataclass(frozen=True, eq=False)
class SpectrumMap:
    """Signals whose lowest frequencies get other amplitudes; phases stay.

    Parameters
    ----------
    amplitudes : ndarray, shape (n_chans, n_frequencies), float64
        In place of the signal's own, of the lowest frequencies but the mean.
    names : tuple of str
        Of the channels.
    step : str
        What the history will say.
    """

    amplitudes: np.ndarray
    names: tuple[str, ...]
    step: str

    def __repr__(self) -> str:
        return show_map(self)

    def apply(self, windows: Windows) -> Windows:
        """Return transformed windows, float32."""
        return applied(self, windows)

    def apply_array(self, X: np.ndarray) -> np.ndarray:
        """Transform an array of shape (n_windows, n_chans, n_times)."""
        spectrum = np.fft.rfft(np.asarray(X, dtype=np.float64), axis=2)
        low = slice(1, 1 + self.amplitudes.shape[1])
        own = np.abs(spectrum[:, :, low])
        phase = np.where(own > 0, spectrum[:, :, low] / np.where(own > 0, own, 1.0), 1.0)
        spectrum[:, :, low] = phase * self.amplitudes
        return np.asarray(np.fft.irfft(spectrum, X.shape[2], axis=2), dtype=np.float32)


def fda(source: Windows, target: Windows, *, share: float = 0.1) -> tuple[WindowMap, WindowMap]:
    """Give the source's signals the target's amplitudes at the lowest frequencies.

    Parameters
    ----------
    source, target : Windows
        Scaled signals of training rows, of as many channels and samples.
    share : float, 0 to 1
        Of the frequencies, from the lowest on; the mean stays.

    Raises
    ------
    BiotransferError
        When the sides have other shapes, or ``share`` holds no frequency.

    Notes
    -----
    Source: Yang & Soatto 2020, arXiv:2004.05498, equation 3, along time; differs from it in that the
    amplitudes are the mean over the target's training windows, not those of one drawn window.
    """
    check(
        source.is_signal and target.is_signal and source.shape == target.shape,
        f"align fda: the source's windows have shape {source.shape}, the target's {target.shape}. Expected "
        "signals of as many channels and samples. Cut both alike: windows: {length: ..., sfreq: ...}, with "
        "picks of as many channels.",
    )
    n = round(share * (source.shape[1] // 2))
    check(0 < share <= 1 and n >= 1, f"align fda: share={share} of {source.shape[1] // 2} frequencies. "
          "Expected one or more of them, such as share: 0.1.")  # fmt: skip
    amplitudes = np.abs(np.fft.rfft(target.X.astype(np.float64), axis=2))[:, :, 1 : 1 + n].mean(axis=0)
    mapping = SpectrumMap(amplitudes, source.names, f"amplitudes of the target at {n} frequencies")
    return mapping, keep(target)
