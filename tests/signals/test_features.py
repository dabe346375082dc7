import dataclasses
import itertools
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import scipy.signal
import scipy.stats

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import from_arrays, load_dataset, read_muse_csv
from biotransfer.signals.features import FEATURES, extract_features, primitives
from biotransfer.signals.features.bird2020 import bird2020
from biotransfer.signals.features.classic import band_power, time_domain
from biotransfer.signals.features.singles import SINGLES
from biotransfer.signals.features.statistical import statistical
from biotransfer.signals.recording import Recording
from biotransfer.signals.simulate import simulate_pair
from biotransfer.signals.windows import Windows, cut_windows
from biotransfer.signals.windows.disk import WindowsWriter
from tests.builders import make_windows
from tests.reference import bird2020_reference as script

GOLDEN_MUSE = [
    "subjecta-concentrating-2",
    "subjectb-relaxed-2",
    "subjectc-neutral-2",
    "subjectd-concentrating-2",
]
EXACT_CUT: dict[str, Any] = {
    "length": 1.0,
    "step": 0.5,
    "by": "timestamps",
    "n_times": 150,
    "dtype": "float64",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "bird2020": {"lag": False},
    "asymmetry": {"pairs": [["f0", "f1"], ["f2", "f3"]]},
}
SPECS: list[dict[str, Any]] = [
    *({"name": name, **OPTIONS.get(name, {})} for name in FEATURES),
    {"name": "statistical", "spectrum": "relative", "resolution": 2.0, "fmax": 60.0, "mains": 50.0},
]
"""Every set of the catalog, each row from its own window."""
LAGGED = [{"name": name} for name, entry in FEATURES.items() if entry.facts["lag"]]


def fitting(spec: dict[str, Any], windows: Windows) -> dict[str, Any]:
    """Return a set for windows whose channels have other names."""
    a, b, c, d = windows.names[:4]
    return {**spec, "pairs": [[a, b], [c, d]]} if spec["name"] == "asymmetry" else spec


def spec_id(spec: dict) -> str:
    return "-".join(str(v) for v in spec.values())


def signals(
    n: int = 12,
    n_chans: int = 4,
    n_times: int = 150,
    sfreq: float = 150.0,
    seed: int = 0,
    modality: str = "eeg",
) -> Windows:
    """Half-overlapping windows of random walks plus noise, tens of microvolt with offsets, float64, in V."""
    rng = np.random.default_rng(seed)
    base = make_windows(
        n_subjects=1, n_classes=1, n_recordings=1, n_windows=n, n_features=n_chans, n_times=n_times
    )
    noise = rng.normal(size=(n, n_chans, n_times))
    mixing = rng.normal(size=(n_chans, n_chans))
    walk = np.einsum("cd,ndt->nct", mixing, noise.cumsum(-1) + 3 * rng.normal(size=noise.shape))
    X = (5 * walk + rng.normal(0, 100, (1, n_chans, 1))) * 1e-6
    return dataclasses.replace(base, X=X, sfreq=sfreq, modality=modality)


@pytest.fixture(scope="module")
def simulated() -> dict[str, Windows]:
    eeg, emg = simulate_pair(n_subjects=1, seed=0)
    return {"eeg": cut_windows(eeg, dtype="float64"), "emg": cut_windows(emg, dtype="float64")}


def assert_parity(ours: np.ndarray, theirs: np.ndarray, names: list[str]) -> None:
    difference = np.abs(ours - theirs)
    wrong = ~((difference <= 1e-9 * np.abs(theirs)) | (difference <= 1e-12))
    assert not wrong.any(), [names[i] for i in np.flatnonzero(wrong.any(axis=0))]


# bird2020


def golden_recording(name: str, golden, real_data) -> Recording:
    if name == "emg_8ch":
        table = np.loadtxt(golden / "emg_8ch_input.csv", delimiter=",", skiprows=1)
        raw = mne.io.RawArray(table[:, 1:].T * 1e-6, mne.create_info(8, 200.0, "emg"), verbose="error")
        raw.set_annotations(mne.Annotations(0, raw.n_times / 200, "all"))
        return Recording(raw, "emg", "golden", "1", ("all",), timestamps=table[:, 0])
    recording = read_muse_csv(real_data / "muse-mental-state" / f"{name}.csv")
    return dataclasses.replace(recording, classes=(name.split("-")[1],))


