"""Spectra keep the power of a signal, and the hum of the mains is where it should be."""

import numpy as np
import pytest

from biotransfer.signals.spectra import MAINS_HZ, harmonics, hum_bins, power_density


@pytest.mark.parametrize("by_scipy", [False, True])
@pytest.mark.parametrize(("n_times", "sfreq"), [(200, 200.0), (251, 250.0), (512, 128.0)])
def test_the_power_at_a_frequency_is_that_of_its_sine(n_times, sfreq, by_scipy):
    time = np.arange(n_times) / sfreq
    freq = round(20 * n_times / sfreq) * sfreq / n_times
    X = 5.0 + np.array([[1.0], [3.0]]) * np.sin(2 * np.pi * freq * time)
    freqs, density = power_density(X, sfreq, by_scipy=by_scipy)
    assert freqs[density.argmax(axis=-1)] == pytest.approx([freq, freq])
    assert density.sum(axis=-1) * freqs[1] == pytest.approx([0.5, 4.5])


@pytest.mark.parametrize("n_times", [150, 251])
def test_both_ways_agree_up_to_rounding(n_times):
    X = np.random.default_rng(0).normal(size=(3, 2, n_times))
    ours, theirs = (power_density(X, 100.0, by_scipy=by) for by in (False, True))
    np.testing.assert_allclose(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1][..., 1:], theirs[1][..., 1:], rtol=1e-10)


@pytest.mark.parametrize("sfreq", [128.0, 200.0, 512.0, 2000.0])
def test_what_is_called_hum_lies_below_the_nyquist_frequency(sfreq):
    freqs = np.arange(0, sfreq / 2 + 1)
    for line in MAINS_HZ:
        for freq in harmonics(line, sfreq):
            inside, beside = hum_bins(freqs, freq)
            assert freqs[inside].tolist() == [freq - 1, freq, freq + 1]
            assert beside.sum() == 8
            assert not (inside & beside).any()
        assert len(harmonics(line, sfreq)) == min(4, int((sfreq / 2 - 6.001) / line))
