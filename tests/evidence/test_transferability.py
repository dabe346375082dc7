"""Scores agree with closed forms and independent computations, and tell a good source from a bad one."""

import itertools

import numpy as np
import pytest
from scipy import optimize, stats

from biotransfer.errors import BiotransferError
from biotransfer.evidence.transferability import (
    SCORES,
    linear_cka,
    otdd,
    pattern_similarity,
    proxy_a_distance,
)
from biotransfer.evidence.transferability.judging import score_transfer
from biotransfer.evidence.transferability.outputs import layer_outputs
from biotransfer.evidence.transferability.ranking import rank_agreement
from biotransfer.evidence.transferability.scores import h_score, leep, logme, nce, trans_rate
from biotransfer.learning.networks import build_network, initial_tensors
from tests.builders import head_inputs, make_windows


def _features(n=60, d=5, n_classes=3, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return rng.normal(size=(n, d)) + signal * rng.normal(size=(n_classes, d))[y], y


def _probabilities(n=40, n_source=3, n_target=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(n_source), n), rng.integers(0, n_target, n)


@pytest.mark.parametrize(("n", "d", "signal"), [(60, 5, 1.0), (30, 45, 0.7), (50, 8, 3.0)])
def test_logme_is_the_largest_evidence_found_by_direct_maximisation(n, d, signal):
    F, y = _features(n, d, 3, signal)

    def evidence(precisions, t):
        alpha, beta = np.exp(precisions)
        covariance = np.eye(n) / beta + F @ F.T / alpha
        return stats.multivariate_normal(np.zeros(n), covariance).logpdf(t)

    best = []
    for label in range(3):
        t = (y == label).astype(float)
        found = optimize.minimize(
            lambda p, t=t: -evidence(p, t), [0.0, 0.0], method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000},
        )  # fmt: skip
        best.append(-found.fun / n)
    assert logme(F, y) == pytest.approx(np.mean(best), abs=1e-8)


def test_logme_survives_features_without_any_signal():
    rng = np.random.default_rng(0)
    F = rng.normal(size=(400, 3))
    F -= F.mean(axis=0)
    y = np.arange(400) % 2
    F[y == 1] -= F[y == 1].mean(axis=0)
    F[y == 0] -= F[y == 0].mean(axis=0)
    plain = -0.5 * (np.log(2 * np.pi * 0.5) + 1)
    assert logme(F, y) == pytest.approx(plain, abs=1e-3)


def test_h_score_is_the_sum_of_squared_canonical_correlations():
    F, y = _features(100, 4)
    centered = F - F.mean(axis=0)
    one_hot = np.eye(3)[y] - np.eye(3)[y].mean(axis=0)
    basis_f = np.linalg.qr(centered)[0]
    basis_y = np.linalg.svd(one_hot, full_matrices=False)[0][:, :2]
    correlations = np.linalg.svd(basis_f.T @ basis_y, compute_uv=False)
    assert h_score(F, y) == pytest.approx(np.sum(correlations**2), abs=1e-10)


def test_h_score_is_shrunk_when_there_are_few_windows():
    F, y = _features(40, 8)
    n, d = F.shape
    X = F - F.mean(axis=0)
    S = X.T @ X / n
    mu = np.trace(S) / d
    spread = np.mean([np.linalg.norm(np.outer(x, x) - S) ** 2 for x in X]) / n
    share = min(spread / np.linalg.norm(S - mu * np.eye(d)) ** 2, 1.0)
    means = np.stack([X[y == c].mean(axis=0) for c in y])
    shrunk = (1 - share) * S + share * mu * np.eye(d)
    expected = (1 - share) * np.trace(np.linalg.inv(shrunk) @ (means.T @ means / n))
    assert 0 < share < 1
    assert h_score(F, y) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("d", [4, 30])
def test_trans_rate_by_eigenvalues_of_the_other_gram_matrix(d):
    F, y = _features(45, d)
    eps = 1e-4

    def rate(Z):
        return 0.5 * np.sum(np.log1p(np.maximum(np.linalg.eigvalsh(Z @ Z.T), 0) / (len(Z) * eps)))

    Z = F - F.mean(axis=0)
    expected = rate(Z) - sum((y == c).mean() * rate(Z[y == c]) for c in range(3))
    assert trans_rate(F, y) == pytest.approx(expected, abs=1e-7)


def test_leep_by_loops_over_classes():
    P, y = _probabilities()
    total = 0.0
    for i in range(len(y)):
        likelihood = 0.0
        for z in range(P.shape[1]):
            joint = sum(P[j, z] for j in range(len(y)) if y[j] == y[i])
            likelihood += joint / sum(P[j, z] for j in range(len(y))) * P[i, z]
        total += np.log(likelihood)
    assert leep(P, y) == pytest.approx(total / len(y), abs=1e-12)


