"""Every check speaks when its fault is there and is silent when it is not."""

import itertools
from dataclasses import replace

import pandas as pd
import pytest

from biotransfer.evidence.checks import CHECKS, run_checks
from biotransfer.results import FITS, NUISANCE, NUISANCE_TESTS, Results
from biotransfer.transfer.carry import resolve_arm

ARMS = ["scratch", "transferred", "frozen_body", "permuted", "redrawn", "shuffled_source", "noise_source"]


def _clean() -> Results:
    """Eight people, a settled curve, transferred gains 5 points, controls nothing."""
    rows = []
    for arm in ARMS:
        gain = 0.05 if arm in ("transferred", "frozen_body") else 0.0
        for subject, seed, epoch in itertools.product(range(8), range(2), range(9)):
            value = 0.33 if epoch == 0 else 0.7 + gain + 0.001 * subject + 0.0001 * seed
            for metric in ("accuracy", "balanced_accuracy"):
                split = f"subject={subject}"
                row = (
                    "emg->eeg",
                    "mlp",
                    "",
                    "subject",
                    "all",
                    arm,
                    split,
                    str(subject),
                    seed,
                    epoch * 10,
                    epoch,
                )
                rows.append((*row, "test", metric, value))
    curves = pd.DataFrame(
        rows,
        columns=[
            "direction",
            "network",
            "variant",
            "protocol",
            "budget",
            "arm",
            "split",
            "subject",
            "seed",
            "step",
            "epoch",
            "split_part",
            "metric",
            "value",
        ],
    )
    ledger = pd.DataFrame(
        [
            (
                "emg->eeg",
                "mlp",
                "",
                "subject",
                arm,
                tensor,
                part,
                "fresh" if part == "head" else "copied",
                True,
                n,
                "",
            )
            for arm in ARMS[1:]
            for tensor, part, n in (("stem_0.weight", "stem", 100), ("head.weight", "head", 10))
        ],
        columns=[
            "direction",
            "network",
            "variant",
            "protocol",
            "arm",
            "tensor",
            "part",
            "action",
            "trained",
            "parameters",
            "reason",
        ],
    )
    sources = pd.DataFrame(
        [("emg->eeg", "mlp", "", "", "supervised", "supervised", 0, "a, b, c, d", 10, 0.8, 0.8, 0.25)],
        columns=[
            "direction",
            "network",
            "variant",
            "protocol",
            "source",
            "method",
            "seed",
            "subjects",
            "windows",
            "accuracy",
            "balanced_accuracy",
            "chance",
        ],
    )
    side = {
        "dataset": "x",
        "classes": ["a", "b", "c"],
        "counts": {str(i): dict.fromkeys("abc", 20) for i in range(8)},
        "notes": [],
        "n_recordings": 48,
        "n_subjects": 8,
        "simulated": False,
    }
    verdicts = [
        {
            "direction": "emg->eeg",
            "network": "mlp",
            "variant": "",
            "protocol": "subject",
            "budget": "all",
            "arm": arm,
            "role": resolve_arm(arm).role,
            "against": "scratch",
            "controls": ["permuted", "redrawn"],
            "n_subjects": 9,
            "n_seeds": 5,
            "seed_share": 0.2,
            "ci_low": 0.04,
            "ci_high": 0.06,
            "verdict": "positive",
            "difference": 0.05 if arm in ("transferred", "frozen_body") else 0.0,
        }
        for arm in ARMS[1:]
    ]
    families = [("mains", 0.36, 0.3), ("amplitude", 0.4, 0.06)]
    nuisance = pd.DataFrame(
        [
            ("eeg", "subject", stage, family, f"subject={i}", str(i), 4, 60, value, value + 0.001 * i, 1 / 3)
            for family, value, _ in families
            for stage in ("raw", "notch")
            for i in range(8)
        ],
        columns=NUISANCE,
    )
    tests = pd.DataFrame(
        [
            ("eeg", "subject", stage, family, 8, value, 1 / 3, 0.4, p, 1999)
            for family, value, p in families
            for stage in ("raw", "notch")
        ],
        columns=NUISANCE_TESTS,
    )
    hum = {"line": 50.0, "ratio": 40.0, "harmonics": [50.0, 100.0], "ch_names": ["a"]}
    side |= {"modality": "eeg", "nuisance": hum}
    recipe = {
        "nuisance": {"families": ["mains", "amplitude"]},
        "directions": ["emg->eeg"],
        "split": [{"by": "subject"}],
        "arms": [{"name": arm} for arm in ARMS],
        "compare": {"alpha": 0.05, "metric": "balanced_accuracy", "against": "scratch", "margin": 0.02},
    }
    data = {"eeg": side, "emg": dict(side)}
    fits = pd.DataFrame([("emg->eeg", "mlp", "", "subject", "all", "subject=0", 70, 0)], columns=FITS)
    extras = {"nuisance": nuisance, "nuisance_tests": tests, "fits": fits}
    return Results(recipe, curves, curves, ledger, sources, data, {}, verdicts, extras=extras)


