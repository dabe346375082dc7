from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.preprocessing import StandardScaler

from biotransfer.errors import BiotransferError
from biotransfer.signals.features import extract_features
from biotransfer.transfer.align import ALIGN, fit_alignment, fit_donors, why_no_meaning
from biotransfer.transfer.align.methods import f_statistic
from biotransfer.transfer.align.transform import fit_scaler, row_blocks
from tests.builders import make_windows

SPECS = {
    "none": "none",
    "matched": "matched",
    "top_k": {"name": "top_k", "k": 5},
    "pca": {"name": "pca", "k": 5},
    "coral": {"name": "coral", "k": 6},
    "euclidean": "euclidean",
    "riemannian": "riemannian",
    "subspace_alignment": {"name": "subspace_alignment", "k": 8, "components": 4},
    "gfk": {"name": "gfk", "k": 8, "components": 3},
    "ssa": {"name": "ssa", "k": 8, "components": 4},
    "tca": {"name": "tca", "k": 8, "components": 4, "kernel": "rbf"},
    "mida": {"name": "mida", "k": 8, "components": 4},
    "smida": {"name": "smida", "k": 8, "components": 4},
    "sstca": {"name": "sstca", "k": 8, "components": 4, "kernel": "rbf"},
    "msda": {"name": "msda", "k": 8, "layers": 2},
    "fmmd": {"name": "fmmd", "first": "top_k", "k": 8, "keep_columns": 5},
    "feature_augmentation": {"name": "feature_augmentation", "k": 6},
    "fda": {"name": "fda", "share": 0.3},
    "optimal_transport": {"name": "optimal_transport", "k": 6},
    "linear_transport": {"name": "linear_transport", "k": 6},
    "gromov_wasserstein": {"name": "gromov_wasserstein", "anchors": 60},
    "cca": {"name": "cca", "components": 4, "anchors": 60},
}
SAME_SHAPE = [name for name in ALIGN if name not in ("none", "euclidean", "riemannian")]


@pytest.fixture
def features():
    return (
        make_windows(n_features=12, modality="emg", n_classes=4, seed=1),
        make_windows(n_features=9, modality="eeg", seed=2),
    )


@pytest.fixture
def pair(request, features):
    name = request.node.callspec.params.get("name") if hasattr(request.node, "callspec") else None
    if name is None or ALIGN[name].facts["takes"] != "signals":
        return features
    if name == "fda":
        return tuple(
            make_windows(n_features=4, n_times=40, modality=modality, seed=i)
            for i, modality in enumerate(("emg", "eeg"), 1)
        )
    return (
        make_windows(n_features=6, n_times=40, modality="emg", n_classes=4, seed=1),
        make_windows(n_features=4, n_times=40, modality="eeg", seed=2),
    )


def test_every_entry_is_tested():
    assert set(SPECS) == set(ALIGN)


@pytest.mark.parametrize("name", list(ALIGN))
def test_every_entry_is_deterministic(name, pair):
    first, second = (fit_alignment(*pair, SPECS[name]) for _ in range(2))
    for side, windows in zip(("source", "target"), pair, strict=True):
        one, two = getattr(first, side).apply(windows), getattr(second, side).apply(windows)
        assert np.array_equal(one.X, two.X)
        assert one.history == two.history


@pytest.mark.parametrize("name", list(ALIGN))
def test_properties_of_every_entry(name, pair):
    source, target = pair
    before = source.X.copy(), target.X.copy()
    alignment = fit_alignment(source, target, SPECS[name])
    assert np.array_equal(source.X, before[0])
    assert np.array_equal(target.X, before[1])
    out = alignment.target.apply(target)
    assert out.X.dtype == np.float32
    assert out.X.shape[1] == len(out.names)
    one_by_one = np.concatenate([alignment.target.apply(target.take([i])).X for i in range(7)])
    np.testing.assert_allclose(one_by_one, out.X[:7], atol=1e-5)
    ours = alignment.source.apply(source)
    assert np.isfinite(ours.X).all()
    if name in SAME_SHAPE:
        assert ours.shape == out.shape
        assert len(ours.names) == len(out.names)


@pytest.mark.parametrize("name", [n for n in ALIGN if not ALIGN[n].facts["joint"]])
def test_the_source_side_does_not_see_the_targets_rows(name, pair):
    source, target = pair
    first = fit_alignment(source, target, SPECS[name]).source.apply(source).X
    other = (
        fit_alignment(source, target.take(np.arange(0, len(target), 3)), SPECS[name]).source.apply(source).X
    )
    assert np.array_equal(first, other)


@pytest.mark.parametrize("name", list(ALIGN))
def test_rows_outside_the_fit_change_nothing(name, pair):
    source, target = pair
    train = np.arange(0, len(target), 2)
    poisoned = target.X.copy()
    poisoned[1::2] = 1e6
    first = fit_alignment(source, target.take(train), SPECS[name])
    second = fit_alignment(source, replace(target, X=poisoned).take(train), SPECS[name])
    assert np.array_equal(first.target.apply_array(target.X), second.target.apply_array(target.X))