@pytest.mark.parametrize("name", [*GOLDEN_MUSE, "emg_8ch"])
def test_bird2020_reproduces_the_published_script(name: str, golden, real_data) -> None:
    table = pd.read_csv(golden / f"bird_features_{name}.csv.gz")
    recording = golden_recording(name, golden, real_data)
    windows = cut_windows(recording, **EXACT_CUT)
    features = extract_features(windows, "bird2020", dtype="float64")
    assert list(features.names) == list(table.columns)
    assert features.X.shape == table.shape
    assert_parity(features.X, table.to_numpy(), list(table.columns))


@pytest.mark.parametrize("name", [*GOLDEN_MUSE[1:], "emg_8ch"])
def test_the_slow_oracle_is_the_published_script(name: str, golden, real_data) -> None:
    table = pd.read_csv(golden / f"bird_features_{name}.csv.gz")
    recording = golden_recording(name, golden, real_data)
    microvolts = recording.raw.get_data().T / 1e-6
    rows, names = script.bird2020(recording.timestamps, microvolts)
    assert names == list(table.columns)
    kept = [i for i, column in enumerate(names) if "eigenval" not in column]
    assert_parity(rows[:, kept], table.to_numpy()[:, kept], [names[i] for i in kept])


@pytest.mark.parametrize(("n_chans", "n_times"), [(2, 150), (3, 150), (4, 256), (8, 201)])
def test_bird2020_equals_the_oracle_window_by_window(n_chans: int, n_times: int) -> None:
    windows = signals(6, n_chans, n_times)
    features = bird2020(windows, lag=False)
    for window, row in zip(windows.X, features.X, strict=True):
        sampled = scipy.signal.resample(window.T * 1e6, 150, axis=0)
        expected = script.describe(sampled)
        assert list(features.names) == list(expected)
        got = dict(zip(features.names, row, strict=True))
        eigen = [name for name in expected if name.startswith("eigenval")]
        assert_parity(
            np.sort([[got.pop(name) for name in eigen]]),
            np.sort([[expected.pop(name) for name in eigen]]),
            eigen,
        )
        assert_parity(np.array([list(got.values())]), np.array([list(expected.values())]), list(expected))


def test_bird2020_eigenvalues_are_in_the_order_of_eigvals() -> None:
    windows = signals(400, 4)
    features = bird2020(windows, lag=False)
    columns = [i for i, name in enumerate(features.names) if name.startswith("eigenval")]
    expected = np.stack([np.linalg.eigvals(np.cov(window * 1e6)) for window in windows.X])
    same = np.isclose(features.X[:, columns], expected, rtol=1e-9).all(axis=1)
    assert same.mean() > 0.99
    assert (np.diff(expected, axis=1) > 0).any(axis=1).mean() > 0.05, "eigvals sorted everything: no test"