def test_nce_is_the_conditional_entropy_of_counts():
    P, y = _probabilities()
    z = P.argmax(axis=1)
    conditional = sum(
        np.mean(z == k) * stats.entropy(np.bincount(y[z == k], minlength=4)) for k in np.unique(z)
    )
    assert nce(P, y) == pytest.approx(-conditional, abs=1e-12)


def test_leep_is_nce_when_the_source_is_certain():
    P, y = _probabilities()
    certain = np.eye(3)[P.argmax(axis=1)]
    assert leep(certain, y) == pytest.approx(nce(certain, y), abs=1e-12)
    assert nce(np.eye(4)[y], y) == 0.0


@pytest.mark.parametrize("units", [(5, 7), (80, 7)])
def test_cka_by_centered_kernels(units):
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(50, units[0])), rng.normal(size=(50, units[1]))
    B[:, :3] += A[:, :3]
    H = np.eye(50) - 1 / 50
    K, L = H @ A @ A.T @ H, H @ B @ B.T @ H
    expected = np.trace(K @ L) / np.sqrt(np.trace(K @ K) * np.trace(L @ L))
    assert linear_cka(A, B) == pytest.approx(expected, abs=1e-12)
    rotation = np.linalg.qr(rng.normal(size=(units[0], units[0])))[0]
    assert linear_cka(A, 3 * A @ rotation + 5) == pytest.approx(1.0, abs=1e-12)
    assert np.isnan(linear_cka(A, np.ones((50, 2))))


def test_otdd_of_shifted_copies_has_a_closed_form():
    F, y = _features(40, 3, 2)
    shift = np.array([3.0, -1.0, 2.0])
    assert otdd(F, y, F, y) == pytest.approx(0.0, abs=1e-8)
    one_class = np.zeros(40, int)
    assert otdd(F, one_class, F + shift, one_class) == pytest.approx(2 * shift @ shift, rel=1e-6)


def test_otdd_is_the_best_assignment_for_labels_that_have_nothing_in_common():
    A, a = _features(30, 4, 2, seed=1)
    B, b = _features(30, 4, 3, seed=2)
    cost = ((A[:, None] - B[None]) ** 2).sum(axis=2)
    for i in range(30):
        for j in range(30):
            S, T = A[a == a[i]], B[b == b[j]]
            C, D = np.cov(S.T, ddof=0), np.cov(T.T, ddof=0)
            overlap = np.sqrt(np.maximum(np.linalg.eigvals(C @ D).real, 0)).sum()
            cost[i, j] += np.sum((S.mean(axis=0) - T.mean(axis=0)) ** 2) + np.trace(C + D) - 2 * overlap
    rows, columns = optimize.linear_sum_assignment(cost)
    assert otdd(A, a, B, b + 10) == pytest.approx(cost[rows, columns].mean(), rel=1e-6)


def test_patterns_are_alike_by_the_inner_products_of_the_best_assignment():
    A, a = _features(30, 4, 2, seed=1)
    B, b = _features(33, 4, 3, seed=2)
    A, B = (F - np.mean([F[y == c].mean(axis=0) for c in np.unique(y)], axis=0) for F, y in ((A, a), (B, b)))
    found = max(
        np.mean([np.mean([x @ z for x in A[a == i] for z in B[b == j]]) for i, j in enumerate(pair)])
        for pair in itertools.permutations(range(3), 2)
    )
    found /= np.sqrt(np.mean((A**2).sum(axis=1)) * np.mean((B**2).sum(axis=1)))
    assert pattern_similarity(A, a, B, b + 10) == pytest.approx(found)
    assert pattern_similarity(A + 3, a, 5 * B, b) == pytest.approx(found)
    y, same, across = np.repeat([0, 1], 5), np.eye(4)[np.repeat([0, 1], 5)], np.eye(4)[np.repeat([2, 3], 5)]
    assert pattern_similarity(same, y, same, 1 - y) == pytest.approx(1.0)
    assert pattern_similarity(same, y, across, y) == pytest.approx(0.0)
    assert pattern_similarity(np.ones((10, 4)), y, same, y) == 0


def test_proxy_a_distance_runs_from_zero_to_two():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 30)
    A, B = rng.normal(size=(300, 3)), rng.normal(size=(300, 3))
    assert proxy_a_distance(A, groups, B, groups) == pytest.approx(0.0, abs=0.35)
    assert proxy_a_distance(A, groups, B + 20, groups) == 2.0