def test_scaling_equals_sklearn(pair):
    source, target = pair
    ours = fit_alignment(source, target, "none").target.apply(target).X
    np.testing.assert_allclose(ours, StandardScaler().fit_transform(target.X), atol=1e-5)


@pytest.mark.parametrize("level", [-1e6, -4.0, 1e-9, 0.3, 1e6])
@pytest.mark.parametrize("n_moved", [1, 40, 190])
def test_what_varies_by_rounding_alone_is_not_scaled_up(level, n_moved):
    """A spectrum below its filter is such a column: the same number, but for the last bit of some windows."""
    windows = make_windows(n_features=3)
    X = windows.X.astype(np.float32)
    X[:, 0] = level
    X[:n_moved, 0] = np.nextafter(np.float32(level), np.float32(np.inf))
    X[:, 1] = np.float32(level) * (1 + 1e-4 * X[:, 1])
    scaled = fit_scaler(replace(windows, X=X), "standard").apply(replace(windows, X=X)).X
    assert np.abs(scaled[:, 0]).max() < 1e-5 * max(1.0, abs(level))
    np.testing.assert_allclose(scaled[:, 1:].std(axis=0), 1, rtol=1e-2)


def test_scaling_of_signals_is_per_channel():
    windows = make_windows(n_features=4, n_times=50)
    out = fit_alignment(windows, windows, "none").target.apply(windows).X
    np.testing.assert_allclose(out.mean(axis=(0, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axis=(0, 2)), 1, atol=1e-4)


def test_top_k_equals_sklearn_in_order_of_rank(pair):
    source, target = pair
    chosen = fit_alignment(source, target, {"name": "top_k", "k": 4}).target.columns
    scores = f_classif(StandardScaler().fit_transform(target.X), target.y)[0]
    assert list(chosen) == list(np.argsort(-scores)[:4])
    assert set(chosen) == set(
        np.flatnonzero(SelectKBest(f_classif, k=4).fit(target.X, target.y).get_support())
    )


def test_f_statistic_is_sklearns():
    rng = np.random.default_rng(0)
    y = rng.choice([0, 2, 5], 3000)
    X = (rng.standard_normal((3000, 60)) + 0.1 * y[:, None] * rng.standard_normal(60)).astype(np.float32)
    assert len(list(row_blocks(X))) > 1
    np.testing.assert_allclose(f_statistic(X, y), f_classif(X.astype(np.float64), y)[0], rtol=1e-9)
    X[:, 0] = 0.1 * y
    assert f_statistic(X, y)[0] > 1e10


def test_top_k_never_takes_a_constant(pair):
    source, target = pair
    target.X[:, 0] = 5.0
    assert 0 not in fit_alignment(source, target, {"name": "top_k", "k": 8}).target.columns
    with pytest.raises(BiotransferError, match=r"k=9 but the eeg windows have 8"):
        fit_alignment(source, target, {"name": "top_k", "k": 9})


def test_whitened_pca_equals_sklearn_up_to_sign(pair):
    source, target = pair
    ours = fit_alignment(source, target, {"name": "pca", "k": 5}).target.apply(target).X
    theirs = PCA(5, whiten=True, svd_solver="full").fit_transform(StandardScaler().fit_transform(target.X))
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-4)


def test_matched_keeps_shared_names_in_the_targets_order(pair):
    source, target = pair
    out = fit_alignment(source, target, "matched")
    assert out.source.names == out.target.names == target.names


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "top_k", "k": 100}, "k=100"),
        ({"name": "pca", "k": 100}, "span"),
        ({"name": "top_k", "score": "anov"}, "Did you mean 'anova'"),
        ({"name": "top_k", "k": "5"}, "is a str"),
        ("topk", "Did you mean 'top_k'"),
    ],
)
def test_bad_requests(spec, message, pair):
    with pytest.raises(BiotransferError, match=message):
        fit_alignment(*pair, spec)


def described(channels, modality, spec="band_power", seed=0, n_times=200):
    """Features of windows whose channels have names."""
    windows = make_windows(n_features=len(channels), n_times=n_times, modality=modality, seed=seed)
    windows = replace(windows, names=tuple(channels), X=windows.X * 1e-5, sfreq=200.0)
    return extract_features(windows, spec)


BANDS = {"name": "band_power", "bands": {"slow": [2, 20], "fast": [20, 80]}}


@pytest.mark.parametrize("spec", [BANDS, "statistical", {"name": "bird2020", "lag": False}])
def test_matched_pairs_channels_of_two_modalities_by_their_order(spec):
    source, target = described(["E1", "E2", "E3"], "emg", spec), described(["Cz", "Oz"], "eeg", spec)
    out = fit_alignment(source, target, "matched", scale="none")
    place = {"E1": "0", "E2": "1", "E3": "2", "Cz": "0", "Oz": "1"}

    def by_number(windows):
        columns = (windows.columns[name] for name in windows.names)
        return ["_".join((one.stat, *(place[c] for c in one.channels))) for one in columns]

    ours, theirs = by_number(source), by_number(target)
    assert out.source.names == out.target.names == tuple(name for name in theirs if name in ours)
    assert len(out.target.names) == len(target.names)
    for side, windows, names in ((out.source, source, ours), (out.target, target, theirs)):
        np.testing.assert_array_equal(
            side.apply(windows).X, windows.X[:, [names.index(name) for name in side.names]]
        )
    assert "channels by order" in out.source.apply(source).history[-1]


