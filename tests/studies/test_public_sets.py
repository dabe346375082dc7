"""The recipe of the large public sets: who is in it, what meets what, and that it pools; on stand-ins."""

from __future__ import annotations

import pytest

from biotransfer.cli import main
from biotransfer.evidence.pooling import pool_studies
from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.datasets.moabb import need_moabb
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import run_study
from biotransfer.studies.running.data import data_sections
from tests.stand_ins import EEG, EMG, SETS, patch_moabb

NAME = "definitive_public"


def test_stand_ins_have_the_facts_that_moabb_states() -> None:
    moabb = need_moabb()
    for name, facts in SETS.items():
        real = vars(moabb.datasets)[name]
        assert real.METADATA.participants.n_subjects == facts["people"]
        acquisition = real.METADATA.acquisition
        assert acquisition.sampling_rate == facts["sfreq"]
        assert set(EEG) <= set(acquisition.sensors)
        assert set(facts["emg"]) == {s for s in acquisition.sensors if s.startswith("EMG")}
        assert real().code == facts.get("code", name)


@pytest.mark.parametrize("name", ["Lee2019_MI", "Cho2017"])
def test_muscles_of_a_data_set_for_brains_are_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch_moabb(monkeypatch)
    recordings = load_dataset("moabb", dataset=name, modality="emg", subjects=[3])
    assert recordings[0].ch_names == list(EMG)
    assert {r.subject for r in recordings} == {"3"}
    assert set(recordings[0].classes) == {"left_hand", "right_hand"}


def test_nobody_gives_both_signals_and_everybody_one() -> None:
    people: dict[tuple[str, str], set[str]] = {}
    for section in data_sections(load_recipe(NAME)).values():
        name = str(section.data.parameters["dataset"])
        everyone = range(1, SETS[name]["people"] + 1)
        asked = section.data.parameters.get("subjects") or everyone
        people[name, section.modality] = set(map(str, asked))
    for name in ("Lee2019_MI", "Cho2017"):
        emg, eeg = people[name, "emg"], people[name, "eeg"]
        assert not emg & eeg
        assert len(emg) == len(eeg)
        assert emg | eeg == set(map(str, range(1, SETS[name]["people"] + 1)))
    assert len(people["PhysionetMI", "eeg"]) == 109


@pytest.mark.slow
def test_whoever_gives_both_signals_stops_the_study(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    patch_moabb(monkeypatch)
    small = ["budget.seconds=[10]", "directions=[cho_emg->cho_eeg]", "network=[mlp]", "tune=null",
             "arms=[scratch, transferred]", "split.folds=3", "sets.cho_emg.subjects=[1, 2, 3, 4, 5]",
             "sets.cho_eeg.subjects=[5, 6, 7, 8, 9, 10]"]  # fmt: skip
    asked = [word for text in small for word in ("--set", text)]
    assert main(["check", NAME, "--workers", "1", *asked]) == 2
    assert "cho_emg and cho_eeg share people: 5 (of one data set, recorded in both" in capsys.readouterr().err


@pytest.mark.slow
def test_one_command_leads_to_one_verdict_over_data_sets(tmp_path, monkeypatch) -> None:
    patch_moabb(monkeypatch)
    small = ["budget.seconds=[10]", "network=[mlp]", "train.epochs=2", "seeds=3", "split.folds=2",
             "baselines=[]", "nuisance=false", "arms=[scratch, transferred, permuted]"]  # fmt: skip
    halves = {"lee_emg": [1, 2, 3, 4], "lee_eeg": [28, 29, 30, 31], "cho_emg": [1, 2, 3, 4],
              "cho_eeg": [27, 28, 29, 30], "physionet_eeg": [1, 2, 3, 4]}  # fmt: skip
    small += [f"sets.{name}.subjects={who}" for name, who in halves.items()]
    results = run_study(load_recipe(NAME, small), tmp_path / "public").results
    assert set(results.curves["direction"]) == set(results.recipe["directions"])
    pooled = pool_studies([results])
    for row in pooled.claim_list:
        wanted = {"eeg": ["Cho2017", "Lee2019_MI", "PhysionetMI"], "emg": ["Cho2017", "Lee2019_MI"]}
        assert [share["data_set"] for share in pooled.shares_of(row)] == wanted[row["target"]]
        assert row["n_people"] == 4 * len(wanted[row["target"]])