def test_proxy_a_distance_of_two_gaussians_is_that_of_the_best_classifier():
    """Sides that differ by a shift along one axis: the best classifier errs with Phi(-shift / 2)."""
    rng = np.random.default_rng(0)
    groups = np.arange(4000) // 100
    A, B = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 1)) + 1.5
    best = 2 * (1 - 2 * stats.norm.cdf(-0.75))
    assert proxy_a_distance(A, groups, B, groups, max_windows=4000) == pytest.approx(best, abs=0.04)


def test_proxy_a_distance_by_an_optimiser_of_the_penalised_likelihood():
    """The folds are shared; the classifier and its errors are computed anew."""
    from sklearn.model_selection import StratifiedGroupKFold

    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(8), 12)
    A, B = rng.normal(size=(96, 3)), rng.normal(size=(96, 3)) + np.array([0.8, 0.0, -0.4])
    X, side = np.concatenate([A, B]), np.repeat([0, 1], 96)
    both = np.concatenate([groups, -1 - groups])
    wrong, seen = np.zeros(2), np.zeros(2)
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(X, side, both):
        center, scale = X[train].mean(axis=0), X[train].std(axis=0)
        Z, sign = np.c_[(X - center) / scale, np.ones(192)], 2.0 * side - 1
        weight = len(train) / (2 * np.bincount(side[train]))[side[train]]

        def loss(w, Z=Z[train], sign=sign[train], weight=weight):
            return weight @ np.logaddexp(0, -sign * (Z @ w)) + 0.5 * w[:-1] @ w[:-1]

        predicted = (Z[test] @ optimize.minimize(loss, np.zeros(4), tol=1e-10).x > 0).astype(int)
        for s in (0, 1):
            seen[s] += np.sum(side[test] == s)
            wrong[s] += np.sum((side[test] == s) & (predicted != s))
    expected = 2 * (1 - 2 * np.mean(wrong / seen))
    assert proxy_a_distance(A, groups, B, groups) == pytest.approx(expected, abs=1e-12)


