"""Pictures of one recording or of windows, read back from their axes."""

import matplotlib as mpl
import mne
import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.patches import Rectangle

from biotransfer.errors import BiotransferError
from biotransfer.pages.figures import plot_before_after, plot_looks, plot_psd, plot_recording
from biotransfer.signals.datasets import from_raws
from biotransfer.signals.features import extract_features
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.windows import cut_windows
from biotransfer.studies.running.glance import glance
from tests.factories import make_results

DRAWN = (plot_recording, plot_psd, plot_before_after)


@pytest.fixture(scope="module")
def eeg():
    return simulate_eeg(n_subjects=1, mains=60.0, mains_uv=80.0, seed=1)[0]


@pytest.fixture(scope="module")
def windows(eeg):
    return cut_windows(eeg, length=1.0, step=1.0)


def _labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def _spans(ax):
    return [p for p in ax.patches if isinstance(p, Rectangle)]


@pytest.mark.parametrize("draw", DRAWN)
def test_nothing_global_is_touched_and_all_of_both_is_drawn(draw, eeg, windows, tmp_path):
    before = dict(mpl.rcParams)
    extra = {"after": windows} if draw is plot_before_after else {}
    for signals, more in ((eeg, {}), (windows, extra)):
        draw(signals, **more).savefig(tmp_path / "figure.png")
    assert dict(mpl.rcParams) == before
    assert not Gcf.get_all_fig_managers()


def test_channels_labels_and_bad_stretches_are_where_they_are(eeg):
    raw = eeg.raw.copy()
    raw.set_annotations(
        raw.annotations + mne.Annotations([1.0, 3.0], [0.5, 0.0], ["BAD blink", "EDGE boundary"])
    )
    ax = plot_recording(eeg.with_raw(raw), start=0.5, seconds=4).axes[0]
    assert _labels(ax) == eeg.ch_names
    assert ax.get_xlim() == pytest.approx((0.5, 4.5), abs=0.01)
    bad = [p for p in _spans(ax) if p.get_hatch()]
    assert [(p.get_x(), p.get_width()) for p in bad] == [(1.0, 0.5)]
    lines = [line for line in ax.lines if line.get_gid() != "scale" and len(line.get_xdata()) > 2]
    data = raw.get_data(picks=eeg.picks, start=round(0.5 * eeg.sfreq), stop=round(4.5 * eeg.sfreq)) * 1e6
    for line, values in zip(lines, data, strict=True):
        drawn = line.get_ydata()
        assert np.corrcoef(drawn, values)[0, 1] > 0.99


def test_labels_are_shaded_over_their_whole_length_in_the_color_of_the_class():
    data = np.random.default_rng(0).normal(0, 1e-5, (2, 1000))
    raw = mne.io.RawArray(data, mne.create_info(2, 100.0, "emg"), verbose="error")
    raw.set_annotations(mne.Annotations([0.0, 4.0, 8.0], [2.0, 3.0, 1.0], ["a", "b", "a"]))
    (recording,) = from_raws({"S": raw}, modality="emg", classes=["a", "b"])
    spans = _spans(plot_recording(recording).axes[0])
    assert [(p.get_x(), p.get_width()) for p in spans] == [(0.0, 2.0), (4.0, 3.0), (8.0, 1.0)]
    colors = [p.get_facecolor() for p in spans]
    assert colors[0] == colors[2] != colors[1]


def test_windows_are_drawn_with_their_classes(windows):
    ax = plot_recording(windows, seconds=6).axes[0]
    assert _labels(ax) == list(windows.names)
    assert len(_spans(ax)) == 6


@pytest.mark.parametrize(("line", "marked"), [(60.0, ["hum:60"]), (50.0, ["hum:50"]), (None, [])])
def test_hum_is_marked_where_it_is(line, marked):
    recording = simulate_eeg(n_subjects=1, mains=line, mains_uv=80.0, seed=1)[0]
    for signals in (recording, cut_windows(recording, length=1.0, step=1.0)):
        ax = plot_psd(signals).axes[0]
        assert [gid for item in ax.lines if (gid := str(item.get_gid())).startswith("hum")] == marked


def test_before_and_after_differ_where_the_filter_works(eeg):
    figure = plot_before_after(eeg, steps={"preset": "none", "mains": 60})
    before, after = [
        line.get_ydata() for line in figure.axes[-1].lines if line.get_label() in ("before", "after")
    ] or [
        line.get_ydata() for ax in figure.axes for line in ax.lines if line.get_label() in ("before", "after")
    ]
    freqs = np.arange(1, len(before) + 1)
    assert before[59] - after[59] > 20
    away = np.abs(freqs - 60) > 15
    np.testing.assert_allclose(before[away], after[away], atol=0.5)


def test_what_cannot_be_drawn_is_refused(eeg, windows):
    features = extract_features(windows, "band_power")
    for draw in DRAWN:
        for wrong, says in (([eeg], "no Recording"), (features, "are features"), (None, "no Recording")):
            with pytest.raises(BiotransferError, match=says):
                draw(wrong)
        with pytest.raises(BiotransferError, match="Use some of"):
            draw(eeg, channels=["nowhere"])
    with pytest.raises(BiotransferError, match="lies outside"):
        plot_recording(eeg, start=1e4)
    with pytest.raises(BiotransferError, match="after is missing"):
        plot_before_after(windows)
    with pytest.raises(BiotransferError, match="no length"):
        plot_recording(eeg, seconds=0)


def test_a_panel_for_every_recording_up_to_24():
    recordings = simulate_emg(n_subjects=13, seed=2)
    results = make_results()
    seen = glance(recordings)
    assert len(seen["looks"]) == min(24, len(recordings))
    results.data["emg"].update(seen, classes=list(recordings[0].classes))
    figure = plot_looks(results, "emg")
    titled = [ax for ax in figure.axes if ax.get_title(loc="left")]
    assert len(titled) == len(seen["looks"])
    with pytest.raises(BiotransferError, match="no look"):
        plot_looks(results, "eeg")
