"""Which features, or channels and frequencies, a network's answer rests on: integrated gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from ...errors import check
from ...learning.networks.modules import load_module
from ...learning.networks.network import Network
from ...signals.windows.columns import Column
from ..transferability.outputs import layer_outputs
from .naming import feature_group, frequency_band

ATTRIBUTION_COLUMNS = ["name", "group", "channel", "attribution", "signed", "share", "gap"]
_BATCH = 256


def average_gradients(
    network: Network,
    tensors: Mapping[str, np.ndarray],
    X: np.ndarray,
    y: np.ndarray,
    *,
    baseline: np.ndarray | None = None,
    steps: int = 50,
    dense: int = 1,
) -> np.ndarray:
    """Return the mean gradient of each window's logit ``y`` on the straight path from the baseline to it.

    Parameters
    ----------
    network : Network
        The record.
    tensors : mapping of str to ndarray
        Its weights.
    X : ndarray, shape (n_windows, *network.input_shape)
        Windows.
    y : ndarray, shape (n_windows,), int
        Whose logit: a class for each window.
    baseline : ndarray, shape (*network.input_shape,), optional
        Zero when not given: the mean training window, where windows are standardised.
    steps : int
        Points of the Gauss-Legendre rule along the path.
    dense : int
        Power that moves the points towards the baseline: 1 spreads them evenly; networks with norms change
        fastest beside silence and need 3.

    Returns
    -------
    ndarray, shape of X, float64

    Notes
    -----
    Source: Sundararajan, Taly and Yan 2017, arXiv:1703.01365, equation 1: times X - baseline it is what every
    input adds to the logit. The path is straight, so what is linear in the input may be taken in any linear
    coordinates afterwards: features before a projection, or frequencies.
    """
    check(steps >= 1, f"steps={steps}. Expected 1 or more, such as 50.")
    check(len(X) == len(y), f"X has {len(X)} windows, y {len(y)} classes. Pass one class for each window.")
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    nodes, weights = (nodes + 1) / 2, weights / 2
    nodes, weights = nodes**dense, weights * dense * nodes ** (dense - 1)
    module = load_module(network, tensors, torch.float64)
    start = np.zeros(network.input_shape) if baseline is None else np.asarray(baseline, dtype=np.float64)
    total = np.zeros(X.shape)
    for begin in range(0, len(X), _BATCH):
        rows = slice(begin, begin + _BATCH)
        given = np.asarray(X[rows], dtype=np.float64)
        classes = torch.from_numpy(np.asarray(y[rows], dtype=np.int64))[:, None]
        for node, weight in zip(nodes, weights, strict=True):
            point = torch.from_numpy(start + node * (given - start)).requires_grad_(True)
            (gradient,) = torch.autograd.grad(module(point).gather(1, classes).sum(), point)
            total[rows] += weight * gradient.numpy()
    return total


def attribute_features(
    network: Network,
    tensors: Mapping[str, np.ndarray],
    Z: np.ndarray,
    y: np.ndarray,
    *,
    names: Sequence[str],
    columns: Mapping[str, Column] | None = None,
    matrix: np.ndarray | None = None,
    steps: int = 50,
) -> pd.DataFrame:
    """Attribute a network's answers to named features.

    Parameters
    ----------
    network : Network
        Takes features.
    tensors : mapping of str to ndarray
        Its weights.
    Z : ndarray, shape (n_windows, n_names)
        Standardised features, before a projection: zero is the mean training window.
    y : ndarray, shape (n_windows,)
        True classes: the logit whose rise is explained.
    names : sequence of str
        Of the columns of Z.
    columns : mapping of str to Column, optional
        What is known of them, by name: ``Windows.columns``.
    matrix : ndarray, shape (n_names, n_inputs), optional
        Projection from Z to the network's inputs (``Transform.matrix``).
    steps : int
        See :func:`average_gradients`.

    Returns
    -------
    DataFrame
        One row per feature: ``group`` and ``channel`` (see :func:`feature_group`), ``attribution`` (mean over
        windows of the absolute value, in logits), ``signed`` (mean), ``share`` (of the sum of
        ``attribution``), ``gap`` (by how much the attributions of a window miss the rise of its logit above
        the baseline's, as a share of it: the error of the rule along the path).
    """
    Z = np.asarray(Z, dtype=np.float64)
    check(
        Z.ndim == 2 and Z.shape[1] == len(names),
        f"Z has shape {Z.shape} for {len(names)} names. They must agree.",
    )
    inputs = Z if matrix is None else Z @ matrix
    gradients = average_gradients(network, tensors, inputs, y, steps=steps)
    each = Z * (gradients if matrix is None else gradients @ np.asarray(matrix).T)
    groups = [feature_group(name, (columns or {}).get(name)) for name in names]
    gap = _gap(network, tensors, inputs, y, each.sum(axis=1))
    return _table(list(names), [g for g, _ in groups], [c for _, c in groups], each, gap)


def attribute_signals(
    network: Network,
    tensors: Mapping[str, np.ndarray],
    X: np.ndarray,
    y: np.ndarray,
    *,
    sfreq: float,
    ch_names: Sequence[str],
    steps: int = 50,
) -> pd.DataFrame:
    """Attribute a network's answers to channels and frequencies.

    Parameters
    ----------
    network : Network
        Takes signals.
    tensors : mapping of str to ndarray
        Its weights.
    X : ndarray, shape (n_windows, n_chans, n_times)
        Standardised signals: zero is silence.
    y : ndarray, shape (n_windows,)
        True classes.
    sfreq : float
        In Hz.
    ch_names : sequence of str
        Of the network's channels.
    steps : int
        See :func:`average_gradients`.

    Returns
    -------
    DataFrame
        As :func:`attribute_features`, one row per channel and band of frequencies.

    Notes
    -----
    The sum over time of signal times gradient is, by Parseval, a sum over frequencies of the product of
    their spectra: each frequency's term is its attribution, and completeness holds.
    """
    X = np.asarray(X, dtype=np.float64)
    check(
        X.ndim == 3 and X.shape[1] == len(ch_names),
        f"X has shape {X.shape} for {len(ch_names)} channels. They must agree.",
    )
    n_times = X.shape[2]
    gradients = average_gradients(network, tensors, X, y, steps=steps, dense=3)
    product = (np.fft.rfft(X, axis=2) * np.conj(np.fft.rfft(gradients, axis=2))).real / n_times
    twice = np.full(product.shape[2], 2.0)
    twice[0] = 1.0
    if n_times % 2 == 0:
        twice[-1] = 1.0
    product *= twice
    bands = [frequency_band(f) for f in np.fft.rfftfreq(n_times, 1 / sfreq)]
    names = list(dict.fromkeys(bands))
    each = np.stack(
        [product[:, :, [i for i, b in enumerate(bands) if b == name]].sum(axis=2) for name in names], axis=2
    )
    flat = each.reshape(len(X), -1)
    pairs = [(channel, band) for channel in ch_names for band in names]
    return _table(
        [f"{channel} {band}" for channel, band in pairs],
        [f"signal {band}" for _, band in pairs],
        [channel for channel, _ in pairs],
        flat,
        _gap(network, tensors, X, y, flat.sum(axis=1)),
    )


def _gap(
    network: Network, tensors: Mapping[str, np.ndarray], X: np.ndarray, y: np.ndarray, total: np.ndarray
) -> float:
    """Return the mean error of the attributions' sums as a share of the mean change of the logit."""
    *_, logits = layer_outputs(network, tensors, X).values()
    *_, silent = layer_outputs(network, tensors, np.zeros((1, *network.input_shape))).values()
    change = logits[np.arange(len(y)), y] - silent[0, y]
    scale = float(np.abs(change).mean())
    return float(np.abs(total - change).mean()) / scale if scale > 0 else 0.0


def _table(
    names: list[str], groups: list[str], channels: list[str], each: np.ndarray, gap: float
) -> pd.DataFrame:
    absolute = np.abs(each).mean(axis=0)
    total = float(absolute.sum())
    share = absolute / total if total > 0 else np.full(len(absolute), np.nan)
    columns = [names, groups, channels, absolute, each.mean(axis=0), share, [gap] * len(names)]
    return pd.DataFrame(dict(zip(ATTRIBUTION_COLUMNS, columns, strict=True)))
