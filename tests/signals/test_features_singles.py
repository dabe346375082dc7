"""Single features: each equals another implementation, is finite where nothing moves, and says its unit."""

import dataclasses

import mne_features.univariate as univariate
import numpy as np
import pytest
import pywt
import scipy.stats

from biotransfer.errors import BiotransferError
from biotransfer.signals.features import extract_features
from biotransfer.signals.features.families import choose
from biotransfer.signals.features.series import Series
from biotransfer.signals.features.singles import GROUPS, SINGLES
from biotransfer.signals.features.singles.wavelets import FILTERS, decompose
from biotransfer.signals.windows import Windows
from tests.reference import single_features as reference
from tests.signals.test_features import signals

COUNTS = ("ZC", "SSC", "WAMP", "SAMPEN", "APPEN", "PERMEN", "PKF", "MDF", "SEF", "PSR", "PFD")
"""They jump when a sample or a bin passes a threshold, so rounding of the signal can move them by a step."""


def extract(windows: Windows, *which, name: str = "eeg_family") -> Windows:
    return extract_features(windows, {"name": name, "which": list(which)}, dtype="float64")


def fast(n: int = 6, n_chans: int = 3, n_times: int = 250, seed: int = 0) -> Windows:
    """Windows of 1000 Hz, so that every feature exists, with slow and fast parts."""
    return dataclasses.replace(signals(n, n_chans, n_times, 250.0, seed), sfreq=250.0)


def test_every_single_feature_has_an_independent_implementation() -> None:
    assert {*reference.CHANNEL, *reference.PAIRS} == set(SINGLES)


@pytest.mark.parametrize("name", reference.CHANNEL)
@pytest.mark.parametrize("n_times", [250, 301])
def test_a_single_feature_equals_another_implementation(name: str, n_times: int) -> None:
    windows = fast(n_times=n_times)
    got = extract(windows, name)
    for k, window in enumerate(windows.X * 1e6):
        for c, x in enumerate(window):
            expected = np.asarray(reference.CHANNEL[name](x, 250.0), dtype=float)
            ours = got.X[k].reshape(-1, len(window))[:, c]
            banded = name in ("BAND", "RELBAND", "BANDRATIO", "DE", "APERIODIC")
            np.testing.assert_allclose(
                ours, expected, rtol=2e-3 if banded else 1e-9, atol=1e-3 if banded else 1e-9
            )


@pytest.mark.parametrize("name", reference.PAIRS)
def test_a_feature_of_pairs_equals_another_implementation(name: str) -> None:
    windows = fast(n_chans=4)
    got = extract(windows, name)
    for window, row in zip(windows.X * 1e6, got.X, strict=True):
        np.testing.assert_allclose(row, reference.PAIRS[name](window, 250.0), rtol=1e-9)
    assert got.names[0] == f"{name}_f0_f1"


@pytest.mark.parametrize("name", SINGLES)
def test_a_single_feature_is_finite_named_and_the_same_alone(name: str) -> None:
    windows = fast(5)
    X = windows.X.copy()
    X[3, 1] = 4e-4
    still = extract(dataclasses.replace(windows, X=X), name)
    assert np.isfinite(still.X).all()
    assert len(set(still.names)) == len(still.names) == still.X.shape[1]
    assert set(still.units) & {""} == set()
    for i in range(5):
        alone = extract(dataclasses.replace(windows, X=X).take(np.array([i])), name)
        np.testing.assert_allclose(alone.X[0], still.X[i], rtol=1e-9, atol=1e-12)
    of = {column.channels for column in still.columns.values()}
    assert all(len(channels) == (2 if SINGLES[name].facts["of"] == "pairs" else 1) for channels in of)
    untouched = extract(windows, name)
    others = [i for i, n in enumerate(still.names) if "f1" not in still.columns[n].channels]
    np.testing.assert_array_equal(still.X[:, others], untouched.X[:, others])