def test_bird2020_eigenvalue_order_does_not_depend_on_the_unit() -> None:
    windows = signals(3000, 8, seed=3)
    other = dataclasses.replace(windows, X=windows.X * 1e-3)
    columns = [
        i
        for i, name in enumerate(bird2020(windows.take(np.arange(2)), lag=False).names)
        if "eigenval" in name
    ]
    ours = bird2020(windows, lag=False).X[:, columns]
    again = bird2020(other, lag=False, scale=1e9).X[:, columns]
    naive = [
        np.linalg.eigvals(np.stack([np.cov(x) for x in X])) for X in (windows.X * 1e6, windows.X * 1e-3 * 1e9)
    ]
    assert not np.isclose(naive[0], naive[1], rtol=1e-6).all(), "the plain order is stable here: no test"
    np.testing.assert_allclose(ours, again, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:logm result may be inaccurate")
def test_bird2020_log_covariance_of_nearly_dependent_channels() -> None:
    windows = signals(5, 3)
    X = windows.X.copy()
    X[:, 2] = X[:, 0] + 1e-3 * signals(5, 3, seed=9).X[:, 1]
    nearly = dataclasses.replace(windows, X=X)
    features = bird2020(nearly, lag=False)
    got = pd.DataFrame(features.X, columns=list(features.names))
    for i, window in enumerate(X):
        C = np.cov(window * 1e6)
        assert 1e6 < np.linalg.cond(C) < 1e10
        expected = np.abs(scipy.linalg.logm(C))
        assert got.loc[i, "logcovM_0_2"] == pytest.approx(expected[0, 2], rel=1e-5)
    X[:, 2] = X[:, 0]
    assert np.isfinite(
        extract_features(dataclasses.replace(windows, X=X), {"name": "bird2020", "lag": False}).X
    ).all()


@pytest.mark.parametrize("error", [ValueError, np.linalg.LinAlgError])
def test_bird2020_names_windows_whose_logarithm_does_not_exist(error, monkeypatch) -> None:
    """For one singular matrix scipy gives a logarithm on one processor, and raises on another."""
    windows = signals(5, 3)
    X = windows.X.copy()
    X[3, 2] = X[3, 0]

    def fail(C):
        raise error("array must not contain infs or NaNs")

    monkeypatch.setattr(scipy.linalg, "logm", fail)
    with pytest.raises(BiotransferError, match=r"nan in 1 of 5 windows .* 6 columns.*'logcovM_0_0'"):
        extract_features(dataclasses.replace(windows, X=X), {"name": "bird2020", "lag": False})


def test_bird2020_row_is_the_window_before_and_this_one() -> None:
    windows = signals(6)
    alone = bird2020(windows, lag=False)
    rows = bird2020(windows)
    assert len(rows) == 5
    n = len(alone.names)
    np.testing.assert_array_equal(rows.X[:, -n:], alone.X[1:])
    lagged = [name.removeprefix("lag1_") for name in rows.names[:-n]]
    assert all(name.startswith("lag1_") for name in rows.names[:-n])
    assert len(lagged) == n - 9 * 4
    position = {name: i for i, name in enumerate(alone.names)}
    np.testing.assert_array_equal(rows.X[:, :-n], alone.X[:-1][:, [position[name] for name in lagged]])
    assert list(rows.metadata["uid"]) == list(windows.metadata["uid"][1:])
    assert list(rows.metadata["start"]) == list(windows.metadata["start"][:-1])
    assert list(rows.metadata["stop"]) == list(windows.metadata["stop"][1:])


@pytest.mark.parametrize("column", ["recording", "source_file", "label", "gap"])
def test_bird2020_lag_stays_inside_a_stretch(column: str) -> None:
    windows = signals(8)
    table, y = windows.metadata.copy(), windows.y.copy()
    if column == "gap":
        table.loc[4:, ["start", "stop"]] += 0.5
    elif column == "label":
        y[4:] = 1
    else:
        table.loc[4:, column] = "another"
    rows = bird2020(dataclasses.replace(windows, metadata=table, y=y, classes=("a", "b")))
    assert list(rows.metadata["uid"]) == list(table["uid"].drop([0, 4]))


def test_bird2020_lag_does_not_depend_on_the_order_of_windows() -> None:
    windows = signals(300)
    order = np.random.default_rng(1).permutation(300)
    straight, mixed = bird2020(windows), bird2020(windows.take(order))
    back = pd.Index(mixed.metadata["uid"]).get_indexer(straight.metadata["uid"])
    np.testing.assert_array_equal(mixed.X[back], straight.X)
    pd.testing.assert_frame_equal(mixed.metadata.iloc[back].reset_index(drop=True), straight.metadata)
    assert list(mixed.y[back]) == list(straight.y)


def test_bird2020_refuses_what_it_cannot_describe() -> None:
    windows = signals(6)
    apart = windows.take(np.array([0, 2, 4]))
    with pytest.raises(
        BiotransferError, match=r"lag=True needs windows that overlap .* these 3 .*lag: false"
    ):
        bird2020(apart)
    y = np.array([0, 0, 0, 0, 0, 1])
    with pytest.raises(BiotransferError, match="lag=True leaves no row of b"):
        bird2020(dataclasses.replace(windows, y=y, classes=("a", "b")))
    one = dataclasses.replace(windows, X=windows.X[:, :1], names=windows.names[:1])
    with pytest.raises(BiotransferError, match="got 1 channel"):
        bird2020(one)


@pytest.mark.parametrize(("n_chans", "width", "narrow"), [(4, 988, 512), (8, 2040, 1056)])
def test_bird2020_has_the_published_width(n_chans: int, width: int, narrow: int) -> None:
    windows = signals(3, n_chans)
    assert bird2020(windows).X.shape == (2, width)
    assert bird2020(windows, lag=False).X.shape == (3, narrow)


# every feature set


@pytest.mark.parametrize("spec", SPECS, ids=spec_id)
def test_batch_equals_one_window_at_a_time(spec: dict) -> None:
    windows = signals(primitives.CHUNK + 20)
    features = extract_features(windows, spec, dtype="float64")
    assert features.X.shape == (len(windows), len(features.names))
    for i in (0, 7, primitives.CHUNK - 1, primitives.CHUNK, len(windows) - 1):
        alone = extract_features(windows.take(np.array([i])), spec, dtype="float64")
        assert alone.names == features.names
        np.testing.assert_allclose(alone.X[0], features.X[i], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("spec", SPECS, ids=spec_id)
def test_permuted_windows_give_permuted_rows(spec: dict) -> None:
    windows = signals(40)
    order = np.random.default_rng(0).permutation(40)
    straight, mixed = (extract_features(w, spec, dtype="float64") for w in (windows, windows.take(order)))
    np.testing.assert_allclose(mixed.X, straight.X[order], rtol=1e-9, atol=1e-12)
    assert list(mixed.metadata["uid"]) == list(straight.metadata["uid"][order])


@pytest.mark.parametrize("spec", [*SPECS, *LAGGED], ids=spec_id)
def test_input_is_not_mutated(spec: dict) -> None:
    windows = signals(5)
    before, table = windows.X.copy(), windows.metadata.copy()
    windows.X.flags.writeable = False
    features = extract_features(windows, spec)
    np.testing.assert_array_equal(windows.X, before)
    pd.testing.assert_frame_equal(windows.metadata, table)
    assert windows.history == () or windows.history == features.history[:-1]


@pytest.mark.parametrize("spec", SPECS, ids=spec_id)
def test_single_precision_signals_give_nearly_the_same(spec: dict) -> None:
    windows = signals(60, seed=5)
    single = dataclasses.replace(windows, X=windows.X.astype(np.float32))
    double, float_ = (extract_features(w, spec, dtype="float64") for w in (windows, single))
    stable = [i for i, name in enumerate(double.names) if not name.startswith(("topFreq", "eigenval"))]
    scale = double.X[:, stable].std(axis=0)
    assert (np.abs(double.X[:, stable] - float_.X[:, stable]).max(axis=0) < 1e-3 * scale + 1e-6).all()


@pytest.mark.parametrize("spec", [*SPECS, *LAGGED], ids=spec_id)
@pytest.mark.parametrize("modality", ["eeg", "emg"])
def test_simulated_windows_have_finite_uniquely_named_features(spec: dict, modality: str, simulated) -> None:
    features = extract_features(simulated[modality], fitting(spec, simulated[modality]))
    assert features.X.dtype == np.float32
    assert np.isfinite(features.X).all()
    assert len(set(features.names)) == len(features.names) == features.X.shape[1]
    assert features.sfreq is None
    assert features.history[-1].startswith(f"features {spec['name']}")
    assert (features.X.std(axis=0) > 0).all(), "a constant column says nothing"


@pytest.mark.parametrize("name", FEATURES)
def test_real_windows_have_finite_features(name: str, real_data) -> None:
    muse = load_dataset("muse-mental-state", data_dir=real_data, subjects=["d"], download=False)
    myo = load_dataset("one-subject-myo", data_dir=real_data, download=False)
    for recordings in (muse, myo):
        windows = cut_windows(recordings, dtype="float64")
        features = extract_features(windows, fitting({"name": name}, windows))
        assert np.isfinite(features.X).all()
        assert (features.X.std(axis=0) > 0).all()


@pytest.mark.parametrize("level", [0.0, 812.0537, 1e5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spec", SPECS, ids=spec_id)
def test_a_channel_that_stands_still(spec: dict, level: float, dtype: type) -> None:
    windows = signals(6)
    X: np.ndarray = windows.X.astype(dtype)
    X[4, 2] = level * 1e-6
    still = dataclasses.replace(windows, X=X)
    if spec["name"] == "bird2020":
        with pytest.raises(BiotransferError, match=r"nan in 1 of 6 windows .* 2\.00 s of 'set/.*'skew_2'"):
            extract_features(still, spec)
    else:
        features = extract_features(still, spec)
        others = extract_features(windows, spec)
        assert np.isfinite(features.X).all()
        assert np.abs(features.X).max() <= max(np.abs(others.X).max() * 1.01, level * 1.01, 60)


@pytest.mark.parametrize("spec", SPECS, ids=spec_id)
def test_all_channels_stand_still(spec: dict) -> None:
    windows = signals(3)
    still = dataclasses.replace(windows, X=np.zeros_like(windows.X))
    if spec["name"] == "bird2020":
        with pytest.raises(BiotransferError, match="stands still"):
            extract_features(still, spec)
    else:
        assert np.isfinite(extract_features(still, spec).X).all()


def test_unusable_requests_are_refused() -> None:
    windows = signals(4)
    with pytest.raises(BiotransferError, match="Did you mean 'statistical'"):
        extract_features(windows, "statisticl")
    with pytest.raises(BiotransferError, match="no parameter 'lagg'"):
        extract_features(windows, {"name": "bird2020", "lagg": True})
    with pytest.raises(BiotransferError, match="dtype='float16' is unknown"):
        extract_features(windows, "statistical", dtype="float16")
    with pytest.raises(BiotransferError, match="features already"):
        extract_features(extract_features(windows, "band_power"), "statistical")
    with pytest.raises(BiotransferError, match="got no windows"):
        extract_features(windows.take(np.arange(0)), "statistical")
    broken = windows.X.copy()
    broken[2, 1, 30:40] = np.nan
    with pytest.raises(BiotransferError, match=r"10 samples .* channel 'f1' of window '.*@1.0000'"):
        extract_features(dataclasses.replace(windows, X=broken), "statistical")


def test_a_value_beyond_single_precision_is_refused() -> None:
    windows = signals(4)
    huge = dataclasses.replace(windows, X=windows.X * 1e20)
    assert np.isfinite(extract_features(huge, {"name": "bird2020", "lag": False}, dtype="float64").X).all()
    with pytest.raises(BiotransferError, match=r"gives -?inf in 4 of 4 windows"):
        extract_features(huge, {"name": "bird2020", "lag": False})


@pytest.mark.parametrize("spec", [*SPECS, *LAGGED], ids=spec_id)
def test_a_column_says_its_statistic_its_channels_and_its_unit(spec: dict, tmp_path) -> None:
    windows = signals(6)
    features = extract_features(windows, spec)
    assert set(features.columns) == set(features.names)
    published = spec["name"] == "bird2020"
    for name, unit in zip(features.names, features.units, strict=True):
        column = features.columns[name]
        assert set(column.channels) <= set(windows.names)
        assert (column.name == name) is (not published or not column.channels)
        assert (unit == "") is published
    writer = WindowsWriter(tmp_path)
    for part in (features.take(np.arange(2)), features.take(np.arange(2, len(features)))):
        writer.append(part)
    assert writer.close().columns == features.columns


def test_one_statistic_has_one_unit_in_every_set_and_modality(simulated) -> None:
    units: dict[str, set[str]] = {}
    for windows in simulated.values():
        few = windows.take(np.arange(2))
        singles = [name for name in SINGLES if name != "DFTR" or windows.modality == "emg"]
        specs = [{"name": name} for name in FEATURES if name != "bird2020"]
        for spec in [*specs, {"name": "emg_family", "which": singles}]:
            for column in extract_features(few, fitting(spec, few)).columns.values():
                units.setdefault(column.stat, set()).add(column.unit)
    assert len(units) > 300
    assert {stat: found for stat, found in units.items() if len(found) > 1} == {}


# several sets side by side


COMBINED: list[Any] = [
    "band_power",
    {"name": "time_domain", "threshold": 1.0},
    {"name": "emg_family", "which": ["AR"]},
]


def test_sets_stand_side_by_side_in_their_order() -> None:
    windows = signals(primitives.CHUNK * 5)
    features = extract_features(windows, COMBINED, dtype="float64")
    alone = [extract_features(windows, spec, dtype="float64") for spec in COMBINED]
    np.testing.assert_array_equal(features.X, np.concatenate([one.X for one in alone], axis=1))
    assert features.names == tuple(name for one in alone for name in one.names)
    assert features.units == tuple(unit for one in alone for unit in one.units)
    assert features.history[-1] == (
        "features band_power + time_domain, threshold=1.0 + emg_family, which=['AR']"
    )
    single = extract_features(windows, ["band_power"], dtype="float64")
    assert single.digest() == alone[0].digest()
    assert single.history == alone[0].history


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ([], r"features=\[\] names no feature set"),
        (["band_power", "band_powr"], "features='band_powr' is unknown. Did you mean 'band_power'"),
        (["band_power", {"name": "band_power", "bands": {"a": [8, 9]}}], "band_power is named twice"),
        (["bird2020", "band_power"], "bird2020 stands alone: its rows are not those of bird2020, band_power"),
        (
            ["band_power", {"name": "eeg_family", "which": ["BAND"]}],
            "20 columns, such as 'alpha_f0'.* come twice",
        ),
        ([{"name": "emg_family", "which": ["MAVV"]}], "Did you mean 'MAV'"),
    ],
)
def test_sets_that_do_not_go_together_are_refused(spec: Any, message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        extract_features(signals(3), spec)


# statistical


def column(features: Windows, name: str) -> np.ndarray:
    return features.X[:, features.names.index(name)]


def test_statistical_moments_and_levels() -> None:
    windows = signals(30, 3, 256, 256.0)
    features = statistical(windows)
    X = windows.X * 1e6
    for c in range(3):
        x = X[:, c]
        np.testing.assert_allclose(column(features, f"mean_f{c}"), x.mean(-1))
        np.testing.assert_allclose(column(features, f"std_f{c}"), x.std(-1, ddof=1))
        np.testing.assert_allclose(column(features, f"skew_f{c}"), scipy.stats.skew(x, axis=-1, bias=False))
        np.testing.assert_allclose(
            column(features, f"kurt_f{c}"), scipy.stats.kurtosis(x, axis=-1, bias=False)
        )
        np.testing.assert_allclose(column(features, f"max_q2_f{c}"), x[:, 64:128].max(-1))
        np.testing.assert_allclose(
            column(features, f"min_d_h2h1_f{c}"), x[:, 128:].min(-1) - x[:, :128].min(-1), atol=1e-9
        )
        np.testing.assert_allclose(
            column(features, f"std_d_h2h1_f{c}"), x[:, 128:].std(-1, ddof=1) - x[:, :128].std(-1, ddof=1)
        )


@pytest.mark.parametrize(("sfreq", "n_times"), [(256.0, 256), (200.0, 200), (125.0, 125), (256.0, 640)])
def test_statistical_spectrum_equals_scipy(sfreq: float, n_times: int) -> None:
    windows = signals(5, 2, n_times, sfreq)
    features = statistical(windows)
    freqs, density = scipy.signal.periodogram(windows.X * 1e6, sfreq, window="hann", axis=-1)
    bins = [name for name in features.names if name.startswith("power_") and name.endswith("_f1")]
    assert bins[0] == "power_001Hz_f1"
    assert bins[-1] == f"power_{int(sfreq / 2):03d}Hz_f1"
    for f in range(1, int(sfreq / 2) + 1):
        inside = (freqs >= f - 0.5) & (freqs < f + 0.5)
        expected = np.log10(density[:, 1, inside].mean(-1) + 1e-4)
        np.testing.assert_allclose(column(features, f"power_{f:03d}Hz_f1"), expected, rtol=1e-9)


@pytest.mark.parametrize("sfreq", [200.0, 256.0])
@pytest.mark.parametrize("frequency", [10, 50, 90])
def test_statistical_frequencies_are_true(sfreq: float, frequency: int) -> None:
    windows = signals(4, 2, int(sfreq), sfreq)
    tone = 1e-4 * np.sin(2 * np.pi * frequency * np.arange(int(sfreq)) / sfreq)
    features = statistical(dataclasses.replace(windows, X=tone + 1e-9 * windows.X))
    power = {name: column(features, name)[0] for name in features.names if name.startswith("power_")}
    assert max(power, key=lambda name: power[name]).startswith(f"power_{frequency:03d}Hz")
    np.testing.assert_allclose(column(features, "mean_freq_f0"), frequency, atol=0.1)
    np.testing.assert_allclose(column(features, "median_freq_f0"), frequency, atol=0.1)


def test_statistical_median_frequency_of_white_noise() -> None:
    windows = signals(200, 2, 256, 256.0)
    noise = np.random.default_rng(0).normal(0, 2e-5, windows.X.shape)
    features = statistical(dataclasses.replace(windows, X=noise))
    assert column(features, "median_freq_f0").mean() == pytest.approx(64.5, abs=1.5)
    assert column(features, "mean_freq_f0").mean() == pytest.approx(64.5, abs=1.0)


def test_statistical_covariance_features() -> None:
    windows = signals(20, 4)
    features = statistical(windows, shrinkage=0.1)
    for k, window in enumerate(windows.X):
        C = np.cov(window * 1e6)
        np.testing.assert_allclose(
            [column(features, f"eigenval_{i}")[k] for i in range(4)],
            np.log10(np.linalg.eigvalsh(C)[::-1]),
            rtol=1e-6,
        )
        assert column(features, "corr_f1_f3")[k] == pytest.approx(np.corrcoef(window)[1, 3], rel=1e-5)
        shrunk = 0.9 * C + 0.1 * np.trace(C) / 4 * np.eye(4)
        L = np.zeros((4, 4))
        for i in range(4):
            for j in range(i, 4):
                L[i, j] = L[j, i] = column(features, f"logcov_f{i}_f{j}")[k]
        np.testing.assert_allclose(scipy.linalg.expm(L), shrunk, rtol=1e-5, atol=1e-5 * np.trace(C))
    assert (column(features, "logcov_f0_f1") < 0).any() or (column(features, "logcov_f0_f2") < 0).any()


def test_statistical_describes_every_channel_pair_and_bin(simulated) -> None:
    eeg, emg = statistical(simulated["eeg"]), statistical(simulated["emg"])
    assert len(eeg.names) == 24 * 4 + 128 * 4 + 6 + 10 + 4
    assert len(emg.names) == 24 * 8 + 100 * 8 + 28 + 36 + 8
    first, second = simulated["emg"].names[:2]
    assert {f"std_{first}", f"power_012Hz_{second}", f"corr_{first}_{second}", "eigenval_0"} <= set(emg.names)


def test_statistical_of_one_channel_does_not_see_another() -> None:
    windows = signals(10, 3)
    X = windows.X.copy()
    X[:, 2] *= 1e3
    features, loud = statistical(windows), statistical(dataclasses.replace(windows, X=X))
    own = [
        i
        for i, name in enumerate(features.names)
        if name.endswith(("_f0", "_f1")) and not name.startswith(("log", "eig"))
    ]
    assert len(own) > 150
    np.testing.assert_array_equal(features.X[:, own], loud.X[:, own])


def test_statistical_relative_spectrum_does_not_see_the_amplitude() -> None:
    windows = signals(5, 2)
    windows = dataclasses.replace(windows, X=windows.X * 100)
    louder = dataclasses.replace(windows, X=windows.X * 7)
    one, other = (statistical(w, spectrum="relative") for w in (windows, louder))
    bins = [i for i, name in enumerate(one.names) if name.startswith("power_")]
    np.testing.assert_allclose(one.X[:, bins], other.X[:, bins], atol=1e-3)
    np.testing.assert_allclose((10 ** one.X[:, bins[::2]]).mean(axis=1), 1)
    assert np.abs(statistical(windows).X[:, bins] - statistical(louder).X[:, bins]).min() > 1


def test_statistical_options_choose_the_bins() -> None:
    windows = signals(4, 1, 512, 256.0)

    def bins(**options) -> list[str]:
        names = statistical(windows, **options).names
        return [
            name.removeprefix("power_").removesuffix("_f0") for name in names if name.startswith("power_")
        ]

    assert bins(fmax=5.0) == ["001Hz", "002Hz", "003Hz", "004Hz", "005Hz"]
    assert bins(fmax=2.0, resolution=0.5) == ["000.50Hz", "001.00Hz", "001.50Hz", "002.00Hz"]
    gone = set(bins()) - set(bins(mains=50.0))
    assert gone == {f"{f:03d}Hz" for f in (49, 50, 51, 99, 100, 101)}
    assert statistical(windows, fmax=5.0).history[-1] == "features statistical, fmax=5.0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resolution": 0.5}, r"resolution=0.5 Hz but windows of 1 s.*every 1 Hz"),
        ({"resolution": -1.0}, "resolution=-1.0"),
        ({"fmax": 80.0}, r"fmax=80.0 Hz.*150 Hz sampling.*<= 75 Hz"),
        ({"shrinkage": 1.0}, "shrinkage=1.0"),
        ({"spectrum": "relativ"}, "Did you mean 'relative'"),
        ({"mains": 0.0}, "mains=0.0"),
        ({"mains": "fifty"}, "mains='fifty' is a str"),
        ({"fmax": [40]}, "fmax=.*is a list"),
        ({"mains": 1.0}, "mains=1.0 Hz leaves no spectral bin"),
    ],
)
def test_statistical_refuses_parameters_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        statistical(signals(3), **options)


