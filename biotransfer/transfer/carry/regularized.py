"""Transfer with a penalty: what the target's training adds to its loss because of the source.

Every function takes ``start`` like those of ``carrying.py``: with a sham, all that the penalty does it does
without knowledge of the source, so what then remains of a gain is the regulariser's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import check
from ...learning.networks.forward import run_network
from ...learning.networks.network import Network
from ...learning.predictions import softmax
from ...learning.training.arm import Arm, Penalty
from ...learning.weights import Tensors, Weights, is_statistic
from ...signals.windows import Windows
from .adaptation import draw_learned
from .starting import begin_with, carry, source_network
from .validity import dense_head

_LARGEST_FEATURE = 1e18


def bss(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    strength: float = 0.001,
    k: int = 1,
    start: str = "source",
) -> Arm:
    """Push down the smallest singular values of each batch's features.

    Parameters
    ----------
    strength : float, 0 or more
        Eta: adds ``strength`` times the sum of the squares of the ``k`` smallest singular values.
    k : int, 1 to 100000
        How many.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When a parameter is out of range.

    Notes
    -----
    Source: Chen et al. 2019, "Catastrophic forgetting meets negative transfer: batch spectral shrinkage for
    safe transfer learning", NeurIPS 32, equation 5; its values are k = 1 and 0.001.
    """
    _check_strength("bss", strength)
    check(k >= 1, f"arm bss: k={k}. Expected 1 or more.")
    arm = carry("bss", source, fresh, network, seed, start=start)
    return replace(arm, penalty=Penalty("bss", {"strength": strength, "k": k}))


def delta(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    target: Windows,
    *,
    strength: float = 1.0,
    attention: bool = True,
    beta: float = 0.01,
    start: str = "source",
) -> Arm:
    """Keep what the head sees near what the source network computes on the same windows.

    Parameters
    ----------
    target : Windows
        The target's labelled training windows.
    strength : float, 0 or more
        Adds ``strength`` times the mean over windows of ``sum_j a_j (f_j - f_j_source)^2``.
    attention : bool
        Whether units that matter for the target's classes count more; equal weights ``a_j = 1/d`` without.
    beta : float, 0 or more
        Strength on fresh weights: adds ``beta/2 ||w||^2``.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When a strength is negative.

    Notes
    -----
    Source: Li et al. 2019, arXiv:1901.09229, equations 5 to 7: ``a`` is the softmax over units of what
    leaving one out adds to the loss of a classifier on the source's features. Differs from it in that the one
    feature map is what the head sees, and that the classifier is a logistic regression on standardised ones.
    """
    _check_strength("delta", strength)
    _check_strength("delta", beta, "beta")
    arm = carry("delta", source, fresh, network, seed, start=start)
    reference = begin_with(source, fresh, network, seed, start)
    record = source_network(reference)
    features = run_network(record, reference.tensors, target.X).features
    equal = np.full(features.shape[1], 1.0 / features.shape[1])
    weights = feature_attention(features, target.y) if attention else equal
    tensors = {**reference.tensors, "attention": weights.astype(np.float32)}
    anchor = {
        row.tensor: (np.zeros_like(arm.tensors[row.tensor]), beta)
        for row in arm.ledger
        if row.part == "head" and not is_statistic(row.tensor)
    }
    return replace(arm, anchor=anchor, penalty=Penalty("delta", {"strength": strength}, tensors, record))


def feature_attention(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weight features by what leaving each one out adds to a classifier's loss.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_units)
        What the head sees.
    y : ndarray of int, shape (n_windows,)
        Classes.

    Returns
    -------
    ndarray, shape (n_units,)
        Positive, summing to 1.

    Raises
    ------
    BiotransferError
        For windows of one class, or features too large for their squares.

    Notes
    -----
    Source: Li et al. 2019, arXiv:1901.09229, equations 6 and 7.
    """
    from sklearn.linear_model import LogisticRegression

    check(
        len(np.unique(y)) > 1,
        f"arm delta: the {len(y)} training windows have one class. Expected two or more, to weigh features "
        "by. Give more labels: budget.",
    )
    largest = float(np.abs(features).max())
    check(
        largest < _LARGEST_FEATURE,
        f"arm delta: what the head sees reaches {largest:.3g}. Expected scaled inputs. Type scale: standard.",
    )
    deviation = features.std(axis=0)
    z = (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    model = LogisticRegression(max_iter=1000).fit(z, y)
    raw = model.decision_function(z)
    logits = np.stack([-raw / 2, raw / 2], axis=1) if raw.ndim == 1 else raw
    coefficients = np.stack([-model.coef_[0] / 2, model.coef_[0] / 2]) if raw.ndim == 1 else model.coef_
    index = np.searchsorted(model.classes_, y)

    def loss(values: np.ndarray) -> float:
        top = values.max(axis=1, keepdims=True)
        log_total = top[:, 0] + np.log(np.exp(values - top).sum(axis=1))
        return float(np.mean(log_total - values[np.arange(len(y)), index]))

    rises = np.array([loss(logits - np.outer(z[:, j], coefficients[:, j])) for j in range(z.shape[1])])
    rises -= loss(logits)
    return softmax(rises)


def lwf(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    strength: float = 1.0,
    temperature: float = 2.0,
    start: str = "source",
) -> Arm:
    """Keep the source's answers on the target's windows while learning the target.

    Parameters
    ----------
    strength : float, 0 or more
        Adds ``strength`` times the cross-entropy between the source network's softened answers and those of
        the source's head on the features being trained.
    temperature : float, above 0
        Softens both.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When a parameter is out of range.

    Notes
    -----
    Source: Li & Hoiem 2016, arXiv:1606.09282, equations 2 to 4 (temperature 2); differs from it in that the
    source's head stays still.
    """
    _check_strength("lwf", strength)
    check(temperature > 0, f"arm lwf: temperature={temperature}. Expected above 0, such as 2.0.")
    arm = carry("lwf", source, fresh, network, seed, start=start)
    reference = begin_with(source, fresh, network, seed, start)
    options = {"strength": strength, "temperature": temperature}
    record = source_network(reference)
    return replace(arm, penalty=Penalty("lwf", options, _with_head(reference, record), record))


def co_tuning(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    target: Windows,
    *,
    strength: float = 1.0,
    start: str = "source",
) -> Arm:
    """Let the source's head answer each target class with the mix of source classes that it stands for.

    Parameters
    ----------
    target : Windows
        The target's labelled training windows.
    strength : float, 0 or more
        Adds ``strength`` times the cross-entropy of the source head's answers with p(source class | target
        class).
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When ``strength`` is negative, or a class has no training window.

    Notes
    -----
    Source: You et al. 2020, "Co-tuning for transfer learning", NeurIPS 33, equation 3, with the category
    relationship learned directly (section 4.2): the mean of the source network's probabilities over the
    training windows of each target class. Differs from it in that the source's head stays still and its
    probabilities are not calibrated.
    """
    _check_strength("co_tuning", strength)
    arm = carry("co_tuning", source, fresh, network, seed, start=start)
    reference = begin_with(source, fresh, network, seed, start)
    record = source_network(reference)
    absent = sorted(set(range(network.n_outputs)) - set(np.unique(target.y).tolist()))
    check(
        not absent,
        f"arm co_tuning: the {len(target)} training windows have none of {len(absent)} of the "
        f"{network.n_outputs} classes. Expected some of each. Give more labels: budget.",
    )
    probabilities = run_network(record, reference.tensors, target.X).probabilities
    relationship = np.stack(
        [probabilities[target.y == label].mean(axis=0) for label in range(network.n_outputs)]
    )
    tensors = {**_with_head(reference, record), "relationship": relationship.astype(np.float32)}
    return replace(arm, penalty=Penalty("co_tuning", {"strength": strength}, tensors, record))


def stoch_norm(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    share: float = 0.5,
    start: str = "source",
) -> Arm:
    """Let norms use the source's running statistics for random channels while they train.

    Parameters
    ----------
    share : float, 0 to 1
        Probability of each channel, drawn anew in every update.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When ``share`` is no share.

    Notes
    -----
    Source: Kou et al. 2020, "Stochastic Normalization", NeurIPS 33, equations 4 to 6; its probability is 0.5.
    """
    check(0 < share <= 1, f"arm stoch_norm: share={share}. Expected above 0, up to 1, such as 0.5.")
    arm = carry("stoch_norm", source, fresh, network, seed, start=start)
    return replace(arm, stochastic_norm=share)


def bi_tuning(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    strength: float = 1.0,
    temperature: float = 0.2,
    keep: float = 0.99,
    projection: int = 16,
    start: str = "source",
) -> Arm:
    """Contrast training windows of one class with those of the others, by what the head sees.

    Parameters
    ----------
    strength : float, 0 or more
        Of both contrasts.
    temperature : float, above 0
        Divides the cosine similarities.
    keep : float, 0 to 1
        Share of the averaged weights, which make the keys, that stays at every update.
    projection : int, 1 to 4096
        Units of the projection, which is thrown away.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Notes
    -----
    Source: Zhong et al. 2020, arXiv:2011.06182, equations 3 and 5 (see ``PENALTIES``).
    """
    options = {"strength": strength, "temperature": temperature, "keep": keep, "projection": projection}
    arm = carry("bi_tuning", source, fresh, network, seed, start=start)
    learns = draw_learned("bi_tuning", options, network, seed)
    return replace(arm, penalty=Penalty("bi_tuning", options, learns=learns))


def _check_strength(arm: str, value: float, name: str = "strength") -> None:
    check(value >= 0, f"arm {arm}: {name}={value}. Expected 0 or more.")


def _with_head(source: Weights, record: Network) -> Tensors:
    """Return the source's tensors, with those of its dense head also under names of their own."""
    names = dense_head(record)
    assert names is not None
    weight, bias = names
    head = {"head_weight": source.tensors[weight], "head_bias": source.tensors[bias]}
    return {**source.tensors, **head}
