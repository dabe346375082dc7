"""Windows that are given: whether their values have a unit, and people of whom nothing can be learned."""

from dataclasses import replace

import mne
import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.quality.windows import windows_findings
from biotransfer.signals.windows import concatenate, from_epochs, open_windows, to_epochs
from biotransfer.signals.windows.checking import check_content
from biotransfer.signals.windows.disk import WindowsWriter
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare
from biotransfer.studies.running.given import keep_given
from tests.builders import make_windows

SCALED = make_windows(n_features=3, n_times=50, n_windows=3, modality="emg")
FEATURES = make_windows(n_features=6, n_windows=3)


@pytest.mark.parametrize("gain", [1e-9, 1.0, 1e6])
def test_amplitudes_that_no_electrode_gives_are_refused_unless_they_have_no_unit(gain):
    windows = replace(SCALED, X=(SCALED.X * gain).astype(np.float32))
    with pytest.raises(BiotransferError, match=r'the unit is wrong.*unit="none"'):
        check_content(windows, "windows")
    check_content(replace(windows, unit="none"), "windows")
    volts = replace(SCALED, X=(SCALED.X * 1e-5).astype(np.float32))
    check_content(volts, "windows")


def test_a_unit_is_part_of_the_windows(tmp_path):
    scaled = replace(SCALED, unit="none")
    assert scaled.digest() != SCALED.digest()
    assert set(scaled.units) == {""}
    assert scaled.take(np.arange(2)).unit == "none"
    with pytest.raises(BiotransferError, match="one unit"):
        concatenate([SCALED, scaled])
    with pytest.raises(BiotransferError, match="unit='mV' is unknown"):
        replace(SCALED, unit="mV")
    writer = WindowsWriter(tmp_path / "w")
    writer.append(scaled)
    assert writer.close().unit == open_windows(tmp_path / "w").unit == "none"


def test_epochs_say_that_their_values_have_no_unit():
    volts = replace(SCALED, X=SCALED.X * 1e-5)
    epochs = to_epochs(volts)
    z = mne.EpochsArray(
        epochs.get_data() * 1e5, epochs.info, epochs.events, event_id=epochs.event_id,
        metadata=epochs.metadata, verbose="error",
    )  # fmt: skip
    assert from_epochs(z, subject="a", modality="emg", unit="none").unit == "none"
    assert from_epochs(epochs, subject="a", modality="emg").unit == "V"
    with pytest.raises(BiotransferError, match=r"the unit is wrong.*unit='none'"):
        from_epochs(z, subject="a", modality="emg")


def _with(windows, who, change):
    X, mine = windows.X.copy(), (windows.metadata["subject"] == who).to_numpy()
    X[mine] = change(X[mine])
    return replace(windows, X=X)


@pytest.mark.parametrize("windows", [SCALED, FEATURES], ids=["signals", "features"])
def test_people_of_whom_nothing_can_be_learned_are_found(windows):
    assert not list(windows_findings(windows))
    dead = _with(windows, "s1", lambda X: np.full_like(X, 7.0))
    (found,) = windows_findings(dead)
    assert (found.kind, found.severity) == ("dead", "error")
    assert "'s1'" in found.message
    mine = (windows.metadata["subject"] == "s2").to_numpy()
    (found,) = windows_findings(windows.take(~mine | (windows.y == 1)))
    assert (found.kind, found.severity) == ("one_class", "error")
    (found,) = windows_findings(windows.take(~mine | (windows.y != 1)))
    assert (found.kind, found.severity) == ("missing_class", "warning")
    X = windows.X.copy()
    X[:, 1] = 3.0
    (found,) = windows_findings(replace(windows, X=X))
    assert (found.kind, found.severity) == ("flat", "warning")
    assert windows.names[1] in found.message


def test_a_study_names_them_before_it_trains():
    dead = replace(_with(SCALED, "s1", np.zeros_like), unit="none")
    sections = keep_given(None, {"emg": dead})
    sides = {"emg": sections["emg"], "eeg": {"data": "simulated", "n_subjects": 3}}
    recipe = load_recipe(
        {"title": "t", "question": "q?", "source": "own", "features": "time_domain", **sides}
    )
    about = prepare(recipe).sides["emg"].about
    assert [f["kind"] for f in about["findings"]] == ["dead"]
    assert about["unit"] == ""