def test_proxy_a_distance_holds_people_out():
    """People that differ from each other but not by side: a classifier that has seen them tells the sides."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(12), 25)
    person = 8 * rng.normal(size=(24, 30))
    A = person[:12][groups] + 0.1 * rng.normal(size=(300, 30))
    B = person[12:][groups] + 0.1 * rng.normal(size=(300, 30))
    alone = np.arange(300)
    assert proxy_a_distance(A, alone, B, alone) > 1.9
    assert proxy_a_distance(A, groups, B, groups) < 1.0
    with pytest.raises(BiotransferError, match="one person or recording"):
        proxy_a_distance(A, np.zeros(300), B, groups)


def test_layer_outputs_of_an_mlp_are_its_matrix_products():
    network = build_network({"name": "mlp", "hidden": [6, 4]}, (12,), 3)
    tensors = initial_tensors(network, 0)
    X = np.random.default_rng(0).normal(size=(600, 12)).astype(np.float32)
    double = {k: v.astype(np.float64) for k, v in tensors.items()}
    first = np.maximum(X @ double["stem_0.weight"].T + double["stem_0.bias"], 0)
    second = np.maximum(first @ double["body_1.weight"].T + double["body_1.bias"], 0)
    logits = second @ double["head.weight"].T + double["head.bias"]
    got = layer_outputs(network, tensors, X)
    assert list(got) == ["stem_0", "body_1", "head"]
    for name, expected in zip(got, (first, second, logits), strict=True):
        np.testing.assert_allclose(got[name], expected, atol=1e-12)
    np.testing.assert_allclose(head_inputs(network, tensors, X), second, atol=1e-12)


@pytest.mark.parametrize(
    ("spec", "shape"),
    [("cnn_signal", (4, 64)), ({"name": "cnn_image", "filters": [4, 8], "hidden": 6}, (64,))],
)
def test_layers_of_convolutions_are_told_apart(spec, shape):
    network = build_network(spec, shape, 3)
    X = np.random.default_rng(0).normal(size=(5, *shape))
    got = layer_outputs(network, initial_tensors(network, 0), X)
    assert all(value.shape[0] == 5 and np.isfinite(value).all() for value in got.values())
    assert not [name for name in got if "norm" in name]
    n_features = network.tensor_shapes["head.weight"][1]
    assert head_inputs(network, initial_tensors(network, 0), X).shape == (5, n_features)
    with pytest.raises(BiotransferError, match="Align them first"):
        layer_outputs(network, initial_tensors(network, 0), X[..., :-1])


def _planted(signal=2.0):
    """A network whose first units read the planted directions of the class, and windows of both sides."""
    target = make_windows(n_recordings=4, signal=signal, seed=3)
    source = make_windows(n_recordings=4, signal=signal, n_classes=4, seed=4, modality="emg")
    network = build_network({"name": "mlp", "hidden": [24, 12]}, (12,), 4)
    centers = np.random.default_rng(99).normal(size=(3, 12))
    tensors = {k: 0.02 * v for k, v in initial_tensors(network, 5).items()}
    tensors["stem_0.weight"][:3] = centers
    for unit in range(3):
        tensors["body_1.weight"][unit, unit] = 1.0
        tensors["head.weight"][unit, unit] = 1.0
    return network, tensors, target, source


def test_a_source_that_reads_the_target_beats_random_weights_and_permuted_labels():
    network, tensors, target, source = _planted()
    table = score_transfer(network, tensors, target, source, permutations=19).set_index("score")
    assert list(table.index) == [n for n in SCORES if n != "cka"]
    assert table.loc["pattern_similarity", "z"] > 3
    for name in ("logme", "h_score", "trans_rate", "leep", "nce"):
        beats = table.loc[name, "value"] > table.loc[name, "random_value"]
        assert beats or name == "trans_rate", f"{name}: only the coding rate grows with the features' scale"
        assert table.loc[name, "z"] > 3, name
        assert table.loc[name, "p"] == pytest.approx(1 / 20), name
    assert (table["note"] == "").all()
    features = head_inputs(network, tensors, target.X)
    assert table.loc["logme", "value"] == logme(features, target.y)


def test_labels_that_mean_nothing_are_not_found_transferable():
    network, tensors, target, source = _planted(signal=0.0)
    names = ["logme", "h_score", "trans_rate", "leep", "nce", "pattern_similarity"]
    table = score_transfer(network, tensors, target, source, scores=names, permutations=39)
    assert (table["z"].abs() < 3).all()
    assert (table["p"] > 0.025).all()


def test_what_cannot_be_scored_says_why():
    network, tensors, target, source = _planted()
    table = score_transfer(network, tensors, target, own_head=False, permutations=2).set_index("score")
    assert "head" in table.loc["leep", "note"]
    assert np.isnan(table.loc["leep", "value"])
    assert table.loc["otdd", "note"] == "no source windows"
    wide = source.with_features(np.hstack([source.X, source.X]), [*source.names, *map(str, range(12))], "")
    note = score_transfer(network, tensors, target, wide, scores=["otdd"], permutations=2)["note"].iloc[0]
    assert "(24,)" in note
    with pytest.raises(BiotransferError, match="Did you mean 'leep'"):
        score_transfer(network, tensors, target, scores=["lep"])
    with pytest.raises(BiotransferError, match="two layers"):
        score_transfer(network, tensors, target, scores=["cka"])
    with pytest.raises(BiotransferError, match="has 1 class"):
        logme(np.ones((3, 2)), np.zeros(3))


@pytest.mark.parametrize("name", list(SCORES))
def test_every_entry_declares_what_it_needs(name):
    facts = SCORES[name].facts
    assert facts["needs"] in (
        "features", "source_probabilities", "labelled_sides", "grouped_sides", "two_layers"
    )  # fmt: skip
    assert isinstance(facts["larger_is_better"], bool)
    assert "arXiv" in SCORES[name].source or "doi" in SCORES[name].source or "NIPS" in SCORES[name].source


def test_rank_agreement_is_one_for_equal_ranks_and_covers_zero_for_noise():
    gains = np.arange(12.0)
    same = rank_agreement(gains**3, gains, n_resamples=200)
    assert same["tau"] == pytest.approx(1.0)
    assert same["p"] == pytest.approx(1 / 201)
    assert rank_agreement(-gains, gains, n_resamples=200)["tau"] == pytest.approx(-1.0)
    rng = np.random.default_rng(0)
    scores = rng.normal(size=12)
    noise = rank_agreement(scores, gains, n_resamples=200)
    assert noise["tau"] == pytest.approx(stats.weightedtau(scores, gains)[0])
    assert noise["ci_low"] < 0 < noise["ci_high"]


def test_rank_agreement_inside_groups_ignores_what_lies_between_them():
    """Groups that differ in both level of score and gain, nothing inside them: no agreement."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(4), 10)
    scores, gains = 10 * groups + rng.normal(size=40), 10 * groups + rng.normal(size=40)
    pooled = rank_agreement(scores, gains, n_resamples=100)
    inside = rank_agreement(scores, gains, groups, n_resamples=100)
    assert pooled["tau"] > 0.6
    assert abs(inside["tau"]) < 0.4
    assert inside["p"] > 0.05
    empty = rank_agreement(np.ones(5), np.arange(5.0), n_resamples=10)
    assert np.isnan(empty["tau"])
    assert empty["n"] == 0
