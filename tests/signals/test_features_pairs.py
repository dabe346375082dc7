"""Connectivity, asymmetry, covariances and wavelets, against other packages."""

import dataclasses

import numpy as np
import pytest
import pywt
import scipy.signal
from mne_features.bivariate import compute_phase_lock_val
from pyriemann.geometry.distance import distance_logeuclid
from pyriemann.geometry.tangentspace import tangent_space as pyriemann_tangent_space

from biotransfer.errors import BiotransferError
from biotransfer.signals.features import extract_features
from biotransfer.signals.windows import Windows
from tests.signals.test_features import signals

BANDS = {"low": [4.0, 12.0], "high": [20.0, 60.0]}


def extract(windows: Windows, name: str, **parameters) -> Windows:
    return extract_features(windows, {"name": name, **parameters}, dtype="float64")


def column(features: Windows, name: str) -> np.ndarray:
    return features.X[:, features.names.index(name)]


def test_coherence_and_its_imaginary_part_equal_scipy() -> None:
    windows = signals(5, 3, 300, 200.0)
    features = extract(windows, "connectivity", measures=["coherence", "imaginary"], bands=BANDS)
    options = {"fs": 200.0, "window": "hann", "nperseg": 150, "noverlap": 75, "detrend": "constant"}
    for k, X in enumerate(windows.X):
        for i, j in ((0, 1), (0, 2), (1, 2)):
            freqs, coherence = scipy.signal.coherence(X[i], X[j], **options)
            cross = scipy.signal.csd(X[i], X[j], **options)[1]
            powers = [scipy.signal.welch(X[c], **options)[1] for c in (i, j)]
            imaginary = np.abs(cross.imag) / np.sqrt(powers[0] * powers[1])
            for band, (low, high) in BANDS.items():
                inside = (freqs >= low - 1e-9) & (freqs < high - 1e-9)
                for stat, values in (("coh", coherence), ("imcoh", imaginary)):
                    got = column(features, f"{stat}_{band}_f{i}_f{j}")[k]
                    assert got == pytest.approx(values[inside].mean(), rel=1e-9)


def test_phase_locking_equals_mne_features_of_the_filtered_signal() -> None:
    windows = signals(4, 4, 256, 256.0)
    features = extract(windows, "connectivity", measures=["plv"], bands=BANDS)
    freqs = np.fft.rfftfreq(256, 1 / 256)
    for band, (low, high) in BANDS.items():
        spectrum = np.fft.rfft(windows.X, axis=-1) * ((freqs >= low) & (freqs < high))
        filtered = np.fft.irfft(spectrum, 256, axis=-1)
        expected = np.stack([compute_phase_lock_val(np.ascontiguousarray(X)) for X in filtered])
        own = [i for i, name in enumerate(features.names) if name.startswith(f"plv_{band}_")]
        np.testing.assert_allclose(features.X[:, own], expected, rtol=1e-9)


def test_connectivity_tells_a_common_source_from_a_delayed_one_and_from_none() -> None:
    rng = np.random.default_rng(0)
    n, n_times = 40, 1000
    base = signals(n, 4, n_times, 200.0)
    source = rng.normal(size=(n, n_times + 5))
    noise = rng.normal(size=(n, 4, n_times))
    X = np.stack([source[:, 5:], source[:, 5:], source[:, :-5], noise[:, 3]], axis=1) + 0.3 * noise
    windows = dataclasses.replace(base, X=X * 1e-5)
    features = extract(windows, "connectivity", bands={"band": [8.0, 12.0]}, segment=0.1)
    mean = {name: float(column(features, name).mean()) for name in features.names}
    assert mean["coh_band_f0_f1"] > 0.7
    assert mean["coh_band_f0_f2"] > 0.6
    assert mean["coh_band_f0_f3"] < 0.15
    assert mean["imcoh_band_f0_f1"] < 0.2
    assert mean["imcoh_band_f0_f2"] > 0.7
    assert mean["plv_band_f0_f1"] > 0.8 > 0.6 > mean["plv_band_f0_f3"]
    assert ((features.X >= 0) & (features.X <= 1 + 1e-12)).all()


def test_connectivity_with_a_channel_that_stands_still_is_zero() -> None:
    windows = signals(3, 3, 200, 200.0)
    X = windows.X.copy()
    X[1, 0] = 3e-4
    features = extract(dataclasses.replace(windows, X=X), "connectivity", bands=BANDS)
    with_it = [i for i, name in enumerate(features.names) if "f0" in features.columns[name].channels]
    assert (features.X[1, with_it] == 0).all()
    assert (features.X[[0, 2]][:, with_it] > 0).all()


