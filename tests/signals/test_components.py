"""Components that are no brain are taken out, those that are stay, and what was done can be done again."""

from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.preprocessing import describe_steps, preprocess, settle_steps
from biotransfer.signals.preprocessing.components import LABELS, _decompose, _operator
from biotransfer.signals.recording import Recording
from tests.recordings import make_recording, snapshot

RATE = 200.0
NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
BY_MNE = {"name": "ica", "by": "mne", "remove": ["eye blink"], "eog": ["Fp1", "Fp2"], "components": 8}


def blinking(*, eyes: bool = True, eog: bool = False) -> Recording:
    """Return rhythms of the back of the head under blinks of the front, with or without an EOG channel."""
    rng = np.random.default_rng(0)
    n = round(30 * RATE)
    t = np.arange(n) / RATE
    front = np.array([1.0, 1.0, 0.4, 0.4, 0.15, 0.15, 0.05, 0.05, 0.02, 0.02])
    back = front[::-1] * np.array([1, 0.8] * 5)
    side = np.array([1, -1] * 5) * 0.5
    blink = sum(np.exp(-(((t - at) / 0.08) ** 2)) for at in np.arange(1.3, 30, 2.7))
    alpha = np.sin(2 * np.pi * 10 * t + 2 * np.sin(0.3 * t)) * (1 + 0.5 * np.sin(0.7 * t))
    beta = rng.laplace(size=n)
    data = np.outer(back, alpha) * 10e-6 + np.outer(side, beta) * 4e-6
    data = data + rng.standard_normal((10, n)) * 5e-7
    if eyes:
        data = data + np.outer(front, blink) * 150e-6
    types = ["eeg"] * 10
    if eog:
        data, types = np.concatenate([data, blink[None] * 200e-6]), [*types, "eog"]
    recording = make_recording(data, RATE, [(0.0, 30.0, "a")], types=types)
    names = [*NAMES, "EOG"][: len(types)]
    recording.raw.rename_channels(dict(zip(recording.raw.ch_names, names, strict=True)))
    return preprocess(recording, ["set_montage"])


@pytest.mark.parametrize("eog", [False, True])
def test_blinks_go_and_rhythms_stay(eog: bool) -> None:
    recording, truth = blinking(eog=eog), blinking(eyes=False)
    step = {**BY_MNE, "eog": [] if eog else ["Fp1", "Fp2"]}
    out = preprocess(recording, [step])
    before, after, clean = (r.raw.get_data(picks=NAMES) for r in (recording, out, truth))
    assert np.std(after[:2] - clean[:2]) < 0.25 * np.std(before[:2] - clean[:2])
    for i in (8, 9):
        assert np.corrcoef(after[i], clean[i])[0, 1] > 0.95
    if eog:
        np.testing.assert_array_equal(out.raw.get_data(picks=["EOG"]), recording.raw.get_data(picks=["EOG"]))


def test_the_matrix_does_what_mne_does() -> None:
    recording = blinking()
    for by, centered in (("mne", False), ("iclabel", True)):
        inner, solution = _decompose(recording, by, 8, 0)
        matrix, offset = _operator(inner, solution, [0, 2], centered=centered)
        raw = recording.raw.copy()
        if centered:
            raw.set_eeg_reference("average", verbose="error")
        expected = solution.apply(raw, exclude=[0, 2], verbose="error").get_data()
        np.testing.assert_allclose(
            matrix @ recording.raw.get_data() + offset[:, None], expected, atol=1e-6 * np.abs(expected).max()
        )


def test_what_was_found_is_told_and_done_again_without_decomposing(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = blinking()
    settled = settle_steps([recording], [BY_MNE])
    once = preprocess(recording, [BY_MNE])
    removed = settled[0]["found"][recording.uid]["removed"]
    assert set(removed) == {"eye blink"}
    assert f"{removed['eye blink']} eye blink of 8 components in 1 recordings" in describe_steps(settled)
    monkeypatch.setattr(mne.preprocessing, "ICA", None)
    assert snapshot(preprocess(recording, settled)) == snapshot(once)
    other = preprocess(recording, [{"name": "drop_channels", "channels": ["C3"]}])
    with pytest.raises(BiotransferError, match="found was made for channels"):
        preprocess(other, settled)


def test_nothing_removed_changes_nothing() -> None:
    recording = blinking(eyes=False)
    out = preprocess(
        recording, [{"name": "ica", "by": "iclabel", "remove": ["heart beat"], "probability": 1.0}]
    )
    expected = preprocess(recording, ["average_reference"])
    np.testing.assert_allclose(out.raw.get_data(), expected.raw.get_data(), atol=1e-10)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"by": "eye"}, "by='eye' is unknown"),
        ({"remove": ["brain"]}, "remove='brain' is unknown"),
        ({"components": 0}, "components=0"),
        ({"components": 2.5}, r"components=2\.5"),
        ({"components": 11}, "has 10 good channels for components=11"),
        ({"probability": 2.0}, r"probability=2\.0"),
        ({"correlation": -1.0}, r"correlation=-1\.0"),
        ({"by": "mne", "remove": ["eye blink"]}, "finds eye blink by a channel.*eog:"),
        ({"by": "mne", "remove": ["heart beat"]}, "finds heart beat by a channel.*ecg:"),
        ({"by": "mne", "eog": ["EOG9"], "remove": ["eye blink"]}, "has no channel 'EOG9'"),
        ({"found": {}}, "found knows 0 recordings"),
    ],
)
def test_what_cannot_be_done_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        preprocess(blinking(), [{"name": "ica", **parameters}])


def test_channels_without_a_place_and_a_package_that_is_absent_are_named(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(BiotransferError, match=r"have no position.*set_montage"):
        preprocess(make_recording(rng.standard_normal((5, 4000)) * 1e-6), ["ica"])
    monkeypatch.setattr("biotransfer.signals.preprocessing.components.find_spec", lambda name: None)
    with pytest.raises(BiotransferError, match=r"pip install 'biotransfer\[cleaning\]'"):
        preprocess(blinking(), ["ica"])


def test_real_blinks_are_known_by_name(real_data: Path) -> None:
    """Fp1 and Fp2 lose their slow deflections, the back of the head next to nothing."""
    from biotransfer.signals.datasets import load_dataset

    person = load_dataset("mental-arithmetic", data_dir=real_data, subjects=["00"])[0]
    placed = preprocess(person, ["set_montage", "average_reference"])
    settled = settle_steps([placed], [{"name": "ica", "components": 15}])
    found = settled[0]["found"][placed.uid]
    assert found["components"] == 15
    assert set(found["removed"]) <= set(LABELS)
    out = preprocess(placed, settled)
    change = np.std(out.raw.get_data(picks="eeg") - placed.raw.get_data(picks="eeg"), axis=1)
    if found["removed"]:
        assert change.max() > 0
    assert np.isfinite(out.raw.get_data()).all()