@pytest.mark.parametrize("name", SINGLES)
def test_the_unit_is_how_a_feature_grows_with_the_signal(name: str) -> None:
    """Double the amplitude: a unit of uV^k grows by 2^k, a logarithm of it by k log 2, others not."""
    windows = fast()
    windows = dataclasses.replace(windows, X=windows.X * 50)
    louder = dataclasses.replace(windows, X=windows.X * 2)
    options = {"WAMP": {"threshold": 0.0}}.get(name, {})
    one, two = (extract(w, {"name": name, **options}) for w in (windows, louder))
    if name in ("TDPSD", "LD", "MLK"):
        return
    for column, unit in enumerate(one.units):
        inner = unit.removeprefix("log10(").removeprefix("log(").removesuffix(")") if "log" in unit else unit
        power = 0.0
        if inner.startswith("uV"):
            exponent = inner.removeprefix("uV").split("/Hz")[0].split(" ")[0].removeprefix("^").strip("()")
            power = 1.0 if not exponent else 2 / 3 if exponent == "2/3" else float(exponent)
        before, after = one.X[:, column], two.X[:, column]
        if unit.startswith("log10"):
            np.testing.assert_allclose(after - before, power * np.log10(2), atol=1e-5)
        elif unit.startswith("log("):
            np.testing.assert_allclose(after - before, power * np.log(2), atol=1e-5)
        else:
            np.testing.assert_allclose(after, before * 2**power, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("group", GROUPS)
def test_groups_hold_features_that_there_are(group: str) -> None:
    assert set(GROUPS[group]) <= set(SINGLES)
    assert [entry.name for entry, _ in choose("emg_family", "EMG", [group])] == list(GROUPS[group])


def test_what_libemg_lists_is_there() -> None:
    text = (
        "MAV ZC SSC WL LS MFL MSR WAMP RMS IAV DASDV VAR M0 M2 M4 SPARSI IRF WLF AR CC LD MAVFD MAVSLP MDF "
        "MNF MNP MPK SKEW KURT RMSPHASOR PAP WLPHASOR MZP TM SM SAMPEN FUZZYEN DFTR ISD COR MDIFF MLK ACT "
        "MOB COMP WENG WV WWL WENT MEAN"
    )
    libemg = set(text.split())
    made = extract(fast(1, 2), *SINGLES, name="emg_family")
    stats = {column.stat for column in made.columns.values()}
    ours = stats | {stat.rstrip("0123456789") for stat in stats} | {stat.split("_")[0] for stat in stats}
    assert libemg - ours == set()
    assert len(libemg) == 50


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("LL", univariate.compute_line_length),
        ("SKEW", univariate.compute_skewness),
        ("KFD", univariate.compute_katz_fd),
        ("VAR", lambda x: univariate.compute_variance(x) * (x.shape[1] - 1) / x.shape[1]),
        ("RMS", lambda x: univariate.compute_rms(x - x.mean(axis=1, keepdims=True))),
        ("ZC", lambda x: univariate.compute_zero_crossings(x - x.mean(axis=1, keepdims=True))),
    ],
)
def test_a_single_feature_equals_mne_features(name: str, theirs) -> None:
    windows = fast()
    got = extract(windows, name)
    for window, row in zip(windows.X * 1e6, got.X, strict=True):
        np.testing.assert_allclose(row, theirs(np.ascontiguousarray(window)), rtol=1e-9)


