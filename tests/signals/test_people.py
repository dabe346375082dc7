"""People beside each other: every planted difference is named, and what does not differ is not."""

import re
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotransfer import inspect_recordings
from biotransfer.signals.quality.facts import Facts, recording_facts
from biotransfer.signals.quality.order import best_order
from biotransfer.signals.quality.people import people_findings
from tests.recordings import make_recording

PEOPLE = tuple("abcdef")


def one(subject: str = "a", **changes: Any) -> Facts:
    facts = Facts(
        uid=f"set/sub-{subject}/ses-1/run-1",
        dataset="set",
        subject=subject,
        session="1",
        run="1",
        source_file=f"{subject}.fif",
        modality="emg",
        classes=("rest", "fist"),
        sfreq=200.0,
        n_times=4000,
        ch_names=("EMG1", "EMG2", "EMG3"),
        bads=(),
        still=(),
        amplitudes={"emg": 20.0},
        labels={"rest": (5, 10.0), "fist": (5, 10.0)},
    )
    return replace(facts, **changes)


def several(**changes: Any) -> list[Facts]:
    """All alike but the second."""
    return [one(who, **(changes if who == "b" else {})) for who in PEOPLE]


def said(facts: list[Facts]) -> list[tuple[str, str]]:
    return [(finding.kind, finding.message) for finding in people_findings(facts)]