def _values(results, rows, value):
    curves = results.curves.copy()
    curves.loc[rows(curves), "value"] = value
    return replace(results, curves=curves)


def _carried(results, family, value):
    nuisance, tests = (results.extras[name].copy() for name in ("nuisance", "nuisance_tests"))
    nuisance.loc[nuisance["family"] == family, "balanced_accuracy"] = value
    tests.loc[tests["family"] == family, ["balanced_accuracy", "p"]] = value, 0.0005
    return replace(results, extras={**results.extras, "nuisance": nuisance, "nuisance_tests": tests})


def _faults():
    r = _clean()
    few = [{**v, "n_subjects": 4} for v in r.verdict_list]
    yield "too_few_people", replace(r, verdict_list=few), "warning"
    gained = [{**v, "difference": 0.06} if v["arm"] == "redrawn" else v for v in r.verdict_list]
    yield "control_as_good", replace(r, verdict_list=gained), "warning"
    yield "missing_controls", replace(r, recipe={**r.recipe, "arms": [{"name": "scratch"}]}), "warning"
    yield "source_at_chance", replace(r, sources=r.sources.assign(balanced_accuracy=0.27)), "warning"
    yield "target_at_chance", _values(r, lambda c: c["epoch"] > 0, 0.34), "warning"
    yield "little_carried", replace(r, ledger=r.ledger.assign(action="fresh")), "warning"
    fresh = r.ledger.assign(action=r.ledger["action"].where(r.ledger["part"] != "stem", "fresh"))
    yield "frozen_with_fresh_stem", replace(r, ledger=fresh), "note"
    said = "same name and shape; inputs prepared otherwise: nothing more in the source, notch here"
    yield "inputs_of_weights", replace(r, ledger=r.ledger.assign(reason=said)), "warning"
    yield "still_rising", _values(r, lambda c: (c["epoch"] == 8) & (c["arm"] == "scratch"), 0.9), "warning"
    noted = {**r.data, "eeg": {**r.data["eeg"], "notes": ["x.csv stops after 3 s"]}}
    yield "data_defects", replace(r, data=noted), "note"
    yield (
        "luck_of_seeds",
        replace(
            r,
            verdict_list=[{**v, "n_seeds": 1} for v in r.verdict_list],
        ),
        "warning",
    )
    made = {**r.data, "eeg": {**r.data["eeg"], "simulated": True}}
    yield "simulated_data", replace(r, data=made), "note"
    yield "mains_carries_label", _carried(r, "mains", 0.8), "warning"
    yield "nuisance_carries_label", _carried(r, "amplitude", 0.8), "warning"
    ranked = {**r.recipe, "align": {"name": "top_k", "k": 8, "score": "anova"}}
    yield "inputs_without_meaning", replace(r, recipe=ranked), "warning"
    told = [(str(i), j // 4 % 3, (j // 4 % 3 + (i == 3)) % 3, f"{i}-{j // 4}@{j % 4}")
            for i in range(8) for j in range(48)]  # fmt: skip
    made = pd.DataFrame(told, columns=["subject", "y_true", "y_pred", "window_uid"]).assign(
        direction="emg->eeg", network="mlp", variant="", protocol="subject", budget="all", arm="scratch"
    )
    key = r.curves[r.curves["epoch"].isin([0, 8])].assign(metric="log_loss")
    lost = pd.concat([r.curves, key.assign(value=key["epoch"].map({0: 1.1, 8: 4e6}))])
    yield "trainings_diverged", replace(r, curves=lost), "error"
    two = {"machines": [{"cpu": name, "blas": ["openblas X"]} for name in "ab"]}
    yield "several_machines", replace(r, provenance=two), "note"
    yield "people_who_stand_out", replace(r, predictions=made), "warning"
    fits = r.extras["fits"].assign(outside=2)
    yield "fitted_on_test_rows", replace(r, extras={**r.extras, "fits": fits}), "error"


AFTER = [name for name, entry in CHECKS.items() if not entry.facts["before"]]
FAULTS = {name: (results, severity) for name, results, severity in _faults()}


def test_every_check_has_its_fault():
    assert set(FAULTS) == set(AFTER)


@pytest.mark.parametrize("name", AFTER)
def test_a_check_is_silent_on_clean_data_and_speaks_on_its_fault(name):
    assert CHECKS[name].function(_clean())[0] == "ok"
    results, severity = FAULTS[name]
    found, message = CHECKS[name].function(results)
    assert found == severity
    assert message.endswith(".")


def test_a_source_that_few_people_judge_is_not_called_at_chance():
    few = _clean().sources.assign(subjects="S4", balanced_accuracy=0.27)
    severity, message = CHECKS["source_at_chance"].function(replace(_clean(), sources=few))
    assert severity == "note"
    assert "not judged: 1 person to judge it by, 4 are needed" in message


@pytest.mark.parametrize(("name", "family"), [("mains_carries_label", "mains"),
                                              ("nuisance_carries_label", "amplitude")])  # fmt: skip
def test_a_nuisance_below_the_arms_is_a_note_and_without_hum_nothing(name, family):
    check = CHECKS[name].function
    behind = _carried(_clean(), family, 0.6)
    severity, message = check(behind)
    assert severity == "note"
    assert "60.0 %" in message
    assert "clearly better" in message
    assert check(_carried(_clean(), family, 0.34))[0] == "ok"
    quiet = {
        **behind.data,
        "eeg": {**behind.data["eeg"], "nuisance": {**behind.data["eeg"]["nuisance"], "ratio": 1.0}},
    }
    assert check(replace(behind, data=quiet))[0] == ("ok" if family == "mains" else "note")


def test_numbers_are_in_the_message():
    few = CHECKS["too_few_people"].function(FAULTS["too_few_people"][0])[1]
    assert "4 people" in few
    assert "0.125" in few
    assert "redrawn" in CHECKS["control_as_good"].function(FAULTS["control_as_good"][0])[1]


def test_findings_are_complete():
    findings = run_checks(_clean())
    assert [f["id"] for f in findings] == [CHECKS[name].facts["id"] for name in AFTER]
    assert sorted(entry.facts["id"] for entry in CHECKS.values()) == [
        f"C{i + 1:02d}" for i in range(len(CHECKS))
    ]
    assert all(f["question"].endswith("?") and f["how"] for f in findings)


@pytest.mark.parametrize(
    ("severities", "said"), [((), "ok"), (("note",), "note"), (("note", "error"), "warning")]
)
def test_what_was_found_in_recordings_is_said_the_worst_first(severities, said):
    r = _clean()
    found = [{"severity": s, "kind": "flat", "message": f"this is a {s}.", "n": 1} for s in severities]
    sides = {name: {**side, "notes": ["old"], "findings": found} for name, side in r.data.items()}
    severity, message = CHECKS["data_defects"].function(replace(r, data=sides))
    assert severity == said
    assert all(message.count(f"this is a {s}") <= 2 for s in severities)
    if severities:
        first = sorted(severities, key=("error", "warning", "note").index)[0]
        assert message.startswith(f"Found in the recordings: {next(iter(sides))}: this is a {first}")