@pytest.mark.parametrize("wavelet", FILTERS)
@pytest.mark.parametrize("n_times", [40, 151, 256])
def test_the_wavelet_transform_equals_pywavelets(wavelet: str, n_times: int) -> None:
    X = np.random.default_rng(0).normal(size=(3, 2, n_times))
    levels = pywt.dwt_max_level(n_times, wavelet)
    expected = pywt.wavedec(X, wavelet, mode="symmetric", level=levels, axis=-1)
    for ours, theirs in zip(decompose(X, wavelet, levels), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_spectrums_slope_finds_a_planted_one_as_a_robust_fit_does(exponent: float) -> None:
    rng = np.random.default_rng(1)
    freqs = np.fft.rfftfreq(1000, 1 / 250)
    shape = np.where(freqs > 0, np.maximum(freqs, 0.25) ** (-exponent / 2), 0)
    noise = rng.normal(size=(300, 1, len(freqs))) + 1j * rng.normal(size=(300, 1, len(freqs)))
    X = np.fft.irfft(noise * shape, 1000) * 1e-3
    windows = dataclasses.replace(signals(300, 1, 1000, 250.0), X=X)
    found = extract(windows, "APERIODIC").X[:, 0]
    assert found.mean() == pytest.approx(exponent, abs=0.05)
    robust = []
    for x in X[:40, 0] * 1e6:
        f, density = reference.hann(x, 250.0)
        inside = (f >= 2) & (f <= 40)
        robust.append(-scipy.stats.theilslopes(np.log10(density[inside]), np.log10(f[inside])).slope)
    assert np.mean(robust) == pytest.approx(found[:40].mean(), abs=0.1)
    assert np.corrcoef(robust, found[:40])[0, 1] > 0.7


def test_patterns_that_never_stay_alike_give_the_largest_entropy_that_there_can_be() -> None:
    windows = fast(1, 1, 60)
    ramp = np.cumsum(2.0 ** np.arange(60) % 7 + np.arange(60) ** 2)
    made = extract(
        dataclasses.replace(windows, X=ramp[None, None] * 1e-6), {"name": "SAMPEN", "tolerance": 1e-9}
    )
    assert made.X[0, 0] == pytest.approx(np.log(58 * 57 / 2))


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (["MAX"], "which holds 'MAX', which is no feature and no group.* Use any of: MAV"),
        (["MAVV"], "Did you mean 'MAV'"),
        ([], r"which=\[\]. Expected a list of names"),
        ("MAV", "which='MAV' is a str. Expected: a list"),
        ([3], r"which=\[3\] is a list. Expected: a list of text or a mapping"),
        (["MAV", "MAV"], "which names MAV twice"),
        ([{"name": "AR", "ordr": 3}], "no parameter 'ordr'. Did you mean 'order'"),
        ([{"name": "AR", "order": 0}], "feature AR: order=0 is out of range. Expected: int, 1 to 100"),
        ([{"name": "WAMP", "threshold": -1.0}], "feature WAMP: threshold=-1.0 is out of range"),
        ([{"name": "SEF", "share": 2.0}], "feature SEF: share=2.0"),
        ([{"name": "WENG", "wavelet": "sym9"}], "feature WENG: wavelet='sym9' is unknown"),
        ([{"name": "WENG", "levels": 9}], "feature WENG: levels=9, and 250 samples allow 1 to 4"),
        ([{"name": "FR", "high": [45, 900]}], r"feature FR: high=\[45, 900\] at 250 Hz"),
        ([{"name": "BAND", "bands": {"a": [9, 8]}}], "feature BAND: bands=.*Expected 0 <= low"),
        ([{"name": "BANDRATIO", "ratios": ["theta"]}], "feature BANDRATIO: .*'theta' is no quotient"),
        ([{"name": "APERIODIC", "fit": [2, 2.5]}], "feature APERIODIC: fit=.* holds 1 frequencies"),
        ([{"name": "SAMPEN", "tolerance": 0.0}], "feature SAMPEN: tolerance=0.0"),
        ([{"name": "TM", "orders": [9]}], "feature TM: orders=9"),
    ],
)
def test_what_a_family_refuses(which, message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        extract_features(fast(2), {"name": "emg_family", "which": which})


def test_what_does_not_exist_at_a_rate_or_length_is_refused_by_name() -> None:
    with pytest.raises(BiotransferError, match="feature DFTR: its first band ends at 92 Hz, and 150 Hz"):
        extract(signals(2), "DFTR")
    with pytest.raises(BiotransferError, match="feature DFA: windows of 40 samples"):
        extract(fast(2, n_times=40), "DFA")
    with pytest.raises(BiotransferError, match="feature WENG: windows of 20 samples are too short"):
        extract(fast(2, n_times=20), "WENG")


@pytest.mark.parametrize("name", reference.PAIRS)
def test_a_feature_of_pairs_wants_two_channels(name: str) -> None:
    with pytest.raises(BiotransferError, match=f"feature {name} got 1 channel"):
        extract(fast(2, 1), name)


@pytest.mark.parametrize("sfreq", [100.0, 128.0, 200.0, 2000.0])
@pytest.mark.parametrize("name", ["emg_family", "eeg_family"])
def test_a_family_is_there_at_the_usual_sampling_rates(name: str, sfreq: float) -> None:
    windows = dataclasses.replace(signals(2, 2, int(sfreq)), sfreq=sfreq)
    assert np.isfinite(extract_features(windows, name).X).all()


def test_a_feature_named_with_parameters_holds_over_its_group() -> None:
    made = extract(fast(1, 1), "TDAR", {"name": "AR", "order": 2}, name="emg_family")
    assert made.names == ("MAV_f0", "ZC_f0", "SSC_f0", "WL_f0", "AR1_f0", "AR2_f0")
    assert made.history[-1].startswith("features emg_family, which=")


def test_series_does_not_touch_its_signals() -> None:
    X = np.random.default_rng(0).normal(size=(2, 3, 100))
    X.flags.writeable = False
    s = Series(X, 250.0, "eeg")
    for entry in SINGLES.values():
        entry.function(s)