def test_matched_pairs_channels_that_both_sides_have_by_name():
    spec = [BANDS, "statistical"]
    source, target = described(["Oz", "Fz", "Cz"], "eeg", spec), described(["Cz", "Pz", "Oz"], "eeg", spec)
    out = fit_alignment(source, target, "matched", scale="none")
    assert {"slow_Cz", "fast_Oz", "corr_Cz_Oz", "eigenval_2"} <= set(out.target.names)
    assert not [name for name in out.target.names if "Pz" in name or "Fz" in name]
    theirs = out.source.apply(source)
    for name, own in (("slow_Cz", "slow_Cz"), ("corr_Cz_Oz", "corr_Oz_Cz")):
        np.testing.assert_array_equal(
            theirs.X[:, theirs.names.index(name)], source.X[:, source.names.index(own)]
        )
    by_order = fit_alignment(source, target, {"name": "matched", "channels": "order"})
    assert "slow_1" in by_order.target.names


def test_matched_pools_a_statistic_over_the_channels_of_each_side():
    source, target = described(["E1", "E2", "E3"], "emg", BANDS), described(["Cz", "Oz"], "eeg", BANDS)
    out = fit_alignment(source, target, {"name": "matched", "channels": "pooled"}, scale="none")
    assert out.source.names == out.target.names == ("slow", "fast")
    for side, windows in ((out.source, source), (out.target, target)):
        expected = windows.X.reshape(len(windows), 2, -1).mean(axis=2)
        np.testing.assert_allclose(side.apply(windows).X, expected, rtol=1e-5, atol=1e-6)


def test_matched_takes_signals_by_name_unless_it_is_told_otherwise():
    source, target = (make_windows(n_features=n, n_times=30, seed=n) for n in (4, 3))
    source = replace(source, names=("b", "a", "x", "y"))
    target = replace(target, names=("a", "b", "c"))
    assert fit_alignment(source, target, "matched").source.columns.tolist() == [1, 0]
    by_order = fit_alignment(source, target, {"name": "matched", "channels": "order"})
    assert by_order.source.columns.tolist() == [0, 1, 2]
    with pytest.raises(BiotransferError, match="channels='pooled' averages statistics"):
        fit_alignment(source, target, {"name": "matched", "channels": "pooled"})
    with pytest.raises(BiotransferError, match=r"channels='nmae' is unknown. Did you mean 'name'"):
        fit_alignment(source, target, {"name": "matched", "channels": "nmae"})


def test_matched_without_common_names_says_what_would_do(pair):
    source, target = pair
    with pytest.raises(BiotransferError, match=r"features: statistical.*or align: none"):
        fit_alignment(source, replace(target, names=tuple(f"g{i}" for i in range(9))), "matched")


def test_signals_are_refused_where_features_are_needed():
    windows = make_windows(n_times=20)
    with pytest.raises(BiotransferError, match="takes features"):
        fit_alignment(windows, windows, {"name": "pca", "k": 2})


@pytest.mark.parametrize("name", ALIGN)
def test_a_mapping_has_meaning_or_says_how_columns_meet(name):
    names = ["a", "b", "c"]
    same, other = (why_no_meaning(name, names, there) for there in (names, ["d", "e", "f"]))
    assert bool(same) == (not ALIGN[name].facts["meaning"])
    assert other.startswith(name) or name == "matched"
    assert ("by rank" in same) == (name in ("top_k", "pca") or ALIGN[name].defaults.get("first") == "top_k")
    if "first" in ALIGN[name].defaults and ALIGN[name].facts["pairs"] is None:
        assert why_no_meaning({"name": name, "first": "matched"}) == ""
    assert ("column i" in ALIGN.asks(name)) == (not ALIGN[name].facts["meaning"])


@pytest.mark.parametrize("name", ALIGN)
def test_a_side_that_is_fitted_apart_does_not_look_at_the_other(name):
    """What the target keeps is the same whatever the source, or own donors go through the target's side."""
    kind = ALIGN[name].facts["takes"]
    source, target, donors = (_pair(kind, seed) for seed in (1, 2, 3))
    spec = SPECS[name]
    usual, own = fit_alignment(source, target, spec), fit_donors(donors, source, target, spec)
    np.testing.assert_array_equal(usual.target.apply(target).X, own.target.apply(target).X)
    assert name == "top_k" or own.source.apply(donors).names == usual.target.names
    if ALIGN[name].facts["apart"]:
        other = fit_alignment(donors, target, spec)
        np.testing.assert_array_equal(other.target.apply(target).X, own.target.apply(target).X)
        np.testing.assert_array_equal(other.source.apply(donors).X, own.source.apply(donors).X)


def _pair(kind, seed):
    n_times = {"n_times": 16} if kind == "signals" else {}
    return make_windows(n_features=12, seed=seed, **n_times)
