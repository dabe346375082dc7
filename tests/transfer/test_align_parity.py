"""Alignment methods beside other people's code, closed forms and planted structure."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
import sklearn
from scipy.linalg import sqrtm

from biotransfer.errors import BiotransferError
from biotransfer.transfer.align import fit_alignment
from biotransfer.transfer.align.augmented import column_discrepancies, denoiser
from biotransfer.transfer.align.components import mida_coefficients, tca_coefficients
from biotransfer.transfer.align.labelled_components import (
    label_kernel,
    smida_coefficients,
    sstca_coefficients,
)
from biotransfer.transfer.align.moments import matrix_power, window_covariances
from biotransfer.transfer.align.subspaces import flow_kernel, stationary_axes
from biotransfer.transfer.align.transport import canonical_axes, gromov_plan
from tests import ROOT
from tests.builders import make_windows


@pytest.fixture(scope="module")
def skada():
    """The library, with the switch that importing it turns turned back."""
    before = sklearn.get_config()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = pytest.importorskip("skada")
    yield library
    sklearn.set_config(enable_metadata_routing=before["enable_metadata_routing"])


@pytest.fixture
def pair():
    """Two sides of one dimension with different, correlated features."""
    rng = np.random.default_rng(5)
    sides = []
    for i, modality in enumerate(("emg", "eeg")):
        windows = make_windows(n_features=6, modality=modality, seed=i + 1)
        mixed = windows.X @ rng.normal(size=(6, 6)) + rng.normal(size=6)
        sides.append(replace(windows, X=mixed.astype(np.float32)))
    return sides


def fitted(pair, scale="none", **spec):
    source, target = pair
    alignment = fit_alignment(source, target, {"first": "none", **spec}, scale=scale)
    return alignment.source.apply(source).X.astype(float), alignment.target.apply(target).X.astype(float)


def stacked(pair):
    X = np.concatenate([w.X for w in pair]).astype(float)
    return X, np.repeat([1, -2], [len(w) for w in pair])


def test_coral_gives_the_source_the_targets_moments_and_equals_skada(pair, skada):
    ours, target = fitted(pair, name="coral", reg=0.0)
    np.testing.assert_allclose(np.cov(ours.T), np.cov(target.T), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.mean(axis=0), target.mean(axis=0), atol=1e-4)
    centered = [replace(w, X=w.X - w.X.mean(axis=0)) for w in pair]
    X, domain = stacked(centered)
    theirs = skada.CORALAdapter(reg=None).fit_transform(X, sample_domain=domain)[domain > 0]
    mine, _ = fitted(centered, name="coral", reg=0.0)
    np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_subspace_alignment_equals_skada_up_to_sign(pair, skada):
    X, domain = stacked(pair)
    theirs = skada.SubspaceAlignmentAdapter(n_components=3).fit_transform(X, sample_domain=domain)
    ours = fitted(pair, name="subspace_alignment", components=3)
    sign = np.sign(np.sum(ours[1] * theirs[domain < 0], axis=0))
    np.testing.assert_allclose(ours[1] * sign, theirs[domain < 0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(ours[0] * sign, theirs[domain > 0], rtol=1e-3, atol=1e-3)


def test_the_flow_kernel_is_the_integral_along_the_geodesic():
    rng = np.random.default_rng(0)
    P_s, P_t = (np.linalg.qr(rng.normal(size=(9, 3)))[0] for _ in range(2))
    U, cosine, Vt = np.linalg.svd(P_s.T @ P_t)
    angle = np.arccos(cosine)
    other = (P_t @ Vt.T - P_s @ U * cosine) / np.sin(angle)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    expected = np.zeros((9, 9))
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        flow = P_s @ U * np.cos(angle * node) + other * np.sin(angle * node)
        expected += weight * flow @ flow.T
    np.testing.assert_allclose(flow_kernel(P_s, P_t), expected, atol=1e-12)
    np.testing.assert_allclose(flow_kernel(P_s, P_s), P_s @ P_s.T, atol=1e-12)


def test_inner_products_of_gfk_inputs_are_the_flow_kernels(pair):
    ours, theirs = fitted(pair, name="gfk", components=2)
    (source, target), axes = pair, []
    for windows in pair:
        _, _, Vt = np.linalg.svd(windows.X.astype(float) - windows.X.mean(axis=0), full_matrices=False)
        axes.append(Vt[:2].T)
    G = flow_kernel(*axes)
    expected = (source.X - source.X.mean(axis=0)) @ G @ (target.X - target.X.mean(axis=0)).T
    np.testing.assert_allclose(ours @ theirs.T, expected, rtol=1e-3, atol=1e-3)


def test_stationary_axes_find_the_planted_subspace():
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(5, 5))
    groups = []
    for _ in range(8):
        moving = rng.normal(size=(4000, 2)) * rng.uniform(0.3, 3, 2) + rng.normal(size=2) * 2
        groups.append(np.concatenate([rng.normal(size=(4000, 3)), moving], axis=1) @ mixing)
    found = stationary_axes(groups, 3)
    true = np.linalg.inv(mixing)[:, :3]
    overlap = np.linalg.svd(np.linalg.qr(found)[0].T @ np.linalg.qr(true)[0], compute_uv=False)
    assert overlap.min() > 0.99
    spread = [np.stack([(g @ found).mean(axis=0) for g in groups]).std(axis=0).max() for groups in (groups,)]
    assert spread[0] < 0.1


def kernel(n=14, seed=1):
    rows = np.random.default_rng(seed).normal(size=(n, 4))
    return rows @ rows.T / n


def test_transfer_components_solve_the_papers_problem():
    K, n_source, mu = kernel(), 6, 3.0
    n = len(K)
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i < n_source and j < n_source:
                L[i, j] = 1 / n_source**2
            elif i >= n_source and j >= n_source:
                L[i, j] = 1 / (n - n_source) ** 2
            else:
                L[i, j] = -1 / (n_source * (n - n_source))
    H = np.eye(n) - np.ones((n, n)) / n
    A, B = np.eye(n) + mu * K @ L @ K, K @ H @ K
    W = tca_coefficients(K, n_source, 3, mu)
    values = np.sort(np.linalg.eigvals(np.linalg.solve(A, B)).real)[::-1][:3]
    np.testing.assert_allclose(np.linalg.solve(A, B) @ W, W * values, atol=1e-10)
    np.testing.assert_allclose(W.T @ A @ W, np.eye(3), atol=1e-10)


def test_mida_solves_the_papers_problem():
    K, mu = kernel(), 0.5
    n = len(K)
    D = np.eye(3)[np.arange(n) % 3]
    H = np.eye(n) - np.ones((n, n)) / n
    matrix = -K @ H @ (D @ D.T) @ H @ K + mu * K @ H @ K
    W = mida_coefficients(K, D, 3, mu)
    np.testing.assert_allclose(matrix @ W, W * np.sort(np.linalg.eigvalsh(matrix))[::-1][:3], atol=1e-12)
    np.testing.assert_allclose(W.T @ W, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("name", ["tca", "mida", "ssa"])
def test_sides_that_lie_apart_come_together(name, pair):
    far = [pair[0], replace(pair[1], X=pair[1].X + np.float32(30.0))]

    def apart(sides):
        pooled = np.sqrt(np.mean([s.var(axis=0) for s in sides], axis=0))
        return np.abs((sides[0].mean(axis=0) - sides[1].mean(axis=0)) / pooled).max()

    spec = {"tca": {"mu": 1e4}, "mida": {"mu": 0.01}, "ssa": {}}[name]
    ours = fitted(far, name=name, components=2, **spec)
    assert apart(ours) < 0.35 < apart([w.X.astype(float) for w in far])


@pytest.mark.parametrize("reg", [0.0, 0.05])
def test_optimal_transport_equals_pot_inside_and_outside_the_fit(pair, reg):
    import ot

    source, target = pair
    train = np.arange(0, len(source), 2)
    spec = {"name": "optimal_transport", "reg": reg, "first": "none"}
    ours = fit_alignment(source.take(train), target, spec, scale="none").source.apply_array(source.X)
    Xs, Xt = source.X[train].astype(float), target.X.astype(float)
    options = {"norm": "max", "tol": 1e-9, "max_iter": 5000, "out_of_sample_map": "ferradans"}
    theirs = ot.da.EMDTransport() if reg == 0 else ot.da.SinkhornTransport(reg_e=reg, **options)
    theirs.fit(Xs=Xs, Xt=Xt)
    np.testing.assert_allclose(ours[train], theirs.transform(Xs=Xs), rtol=1e-3, atol=1e-3)
    new = source.X[1::2].astype(float)
    np.testing.assert_allclose(ours[1::2], theirs.transform(Xs=new), rtol=1e-3, atol=1e-3)


def test_a_plan_that_did_not_converge_is_refused(pair):
    with pytest.raises(BiotransferError, match="misses the target's weights"):
        fitted(pair, name="optimal_transport", reg=1e-6, anchors=40)


def test_linear_transport_is_the_monge_map_between_gaussians(pair):
    ours, _ = fitted(pair, name="linear_transport", reg=1e-8)
    Xs, Xt = (w.X.astype(float) for w in pair)
    S, T = (np.cov(X.T, bias=True) for X in (Xs, Xt))
    root = np.real(sqrtm(S))
    inverse = np.linalg.inv(root)
    A = inverse @ np.real(sqrtm(root @ T @ root)) @ inverse
    np.testing.assert_allclose(ours, (Xs - Xs.mean(axis=0)) @ A + Xt.mean(axis=0), rtol=1e-3, atol=1e-3)


def test_gromov_wasserstein_finds_an_isometry_across_dimensions():
    rng = np.random.default_rng(2)
    centers = np.array([[0, 0, 0], [9, 0, 0], [0, 5, 0], [0, 0, 2.5]])
    A = centers[np.repeat(np.arange(4), [12, 9, 15, 7])] + 0.3 * rng.normal(size=(43, 3))
    turn = np.linalg.qr(rng.normal(size=(7, 3)))[0]
    order = rng.permutation(43)
    plan = gromov_plan(A, (A @ turn.T)[order], 0.0)
    np.testing.assert_allclose(plan.sum(axis=1), 1 / 43, atol=1e-9)
    assert np.mean(order[plan.argmax(axis=1)] == np.arange(43)) > 0.95


def test_gromov_wasserstein_carries_unseen_windows_into_the_targets_space():
    rng = np.random.default_rng(4)
    source = make_windows(n_features=3, modality="emg", seed=1)
    centers = np.array([[0, 0, 0], [9, 0, 0], [0, 5, 0]])
    X = centers[source.y] + 0.3 * rng.normal(size=source.X.shape)
    X[source.y == 0, 2] *= 4
    turn = np.linalg.qr(rng.normal(size=(7, 3)))[0]
    source = replace(source, X=X.astype(np.float32))
    target = make_windows(n_features=7, seed=2)
    target = replace(target, X=(X @ turn.T)[rng.permutation(len(X))].astype(np.float32))
    train = np.arange(0, len(source), 2)
    spec = {"name": "gromov_wasserstein", "anchors": 96, "ridge": 1e-3}
    alignment = fit_alignment(source.take(train), target, spec, scale="none")
    unseen = source.X[1::2]
    error = np.linalg.norm(alignment.source.apply_array(unseen) - unseen @ turn.T, axis=1)
    assert np.median(error) < 0.25 * np.linalg.norm(X - X.mean(axis=0), axis=1).mean()
    assert alignment.source.names == target.names


def test_canonical_axes_of_known_pairs_equal_sklearn():
    from sklearn.cross_decomposition import CCA

    rng = np.random.default_rng(6)
    shared = rng.normal(size=(200, 2))
    A = np.concatenate([shared, rng.normal(size=(200, 3))], axis=1) @ rng.normal(size=(5, 5))
    B = np.concatenate([shared + rng.normal(size=(200, 2)), rng.normal(size=(200, 2))], axis=1)
    W_a, W_b = canonical_axes(A, B, np.eye(200) / 200, 0.0)
    ours = [np.corrcoef(A @ W_a[:, i], B @ W_b[:, i])[0, 1] for i in range(2)]
    U, V = CCA(2, max_iter=5000, tol=1e-12).fit_transform(A, B)
    np.testing.assert_allclose(ours, [np.corrcoef(U[:, i], V[:, i])[0, 1] for i in range(2)], atol=1e-5)


@pytest.mark.parametrize("name", ["euclidean", "riemannian"])
def test_recentering_brings_the_mean_covariance_to_the_identity(name):
    from pyriemann.geometry.mean import gmean

    windows = make_windows(n_features=4, n_times=60, seed=3)
    mixed = np.einsum("nct,cd->ndt", windows.X, np.random.default_rng(1).normal(size=(4, 4)))
    windows = replace(windows, X=mixed.astype(np.float32))
    out = fit_alignment(windows, windows, name).target.apply(windows).X
    kind = {"euclidean": "euclid", "riemannian": "riemann"}[name]
    np.testing.assert_allclose(gmean(window_covariances(out), metric=kind), np.eye(4), atol=1e-3)


def test_powers_of_a_matrix():
    rows = np.random.default_rng(0).normal(size=(9, 4))
    matrix = rows.T @ rows
    np.testing.assert_allclose(matrix_power(matrix, 0.5), np.real(sqrtm(matrix)), atol=1e-10)
    np.testing.assert_allclose(matrix_power(matrix, -1.0), np.linalg.inv(matrix), atol=1e-10)


def test_one_map_after_another_equals_both_in_turn(pair):
    source, target = pair
    spec = {"name": "coral", "first": "pca", "k": 4}
    alignment = fit_alignment(source, target, spec)
    from biotransfer.transfer.align.methods import pca
    from biotransfer.transfer.align.moments import coral
    from biotransfer.transfer.align.transform import fit_scaler

    scalers = [fit_scaler(w, "standard") for w in pair]
    scaled = [scaler.apply(w) for scaler, w in zip(scalers, pair, strict=True)]
    projected = [m.apply(w) for m, w in zip(pca(*scaled, k=4), scaled, strict=True)]
    last = [m.apply(w).X for m, w in zip(coral(*projected, first="none"), projected, strict=True)]
    np.testing.assert_allclose(alignment.source.apply(source).X, last[0], atol=1e-4)
    np.testing.assert_allclose(alignment.target.apply(target).X, last[1], atol=1e-4)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "coral", "first": "none"}, "12 features"),
        ({"name": "coral", "first": "topk"}, "Did you mean 'top_k'"),
        ({"name": "gfk", "k": 8, "components": 5}, "at most half"),
        ({"name": "tca", "k": 5, "components": 6}, "components=6"),
        ({"name": "tca", "kernel": "rbff", "k": 8}, "Did you mean 'rbf'"),
        ({"name": "mida", "k": 5, "components": 2, "mu": 0.0}, "mu=0.0"),
        ({"name": "cca", "components": 10}, "components=10"),
        ({"name": "linear_transport", "reg": 0.0}, "reg=0.0"),
        ("euclidean", "takes signals"),
    ],
)
def test_bad_requests_say_what_would_do(spec, message):
    sides = make_windows(n_features=12, modality="emg", seed=1), make_windows(n_features=9, seed=2)
    with pytest.raises(BiotransferError, match=message):
        fit_alignment(*sides, spec)


ADAPT = json.loads((ROOT / "tests/data/adapt_0_4_5.json").read_text(encoding="utf-8"))


def test_feature_augmentation_is_that_of_adapt():
    sides = [make_windows(n_features=3, n_subjects=2, seed=i) for i in (1, 2)]
    sides = [replace(w.take(np.arange(2)), X=np.array(ADAPT[name])[:2].astype(np.float32))
             for w, name in zip(sides, ("Xs", "Xt"), strict=True)]  # fmt: skip
    found = fit_alignment(*sides, {"name": "feature_augmentation", "first": "none"}, scale="none")
    for mapping, windows, theirs in zip((found.source, found.target), sides, ADAPT["fa"], strict=True):
        np.testing.assert_allclose(mapping.apply(windows).X, theirs, atol=1e-6)


def test_columns_that_differ_are_those_of_adapts_linear_fmmd():
    found = column_discrepancies(np.array(ADAPT["Xs"]), np.array(ADAPT["Xt"]), "linear")
    np.testing.assert_allclose(found / np.linalg.norm(found), ADAPT["fmmd_linear"], atol=0.01)


def test_the_denoiser_is_the_mean_over_many_corruptions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    W, n = denoiser(X, 0.4), 4000
    wide = np.concatenate([X, np.ones((60, 1))], axis=1)
    P, Q = np.zeros((4, 5)), np.zeros((5, 5))
    for _ in range(n):
        seen = wide * np.append(rng.random((60, 4)) >= 0.4, np.ones((60, 1)), axis=1)
        P += X.T @ seen / n
        Q += seen.T @ seen / n
    np.testing.assert_allclose(W, P @ np.linalg.inv(Q), atol=0.02)


def test_semi_supervised_components_without_labels_are_the_unsupervised_ones():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(30, 5))
    K = A @ A.T / 30
    D = np.repeat(np.eye(2), 15, axis=0)
    nothing = np.zeros((30, 30))
    np.testing.assert_allclose(
        np.abs(smida_coefficients(K, D, nothing, 2, 1.0, 1.0)),
        np.abs(mida_coefficients(K, D, 2, 1.0)),
        atol=1e-6,
    )
    ours = sstca_coefficients(K, 15, nothing, 2, 1.0, 0.0, 0.0)
    np.testing.assert_allclose(np.abs(K @ ours), np.abs(K @ tca_coefficients(K, 15, 2, 1.0)), atol=1e-6)


def test_labels_make_components_that_tell_the_classes_apart():
    """The classes differ in one column, the variance lies in the others."""
    rng = np.random.default_rng(2)
    y = np.tile([0, 1], 40)
    X = rng.normal(size=(80, 6)) * np.array([0.4, 0.8, 0.8, 0.8, 0.8, 0.8])
    X[:, 0] += y
    K, D = X @ X.T / 80, np.repeat(np.eye(2), 40, axis=0)
    Ky = label_kernel(y[:40], y[40:], 40)
    assert Ky[0, 2] == 1
    assert Ky[0, 1] == Ky[0, 41] == 0
    for W in (smida_coefficients(K, D, Ky, 1, 1e-6, 1.0), sstca_coefficients(K, 40, Ky, 1, 1.0, 1.0, 0.0)):
        z = (K @ W)[:40, 0]
        blind = (K @ mida_coefficients(K, D, 1, 1.0))[:40, 0]
        assert abs(np.corrcoef(z, y[:40])[0, 1]) > abs(np.corrcoef(blind, y[:40])[0, 1]) + 0.2


def test_low_frequencies_take_the_targets_amplitudes_and_keep_their_phases():
    source, target = (make_windows(n_features=2, n_times=40, n_subjects=2, seed=i) for i in (1, 2))
    mapping = fit_alignment(source, target, {"name": "fda", "share": 0.2}, scale="none").source
    before, after = (np.fft.rfft(X, axis=2) for X in (source.X, mapping.apply(source).X))
    wanted = np.abs(np.fft.rfft(target.X, axis=2))[:, :, 1:5].mean(axis=0)
    np.testing.assert_allclose(
        np.abs(after[:, :, 1:5]), np.broadcast_to(wanted, (len(source), 2, 4)), rtol=1e-3
    )
    np.testing.assert_allclose(after[:, :, 5:], before[:, :, 5:], atol=1e-3)
    turned = after[:, :, 1:5] / before[:, :, 1:5]
    np.testing.assert_allclose(turned.imag / np.abs(turned), 0, atol=1e-3)