# band_power, time_domain


def test_band_power_equals_scipy() -> None:
    windows = signals(6, 2, 512, 256.0)
    features = band_power(windows)
    freqs, density = scipy.signal.periodogram(windows.X * 1e6, 256.0, window="hann", axis=-1)
    assert features.names[:4] == ("delta_f0", "delta_f1", "theta_f0", "theta_f1")
    inside = (freqs >= 8) & (freqs < 13)
    np.testing.assert_allclose(column(features, "alpha_f1"), np.log10(density[:, 1, inside].mean(-1) + 1e-4))
    emg = band_power(dataclasses.replace(windows, modality="emg"), bands={"low": [20, 60]})
    inside = (freqs >= 20) & (freqs < 60)
    np.testing.assert_allclose(column(emg, "low_f0"), np.log10(density[:, 0, inside].mean(-1) + 1e-4))


@pytest.mark.parametrize(
    "bands",
    [{"a": [13, 8]}, {"a": [60, 90]}, {"a": [8.2, 8.4]}, {}, {"a": [1]}, {"a": 8}, {"a": ["x", 9]}, [8, 13]],
)
def test_band_power_refuses_bands_it_cannot_measure(bands: Any) -> None:
    with pytest.raises(BiotransferError, match="band"):
        band_power(signals(3), bands=bands)