def test_tangent_space_equals_pyriemann_at_the_identity() -> None:
    windows = signals(6, 4)
    features = extract(windows, "tangent_space", shrinkage=0.0)
    covariances = np.stack([np.cov(X * 1e6) for X in windows.X])
    expected = pyriemann_tangent_space(covariances, np.eye(4), metric="riemann")
    np.testing.assert_allclose(features.X, expected, rtol=1e-7, atol=1e-7)
    distance = distance_logeuclid(covariances[0], covariances[1])
    assert np.linalg.norm(features.X[0] - features.X[1]) == pytest.approx(distance)
    assert features.names[:2] == ("tangent_f0", "tangent_f0_f1")


def test_asymmetry_is_right_less_left_of_ten_twenty_pairs() -> None:
    windows = signals(4, 6, 256, 256.0)
    names = ("F4", "Cz", "EEG AF7-REF", "F3", "EEG AF8-REF", "EMG1")
    windows = dataclasses.replace(windows, names=names)
    features = extract(windows, "asymmetry", bands=BANDS)
    assert set(features.names) == {
        f"asym_{band}_{pair}" for band in BANDS for pair in ("F3_F4", "EEG AF7-REF_EEG AF8-REF")
    }
    power = extract(windows, "band_power", bands=BANDS)
    np.testing.assert_allclose(
        column(features, "asym_low_F3_F4"), column(power, "low_F4") - column(power, "low_F3")
    )
    swapped = extract(windows, "asymmetry", bands=BANDS, pairs=[["F4", "F3"]])
    np.testing.assert_allclose(column(swapped, "asym_low_F4_F3"), -column(features, "asym_low_F3_F4"))


def test_wavelets_are_energies_of_pywavelets() -> None:
    windows = signals(3, 2, 256, 256.0)
    features = extract(windows, "wavelets", levels=3)
    for k, X in enumerate(windows.X * 1e6):
        for c, x in enumerate(X):
            parts = pywt.wavedec(x - x.mean(), "db4", mode="symmetric", level=3)
            sums = np.array([np.sum(part**2) for part in parts])
            for level, energy in zip(("A", "D3", "D2", "D1"), sums, strict=True):
                assert column(features, f"WENG_{level}_f{c}")[k] == pytest.approx(np.log(energy))
                assert column(features, f"WREL_{level}_f{c}")[k] == pytest.approx(energy / sums.sum())
    assert features.history[-1] == "features wavelets, levels=3"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "connectivity", "measures": []}, r"measures=\[\]. Expected a list"),
        ({"name": "connectivity", "measures": ["plvv"]}, "'plvv'.* is unknown. Did you mean 'plv'"),
        ({"name": "connectivity", "segment": 0.9}, "segment=0.9 of windows of 150 samples"),
        ({"name": "connectivity", "segment": 0.01}, "segment=0.01 of windows"),
        (
            {"name": "connectivity", "bands": {"a": [8.2, 8.5]}},
            "band 'a' from 8.2 to 8.5 Hz holds no frequency",
        ),
        ({"name": "asymmetry", "pairs": [["f0", "f9"]]}, "pairs='f9' is unknown. Use one of: f0"),
        ({"name": "asymmetry", "pairs": [["f0"]]}, r"pairs holds \['f0'\]"),
        ({"name": "asymmetry", "pairs": []}, r"pairs=\[\] is empty"),
        ({"name": "tangent_space", "shrinkage": 1.0}, "shrinkage=1.0"),
        ({"name": "wavelets", "wavelet": "sym9"}, "wavelet='sym9' is unknown"),
    ],
)
def test_what_cannot_be_described_is_refused(spec, message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        extract_features(signals(2), spec)


@pytest.mark.parametrize(
    "names", [("EMG1", "EMG2"), ("ch1", "ch2"), ("F3", "C4"), ("Fz", "Cz"), ("F2", "F3")]
)
def test_channels_that_are_no_left_and_right_are_no_pair(names: tuple[str, str]) -> None:
    windows = dataclasses.replace(signals(2, 2), names=names)
    with pytest.raises(
        BiotransferError, match=f"finds no left and right among the channels {', '.join(names)}"
    ):
        extract_features(windows, "asymmetry")


def test_one_channel_has_no_connectivity() -> None:
    with pytest.raises(BiotransferError, match=r"got 1 channel\. Expected 2 or more"):
        extract_features(signals(2, 1), "connectivity")