PLANTED: dict[str, tuple[dict[str, Any], str, str]] = {
    "millivolt": ({"amplitudes": {"emg": 2e4}}, "loudness", r"'b' is 1e\+03 times louder.*another unit"),
    "nanovolt": ({"amplitudes": {"emg": 0.02}}, "loudness", r"'b' is 1e\+03 times quieter.*another unit"),
    "loud": ({"amplitudes": {"emg": 400.0}}, "loudness", "'b' is 20 times louder.*gain"),
    "spelling": ({"labels": {"Rest": (5, 10.0), "fist": (5, 10.0)}}, "spelling", r"\{'Rest': 'rest'\}"),
    "blanks": ({"labels": {"rest ": (5, 10.0), "fist": (5, 10.0)}}, "spelling", r"\{'rest ': 'rest'\}"),
    "one class": ({"labels": {"fist": (5, 10.0)}}, "one_class", "'b' has one class only, fist"),
    "points": ({"labels": {"rest": (5, 0.0), "fist": (5, 9.0)}}, "one_class", "'b' has one class only, fist"),
    "no label": ({"labels": {}}, "missing_class", "'b' has none of the classes"),
    "order": ({"ch_names": ("EMG2", "EMG1", "EMG3")}, "channels_differ", "another order, EMG2, EMG1, EMG3"),
    "missing": ({"ch_names": ("EMG1", "EMG2")}, "channels_differ", "EMG3 missing"),
    "bad": ({"ch_names": ("EMG1", "EMG2"), "bads": ("EMG3",)}, "channels_differ", "EMG3 bad"),
    "more": ({"ch_names": ("EMG1", "EMG2", "EMG3", "EMG9")}, "channels_differ", "EMG9 in no other"),
    "rate": ({"sfreq": 1000.0}, "rates_differ", "1000 Hz.*200 Hz.*sfreq: 200"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_the_one_who_differs_is_named(what: str) -> None:
    changes, kind, message = PLANTED[what]
    found = said(several(**changes))
    assert kind in {k for k, _ in found}
    text = next(m for k, m in found if k == kind)
    assert re.search(message, text), text
    assert {k for k, _ in found} <= {kind, "spelling", "one_class"}


def test_people_who_are_alike_are_not_named() -> None:
    assert not said(several())


@given(
    st.lists(st.floats(5.0, 45.0), min_size=1, max_size=12),
    st.integers(0, 11),
    st.sampled_from([1.0, 1e3, 1e-3]),
)
@settings(max_examples=80, deadline=None)
def test_only_another_unit_is_far_among_people_of_usual_spread(
    levels: list[float], which: int, factor: float
) -> None:
    """Amplitudes that differ ninefold between people are usual; a factor of a thousand is not."""
    levels = [level * (factor if i == which % len(levels) else 1.0) for i, level in enumerate(levels)]
    facts = [one(f"p{i}", amplitudes={"emg": level}) for i, level in enumerate(levels)]
    found = [f for f in people_findings(facts) if f.kind == "loudness"]
    assert len(found) == (factor != 1.0 and len(levels) > 1)
    assert all(f.severity == "error" for f in found)
    if len(levels) > 2 and found:
        assert f"'p{which % len(levels)}'" in found[0].message


def test_one_recording_of_a_person_in_another_unit_is_named() -> None:
    facts = [
        one("a", uid=f"set/sub-a/ses-1/run-{i}", amplitudes={"emg": 20.0 * (1e3 if i == 3 else 1)})
        for i in range(5)
    ]
    (found,) = said(facts)
    assert found[0] == "loudness"
    assert "run-3" in found[1]


@pytest.mark.parametrize(
    ("sessions", "days", "word"),
    [("12", ("", ""), "session"), ("11", ("2020-01-01", "2020-01-02"), "day")],
)
def test_classes_of_different_days_are_named(sessions: str, days: tuple[str, str], word: str) -> None:
    facts = [
        one(who, session=sessions[i], day=days[i], labels={name: (5, 10.0)})
        for who in PEOPLE
        for i, name in enumerate(("rest", "fist"))
    ]
    (found,) = said(facts)
    assert found[0] == "session_is_class"
    assert f"in a {word} of its own" in found[1]
    mixed = [*facts, one("g", session="3")]
    assert not said(mixed)


def test_a_class_that_one_lacks_is_named_among_three() -> None:
    classes = ("rest", "fist", "point")
    labels = dict.fromkeys(classes, (5, 10.0))
    facts = [one(who, classes=classes, labels=labels) for who in PEOPLE]
    facts[1] = replace(facts[1], labels={k: v for k, v in labels.items() if k != "point"})
    (found,) = said(facts)
    assert found == ("missing_class", "'b' lacks point, which 5 of 6 people have.")


def test_classes_that_differ_in_spelling_only_are_named() -> None:
    classes = ("rest", "Rest", "fist")
    facts = [one(who, classes=classes, labels=dict.fromkeys(classes, (5, 9.0))) for who in PEOPLE]
    (found,) = said(facts)
    assert found[0] == "spelling"


def test_inspecting_names_people_by_what_is_in_their_recordings() -> None:
    rng = np.random.default_rng(0)
    marks = [(0.0, 10.0, "a"), (10.0, 10.0, "b")]
    recordings = [
        make_recording(
            rng.normal(0, 1e-5 * (200 if who == "c" else 1), (2, 2000)), annotations=marks, subject=who
        )
        for who in PEOPLE
    ]
    found = [f for f in inspect_recordings(recordings) if f.kind == "loudness"]
    assert len(found) == 1
    assert "'c' is" in found[0].message
    assert recording_facts(recordings[0]).day == ""


@pytest.mark.parametrize(("modality", "level"), [("emg", 8000.0), ("eeg", 800.0)])
def test_a_set_that_is_louder_than_electrodes_are_is_asked_for_its_unit(modality, level):
    loud = [one(who, modality=modality, amplitudes={modality: level}) for who in PEOPLE]
    assert [kind for kind, _ in said(loud)] == ["unit"]
    assert "look whether the unit is right" in said(loud)[0][1]
    usual = [one(who, modality=modality, amplitudes={modality: level / 100}) for who in PEOPLE]
    assert not said(usual)


def mapped(who: str, rng: np.random.Generator, *, order: Any = None, n: int = 12) -> Facts:
    """A person whose channels lie on a line and move together the more, the nearer they are."""
    place = np.sort(np.random.default_rng(7).uniform(0, 4, n))
    likeness = np.exp(-np.abs(place[:, None] - place)) * rng.uniform(0.85, 1.0, (n, n))
    likeness = (likeness + likeness.T) / 2
    shown = likeness if order is None else likeness[np.ix_(order, order)]
    names = tuple(f"EMG{i + 1}" for i in range(n))
    return one(who, ch_names=names, alike=tuple(shown[np.triu_indices(n, 1)].tolist()))


@pytest.mark.parametrize("seed", range(5))
def test_exchanged_electrodes_are_named_and_whose_order_is_right_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = np.random.default_rng(seed).permutation(12)
    facts = [mapped(who, rng, order=order if who == "b" else None) for who in (*PEOPLE, "g")]
    (found,) = [f for f in people_findings(facts) if f.kind == "electrode_order"]
    assert "'b'" in found.message
    assert found.value > 0.1
    assert not [f for f in people_findings(facts[:1] + facts[2:]) if f.kind == "electrode_order"]
    assert not [f for f in people_findings(facts[:5]) if f.kind == "electrode_order"]


def test_the_best_exchanges_are_those_of_a_search_over_all_orders() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        own, others = (m + m.T for m in rng.normal(size=(2, 5, 5)))
        upper = np.triu_indices(5, 1)
        before, after, order = best_order(own, others)
        assert before == pytest.approx(np.corrcoef(own[upper], others[upper])[0, 1])
        assert after == pytest.approx(np.corrcoef(own[np.ix_(order, order)][upper], others[upper])[0, 1])
        every = [np.corrcoef(own[np.ix_(p, p)][upper], others[upper])[0, 1] for p in permutations(range(5))]
        assert before - 1e-9 <= after <= max(every) + 1e-9
        pairs = [[{i: j, j: i}.get(k, k) for k in range(5)] for i, j in combinations(range(5), 2)]
        assert after >= max(np.corrcoef(own[np.ix_(p, p)][upper], others[upper])[0, 1] for p in pairs) - 1e-9
