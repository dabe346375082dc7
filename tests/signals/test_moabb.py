"""MOABB: its data sets become recordings, with the real package."""

import warnings
from typing import Any

import numpy as np
import pytest

import biotransfer as bt
from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import data_files, from_moabb, load_dataset
from biotransfer.signals.datasets.moabb import need_moabb
from biotransfer.signals.recording import annotation_spans

OPTIONS = {"n_subjects": 2, "n_sessions": 2, "n_runs": 2, "n_events": 12, "duration": 60,
           "sfreq": 100, "seed": 1}  # fmt: skip


@pytest.fixture(scope="module")
def moabb() -> Any:
    return need_moabb()


def make(moabb: Any, **options: Any) -> Any:
    """One of MOABB's fake data sets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return moabb.datasets.fake.FakeDataset(**{**OPTIONS, **options})


@pytest.mark.parametrize("marked", [{"stim": True}, {"stim": False, "annotations": True}])
def test_trials_sessions_and_runs_are_those_of_moabb(moabb: Any, marked: dict[str, bool]) -> None:
    source = make(moabb, **marked)
    back = from_moabb(source)
    assert [(r.subject, r.session, r.run) for r in back] == [
        (p, s, r) for p in ("1", "2") for s in ("0", "1") for r in ("0", "1")
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = source.get_data([2])[2]["1"]["0"]
    ours = next(r for r in back if (r.subject, r.session, r.run) == ("2", "1", "0"))
    np.testing.assert_array_equal(ours.raw.get_data("eeg"), theirs.get_data("eeg"))
    assert ours.ch_names == ["C3", "Cz", "C4"]
    assert ours.classes == ("fake1", "fake2", "fake3")
    spans = annotation_spans(ours.raw)
    assert [s.description for s in spans] == ["fake1", "fake2", "fake3"] * 4
    assert {s.last - s.first for s in spans} == {300}
    assert len(bt.cut_windows(back, length=1.0, step=1.0)) == 2 * 2 * 2 * 12 * 3


def test_a_paradigm_chooses_events_and_their_stretch(moabb: Any) -> None:
    import moabb.paradigms

    paradigm = moabb.paradigms.MotorImagery(events=["fake3", "fake1"], n_classes=2, tmin=0.5, tmax=2.5)
    back = from_moabb(make(moabb), paradigm=paradigm, subjects=[1], sessions=["0"])
    assert set(back[0].classes) == {"fake1", "fake3"}
    spans, whole = (
        [s for s in annotation_spans(r.raw) if s.description in back[0].classes]
        for r in (back[0], from_moabb(make(moabb), subjects=[1])[0])
    )
    assert [(s.first, s.last) for s in spans] == [(s.first + 50, s.first + 250) for s in whole]
    with pytest.raises(BiotransferError, match="paradigm=P300 does not fit"):
        from_moabb(make(moabb), paradigm=moabb.paradigms.P300())


def test_times_count_from_the_cue(moabb: Any) -> None:
    source = make(moabb)
    source.interval = [1, 3]
    whole, part = (from_moabb(source, subjects=[1], **at)[0] for at in ({}, {"tmin": 1.5, "tmax": 2.0}))
    for one, other in zip(annotation_spans(whole.raw), annotation_spans(part.raw), strict=True):
        assert one.last - one.first == 200
        assert (other.first, other.last) == (one.first + 50, one.first + 100)


def test_what_moabb_says_of_a_data_set_is_kept(moabb: Any) -> None:
    source = make(moabb)
    source.__class__ = type("Told", (type(source),), {"metadata": moabb.datasets.BNCI2014_001.METADATA})
    source.doi = "10.1/x"
    back = from_moabb(source, subjects=[1])
    assert back.licence == "CC-BY-ND-4.0"
    assert "Michael Tangermann" in back.citation
    assert back.citation.endswith("doi:10.1/x")
    assert back[0].raw.info["line_freq"] == 50.0


def test_a_recipe_can_name_it() -> None:
    asked: dict[str, Any] = {"dataset": "FakeDataset", "modality": "eeg", "options": OPTIONS}
    back = load_dataset("moabb", **asked, subjects=[2], classes=["fake2", "fake1"])
    assert {r.subject for r in back} == {"2"}
    assert back[0].classes == ("fake2", "fake1")
    folder, files = data_files("moabb", **asked) or (None, [])
    assert folder is not None
    assert {path.name for path in files} >= {"fake.py", "base.py", "physionet_mi.py"}


REFUSED = {
    "an unknown name": ({"dataset": "BNCI2014_01"}, "Did you mean 'BNCI2014_001'"),
    "no data set": ({"dataset": 3}, "is an int. Expected a data set of MOABB"),
    "an unknown person": ({"subjects": [7]}, "'7' is not there"),
    "an unknown session": ({"sessions": ["7"]}, "'7' is not there"),
    "an unknown class": ({"classes": ["fake"]}, "'fake' is not there"),
    "no such channel": ({"modality": "emg"}, "has no good emg channel"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(moabb: Any, case: str) -> None:
    change, said = REFUSED[case]
    with pytest.raises(BiotransferError, match=said):
        from_moabb(**{"dataset": make(moabb), **change})


def test_options_that_a_data_set_does_not_take_are_refused() -> None:
    with pytest.raises(BiotransferError, match="FakeDataset does not take them"):
        load_dataset("moabb", dataset="FakeDataset", modality="eeg", options={"people": 3})


def test_an_error_of_moabb_says_how_to_see_it(moabb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, subject: int) -> Any:
        raise OSError("no network")

    monkeypatch.setattr(moabb.datasets.fake.FakeDataset, "_get_single_subject_data", fail)
    with pytest.raises(BiotransferError, match=r"subject 1 .* cannot be loaded by MOABB \(OSError: no"):
        from_moabb(make(moabb))