def test_time_domain_equals_a_plain_loop() -> None:
    windows = signals(8, 2, 200, 100.0, modality="emg")
    threshold = 20.0
    features = time_domain(windows, threshold=threshold)
    for k, window in enumerate(windows.X * 1e6):
        for c, x in enumerate(window - window.mean(-1, keepdims=True)):
            zc = ssc = 0
            for a, b in itertools.pairwise(x):
                zc += a * b < 0 and abs(a - b) > threshold
            for a, b, d in zip(x[:-2], x[1:-1], x[2:], strict=True):
                ssc += (b - a) * (b - d) > 0 and max(abs(b - a), abs(b - d)) > threshold
            assert zc > 0
            assert ssc > 0
            got = [column(features, f"{stat}_f{c}")[k] for stat in ("mav", "wl", "zc", "ssc")]
            np.testing.assert_allclose(got, [np.abs(x).mean(), np.abs(np.diff(x)).sum() / 2, zc / 2, ssc / 2])
    with pytest.raises(BiotransferError, match="threshold=-1"):
        time_domain(windows, threshold=-1.0)


# the catalog


def test_bird2020_declares_the_windows_of_the_script() -> None:
    assert FEATURES["bird2020"].facts["windows"] == {k: v for k, v in EXACT_CUT.items() if k != "dtype"}


def test_own_arrays_go_all_the_way() -> None:
    rng = np.random.default_rng(0)
    recordings = from_arrays(
        [rng.normal(0, 20, (3, 1000)), rng.normal(0, 40, (3, 1000))],
        sfreq=250.0,
        unit="uV",
        modality="eeg",
        labels=["rest", "task"],
        subjects=["s1", "s1"],
    )
    features = extract_features(cut_windows(recordings))
    spread = column(features, f"std_{recordings[0].raw.ch_names[0]}")
    assert spread[features.y == 0].mean() == pytest.approx(20, rel=0.05)
    assert spread[features.y == 1].mean() == pytest.approx(40, rel=0.05)


def test_many_windows_are_described_one_by_one_and_the_one_that_fails_is_named() -> None:
    eeg, emg = (cut_windows(one) for one in simulate_pair(n_subjects=1, seed=0))
    for one, made in zip((eeg, emg), extract_features([eeg, emg], "band_power"), strict=True):
        assert made.digest() == extract_features(one, "band_power").digest()
    features = extract_features(emg, "band_power")
    with pytest.raises(BiotransferError, match=r"windows\[1\], <Windows: .* emg features"):
        extract_features([eeg, features], "band_power")
