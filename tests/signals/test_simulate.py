"""Simulated signals hold what their docstrings say: every ingredient is measured."""

import inspect
from typing import Any

import mne
import numpy as np
import pytest
from scipy.signal import welch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from biotransfer.errors import BiotransferError
from biotransfer.signals.recording import Recording
from biotransfer.signals.simulate import (
    BANDS,
    PATTERNS,
    RATES,
    latent_codes,
    simulate_eeg,
    simulate_emg,
    simulate_pair,
)
from biotransfer.signals.windows import Windows, cut_windows

QUIET_EEG = {"background": 0.0, "blink_rate": 0.0, "mains": None, "variability": 0.0}


def _data(recordings: list[Recording]) -> np.ndarray:
    return np.concatenate([r.raw.get_data() for r in recordings], axis=1) * 1e6


def _band_powers(windows: Windows, bands: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Log power per channel and band, (n_windows, n_chans, n_bands)."""
    n_times = windows.X.shape[2]
    power = np.abs(np.fft.rfft(windows.X * np.hanning(n_times), axis=2)) ** 2
    freqs = np.fft.rfftfreq(n_times, 1 / windows.sfreq)
    return np.log(np.stack([power[:, :, (freqs >= a) & (freqs < b)].sum(axis=2) for a, b in bands], axis=2))


@pytest.mark.parametrize("shared", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", [0, 7])
def test_codes_share_exactly_what_is_stated(shared: float, seed: int) -> None:
    eeg = latent_codes(10, modality="eeg", shared=shared, seed=seed).reshape(10, -1)
    emg = latent_codes(10, modality="emg", shared=shared, seed=seed).reshape(10, -1)
    n_latent = eeg.shape[1]
    for codes in (eeg, emg):
        np.testing.assert_allclose(codes @ codes.T / n_latent, np.eye(10), atol=1e-12)
    np.testing.assert_allclose(eeg @ emg.T / n_latent, shared * np.eye(10), atol=1e-12)


def test_codes_do_not_depend_on_how_many_classes_are_asked_for() -> None:
    few = latent_codes(2, modality="emg", shared=0.5, seed=1)
    many = latent_codes(6, modality="emg", shared=0.5, seed=1)
    np.testing.assert_array_equal(few, many[:2])
    assert few.shape == (2, len(PATTERNS), len(RATES))


def test_same_seed_same_bytes_other_seed_other_signal() -> None:
    small = {"n_subjects": 2}
    for simulate in (simulate_eeg, simulate_emg):
        one, two, other = (_data(simulate(**small, seed=s)) for s in (3, 3, 4))
        assert one.tobytes() == two.tobytes()
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1


def test_people_runs_and_modalities_are_independent_and_more_people_change_nothing() -> None:
    runs = simulate_eeg(n_subjects=3, n_runs=2, seed=0, blink_rate=0)
    signals = [r.raw.get_data()[0] for r in runs]
    correlation = np.corrcoef(signals) - np.eye(len(signals))
    assert np.abs(correlation).max() < 0.1
    fewer = simulate_eeg(n_subjects=1, n_runs=2, seed=0, blink_rate=0)
    assert _data(fewer).tobytes() == _data(runs[:2]).tobytes()


@pytest.mark.parametrize(("simulate", "modality"), [(simulate_eeg, "eeg"), (simulate_emg, "emg")])
def test_people_differ_and_stay_themselves(simulate: Any, modality: str) -> None:
    settings = {"n_subjects": 8, "contrast": 0.0, "variability": 3.0, "mains": None, "seed": 0}
    windows = cut_windows(simulate(**settings), length=1.0, step=1.0)
    powers = _band_powers(windows, BANDS[modality]).reshape(len(windows), -1)
    runs = windows.metadata.assign(half=windows.metadata["run"].isin(["1", "2", "R1", "R2"]))
    halves = [
        np.stack(
            [powers[(runs["subject"] == s) & (runs["half"] == h)].mean(axis=0) for s in windows.subjects]
        )
        for h in (True, False)
    ]
    centered = [(h - h.mean(axis=0)).ravel() for h in halves]
    assert np.corrcoef(centered)[0, 1] > 0.4
    assert (
        np.corrcoef(centered[0], np.roll(halves[1] - halves[1].mean(axis=0), 1, axis=0).ravel())[0, 1] < 0.2
    )


def test_pair_is_both_functions_with_one_seed() -> None:
    eeg, emg = simulate_pair(n_subjects=1, shared=0.7, seed=5, eeg={"n_runs": 2}, emg={"n_chans": 4})
    assert _data(eeg).tobytes() == _data(simulate_eeg(n_subjects=1, shared=0.7, seed=5, n_runs=2)).tobytes()
    assert _data(emg).tobytes() == _data(simulate_emg(n_subjects=1, shared=0.7, seed=5, n_chans=4)).tobytes()


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.8])
def test_background_falls_as_stated(exponent: float) -> None:
    settings = {"n_subjects": 2, "seed": 1, "blink_rate": 0.0, "mains": None, "exponent": exponent}
    data = _data(simulate_eeg(**settings)) - _data(simulate_eeg(**settings, background=0.0))
    freqs, power = welch(data, 256, nperseg=512)
    inside = (freqs >= 2) & (freqs <= 100)
    slopes = [np.polyfit(np.log(freqs[inside]), np.log(p[inside]), 1)[0] for p in power]
    np.testing.assert_allclose(slopes, -exponent, atol=0.06)
    np.testing.assert_allclose(data.std(axis=1), 12.0, rtol=0.05)


def test_eeg_is_in_volts_with_muse_channels_in_place_and_blinks_in_front() -> None:
    recordings = simulate_eeg(n_subjects=2, seed=0)
    raw = recordings[0].raw
    assert raw.ch_names == ["TP9", "AF7", "AF8", "TP10"]
    places = np.array([ch["loc"][:3] for ch in raw.info["chs"]])
    assert np.isfinite(places).all()
    assert np.linalg.norm(places, axis=1) == pytest.approx(0.1, abs=0.03)
    assert np.median(_data(recordings).std(axis=1)) == pytest.approx(20, abs=10)
    without = _data(simulate_eeg(n_subjects=2, seed=0, blink_rate=0.0))
    heights = (_data(recordings) - without).max(axis=1)
    assert heights[1:3].min() > 70
    assert heights[[0, 3]].max() < 0.5 * heights[1:3].min()


def test_blink_rate_is_kept() -> None:
    settings = {"n_subjects": 4, "seed": 2, "mains": None}
    trace = _data(simulate_eeg(**settings, blink_rate=20.0)) - _data(simulate_eeg(**settings, blink_rate=0.0))
    minutes = trace.shape[1] / 256 / 60
    area = np.hanning(round(0.35 * 256) + 2).sum() * 100 * np.exp(0.2**2 / 2)
    assert trace[1].sum() / area / minutes == pytest.approx(20, rel=0.25)


def test_classes_differ_in_the_stated_bands_only() -> None:
    recordings = simulate_eeg(
        n_subjects=12,
        seconds_per_class=40.0,
        classes=2,
        contrast=6.0,
        mains=None,
        blink_rate=0.0,
        seed=3,
        variability=0.0,
    )
    windows = cut_windows(recordings, length=2.0, step=2.0)
    bands = ((0.5, 2.0), *BANDS["eeg"], (36.0, 45.0), (45.0, 100.0))
    powers = _band_powers(windows, bands)
    difference = powers[windows.y == 1].mean(axis=0) - powers[windows.y == 0].mean(axis=0)
    assert np.abs(difference[:, [0, -2, -1]]).max() < 0.2
    assert np.abs(difference[:, 1:-2]).max(axis=0).min() > 0.5


def test_power_follows_the_codes() -> None:
    """Without spread or noise a channel's band power is the sum of what its sources were told to do."""
    emg = simulate_emg(
        n_subjects=4, classes=3, n_chans=4, crosstalk=0.0, electrode_shift=0, variability=0.0, mains=None,
        contrast=4.0, seed=1, seconds=8.0
    )  # fmt: skip
    windows = cut_windows(emg, length=2.0, step=2.0)
    measured = _band_powers(windows, BANDS["emg"])
    codes = latent_codes(3, modality="emg", shared=0.5, seed=1)
    expected = np.log(np.einsum("pr,cpb->crb", PATTERNS**2, 10 ** (4.0 * codes / 10)))
    for label in range(3):
        mine = measured[windows.y == label].mean(axis=0) - measured.mean(axis=0)
        np.testing.assert_allclose(mine, expected[label] - expected.mean(axis=0), atol=0.35)


def test_regions_of_a_pair_move_together() -> None:
    emg = simulate_emg(
        n_subjects=3, crosstalk=0.0, electrode_shift=0, contrast=0.0, variability=0.0, mains=None
    )
    correlation = np.corrcoef(_data(emg))
    same_group = correlation[:4, :4][~np.eye(4, dtype=bool)]
    np.testing.assert_allclose(same_group, 0.2, atol=0.05)
    assert np.abs(correlation[:4, 4:]).max() < 0.05


def test_amplitude_waxes_and_wanes_at_the_rate_of_the_band() -> None:
    eeg = simulate_eeg(n_subjects=12, classes=1, contrast=0.0, n_runs=1, seed=0, **QUIET_EEG)
    data = _data(eeg)
    for (low, high), rate in zip(BANDS["eeg"], RATES, strict=True):
        band = mne.filter.filter_data(data, 256.0, low, high, verbose="error")
        freqs, power = welch(band**2, 256, nperseg=1024)
        power = power.mean(axis=0)
        at = power[np.abs(freqs - rate) < 0.3].max()
        for other in RATES:
            if other != rate:
                assert at > 1.3 * power[np.abs(freqs - other) < 0.3].max()


def test_crosstalk_is_a_circulant_mixing() -> None:
    quiet = {"n_subjects": 1, "mains": None, "electrode_shift": 0, "seed": 2}
    alone, mixed = (_data(simulate_emg(**quiet, crosstalk=c)) for c in (0.0, 0.4))
    apart = np.abs(np.arange(8)[:, None] - np.arange(8))
    mixing = 0.4 ** np.minimum(apart, 8 - apart)
    sensor = mixed - mixing @ alone
    assert sensor.std() == pytest.approx(3 * np.sqrt((mixing**2).sum(axis=1)[0] + 1 - 2), rel=0.05)
    neighbors = np.corrcoef(mixed)[0, 1]
    assert neighbors > np.corrcoef(alone)[0, 1] + 0.2


def test_electrode_shift_rotates_the_channels_of_a_person() -> None:
    quiet = {"n_subjects": 6, "mains": None, "seed": 4}
    turns = []
    straight = simulate_emg(**quiet, electrode_shift=0)
    for turned, plain in zip(simulate_emg(**quiet, electrode_shift=2), straight, strict=True):
        turn = int(turned.raw.info["description"].split()[-1])
        turns.append(turn)
        difference = turned.raw.get_data() - np.roll(plain.raw.get_data(), turn, axis=0)
        assert difference.std() * 1e6 < 3 * np.sqrt(2) * 1.05
        if turn:
            assert (turned.raw.get_data() - plain.raw.get_data()).std() * 1e6 > 50
    assert set(turns) <= {-2, -1, 0, 1, 2}
    assert len(set(turns)) > 2
    assert all(r.raw.info["description"].endswith("+0") for r in straight)


@pytest.mark.parametrize("simulate", [simulate_eeg, simulate_emg])
def test_mains_tells_the_class_only_when_asked(simulate: Any) -> None:
    def hum(follows: bool) -> np.ndarray:
        settings = {"n_subjects": 4, "seed": 0, "mains_follows_class": follows, "mains_uv": 200.0}
        windows = cut_windows(simulate(**settings), length=1.0, step=1.0)
        power = _band_powers(windows, ((49.0, 51.0),))[:, :, 0].mean(axis=1)
        return np.array([power[windows.y == c].mean() for c in range(len(windows.classes))])

    innocent, planted = hum(False), hum(True)
    assert np.ptp(innocent) < 0.3
    np.testing.assert_allclose(
        np.diff(planted), 2 * np.diff(np.log(1 + 2 * np.arange(len(planted)))), atol=0.3
    )


@pytest.mark.parametrize("simulate", [simulate_eeg, simulate_emg])
def test_every_recording_holds_every_class_equally_in_its_own_order(simulate: Any) -> None:
    recordings = simulate(n_subjects=3, seed=0)
    windows = cut_windows(recordings, length=1.0, step=1.0)
    table = windows.metadata.assign(y=windows.y).groupby(["recording", "y"]).size().unstack()
    assert table.notna().all().all()
    assert table.to_numpy().min() == table.to_numpy().max()
    assert len(table) > len(windows.subjects)
    starts = windows.metadata.assign(y=windows.y).groupby(["recording", "y"])["start"].min().unstack()
    orders = {tuple(np.argsort(row)) for row in starts.to_numpy()}
    assert len(orders) > 1


@pytest.mark.parametrize(("simulate", "modality"), [(simulate_eeg, "eeg"), (simulate_emg, "emg")])
def test_a_linear_classifier_does_well_on_strangers_but_not_perfectly(simulate: Any, modality: str) -> None:
    windows = cut_windows(simulate(seed=0))
    features = _band_powers(windows, BANDS[modality]).reshape(len(windows), -1)
    scores = cross_val_score(
        LinearDiscriminantAnalysis(),
        features,
        windows.y,
        groups=windows.metadata["subject"],
        cv=LeaveOneGroupOut(),
    )
    chance = 1 / len(windows.classes)
    assert chance + 0.25 < scores.mean() < 0.97
    none = cut_windows(simulate(seed=0, contrast=0.0))
    features = _band_powers(none, BANDS[modality]).reshape(len(none), -1)
    empty = cross_val_score(
        LinearDiscriminantAnalysis(), features, none.y, groups=none.metadata["subject"], cv=LeaveOneGroupOut()
    )
    assert abs(empty.mean() - chance) < 0.08


def test_shared_codes_carry_a_classifier_across_modalities_and_independent_ones_do_not() -> None:
    """Log covariances of four channels: trained on EMG classes 1 to 3, tested on EEG classes 1 to 3."""

    def features(windows: Windows) -> np.ndarray:
        X = windows.X[:, :4] - windows.X[:, :4].mean(axis=2, keepdims=True)
        cov = np.einsum("nct,ndt->ncd", X, X)
        values, vectors = np.linalg.eigh(cov)
        logs = np.einsum("nab,nb,ncb->nac", vectors, np.log(values), vectors)
        flat = logs[:, *np.triu_indices(4)]
        return (flat - flat.mean(axis=0)) / flat.std(axis=0)

    def across(shared: float, seed: int) -> float:
        eeg, emg = simulate_pair(
            n_subjects=6, shared=shared, seed=seed, eeg={"contrast": 5.0, "blink_rate": 0.0, "mains": None},
            emg={"classes": 3, "n_chans": 4, "electrode_shift": 0, "crosstalk": 0.1},
        )  # fmt: skip
        source, target = cut_windows(emg), cut_windows(eeg)
        model = LinearDiscriminantAnalysis().fit(features(source), source.y)
        return float(model.score(features(target), target.y))

    same = [across(1.0, seed) for seed in range(3)]
    independent = [across(0.0, seed) for seed in range(3)]
    assert min(same) > 0.5
    assert np.mean(same) > np.mean(independent) + 0.15


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate_eeg(classes=11), "Use classes=10"),
        (lambda: simulate_eeg(classes="rest"), "no list of different names"),
        (lambda: simulate_emg(classes=["a", "a"]), "no list of different names"),
        (lambda: simulate_eeg(n_subjects=0), "n_subjects=0"),
        (lambda: simulate_eeg(n_chans=3), "n_chans=3"),
        (lambda: simulate_eeg(n_chans=20), "4 to 19"),
        (lambda: simulate_eeg(shared=1.2), "shared=1.2"),
        (lambda: simulate_eeg(sfreq=60.0), "Use sfreq=70"),
        (lambda: simulate_emg(sfreq=198.0), "Use sfreq=200"),
        (lambda: simulate_eeg(mains=128.0), "mains=128.0"),
        (lambda: simulate_eeg(seed=-1), "seed=-1"),
        (lambda: simulate_eeg(seed=0.5), "seed=0.5"),
        (lambda: simulate_eeg(seconds_per_class=6, n_runs=4), "Use seconds_per_class=8"),
        (lambda: simulate_eeg(n_runs=0), "n_runs=0"),
        (lambda: simulate_emg(n_repetitions=0), "n_repetitions=0"),
        (lambda: simulate_emg(crosstalk=1.0), "crosstalk=1.0"),
        (lambda: simulate_emg(electrode_shift=8), "0 to 7"),
        (lambda: simulate_emg(n_chans=3), "n_chans=3"),
        (lambda: simulate_emg(seconds=0.5), "seconds=0.5"),
        (lambda: simulate_emg(contrast=-1), "contrast=-1"),
        (lambda: simulate_emg(variability=-1), "variability=-1"),
        (lambda: simulate_emg(mains_uv=-1), "mains=None"),
        (lambda: simulate_eeg(background=-1), "background=-1"),
        (lambda: simulate_eeg(blink_rate=-1), "blink_rate=-1"),
        (lambda: latent_codes(3, modality="ecg", shared=0.5, seed=0), "modality='ecg'"),
    ],
)
def test_what_cannot_be_simulated_is_refused(call: Any, message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        call()


def test_the_rate_that_a_refusal_names_works() -> None:
    assert simulate_eeg(n_subjects=1, sfreq=70.0, mains=None)[0].sfreq == 70.0
    assert simulate_emg(n_subjects=1, sfreq=200.0)[0].sfreq == 200.0


@pytest.mark.parametrize("simulate", [simulate_eeg, simulate_emg])
def test_every_argument_is_documented(simulate: Any) -> None:
    text = inspect.getdoc(simulate) or ""
    for name in inspect.signature(simulate).parameters:
        assert f"\n{name} : " in text


@pytest.mark.parametrize(("sfreq", "seconds"), [(256.0, 9.1), (250.1, 10.3), (300.0, 8.05)])
def test_any_rate_and_length_works_silently(sfreq: float, seconds: float) -> None:
    eeg = simulate_eeg(n_subjects=1, sfreq=sfreq, seconds_per_class=seconds)
    emg = simulate_emg(n_subjects=1, sfreq=sfreq, seconds=seconds / 4)
    for recordings in (eeg, emg):
        assert len(cut_windows(recordings, length=0.7, step=0.3).subjects) == 1


def test_named_classes_and_many_electrodes() -> None:
    recordings = simulate_eeg(n_subjects=1, classes=["calm", "busy"], n_chans=19, seconds_per_class=8)
    assert recordings[0].classes == ("calm", "busy")
    assert len(recordings[0].picks) == 19
    assert np.isfinite([ch["loc"][:3] for ch in recordings[0].raw.info["chs"]]).all()
