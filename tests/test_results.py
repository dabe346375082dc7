"""Directions read back, and study folders of every format: what is upgraded, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.files import CONTENTS, read_json, write_json
from biotransfer.results import CORE, FORMAT, LONG, VERDICTS, Direction, load_results, save_results
from biotransfer.tables import with_coded_text
from tests.factories import make_results


@pytest.fixture(scope="module")
def results():
    """A study with one further way to transfer, whose tables repeat the recipe's own."""
    own = make_results(
        arms=("scratch", "transferred"), protocols=("subject",), n_subjects=3, n_seeds=1, n_epochs=1
    )

    def twice(table):
        return pd.concat([table, table.assign(variant="a + b")], ignore_index=True)

    return replace(
        own,
        recipe={**own.recipe, "methods": [{"label": "a + b", "scale": "none"}]},
        **{name: twice(getattr(own, name)) for name in CORE},
        verdict_list=[*own.verdict_list, *({**row, "variant": "a + b"} for row in own.verdict_list)],
        extras={"fits": _fits(), "nuisance": pd.DataFrame({"target": ["eeg"], "family": ["mains"]})},
    )


def _fits():
    place = {"direction": ["emg->eeg"] * 2, "network": ["mlp"] * 2, "variant": ["", "a + b"]}
    return pd.DataFrame(
        {**place, "protocol": "subject", "budget": "all", "split": "s", "fitted": 9, "outside": 0}
    )


def _packed(table):
    """The table as format 1 wrote it."""
    if "variant" not in table:
        return table
    packed = [f"{n} + {v}" if v else n for n, v in zip(table["network"], table["variant"], strict=True)]
    return table.assign(network=packed).drop(columns="variant")


def _as_format_1(folder, results):
    save_results(results, folder)
    for path in folder.glob("*.parquet"):
        _packed(pd.read_parquet(path)).to_parquet(path, index=False)
    later = ["role", "controls", "p_claim", "shared", "assay", "assay_gain", "assay_low", "assay_high",
             "assay_p", "obstacle", "preregistration", "seed_share"]  # fmt: skip
    verdicts = pd.DataFrame(results.verdict_list).drop(columns=later)
    verdicts = verdicts.assign(verdict=verdicts["verdict"].fillna("negative"), p_holm=0.04)
    write_json(folder / "verdicts.json", _packed(verdicts).to_dict("records"))
    provenance = read_json(folder / "provenance.json")
    kept = {k: v for k, v in provenance.items() if k not in ("format", "checksum")}
    write_json(folder / "provenance.json", kept)
    (folder / CONTENTS).unlink()


def test_a_direction_is_read_as_it_is_written():
    direction = Direction("same_people", "eeg")
    assert Direction.read(str(direction)) == direction
    assert direction.slug == "same_people-to-eeg"
    for text in ("emg", "emg->", "->eeg", "a->b->c", ""):
        with pytest.raises(BiotransferError, match="Expected source->target"):
            Direction.read(text)


def test_results_know_the_ends_of_every_row(results):
    ends = results.directions
    assert {text: (d.source, d.target) for text, d in ends.items()} == {
        "emg->eeg": ("emg", "eeg"),
        "eeg->emg": ("eeg", "emg"),
    }
    assert set(results.curves["direction"]) == set(ends)


def test_a_folder_says_its_format_and_gives_back_what_was_saved(results, tmp_path):
    save_results(results, tmp_path)
    assert read_json(tmp_path / "provenance.json")["format"] == FORMAT
    found = load_results(tmp_path)
    assert found.provenance == results.provenance
    assert found.verdict_list == results.verdict_list
    for name in CORE:
        was = results.__dict__[name]
        was = with_coded_text(was) if name in LONG else was
        pd.testing.assert_frame_equal(found.__dict__[name], was, check_dtype=False)


def test_packed_ways_to_transfer_of_format_1_get_their_column(results, tmp_path):
    _as_format_1(tmp_path, results)
    assert set(pd.read_parquet(tmp_path / "curves.parquet")["network"]) == {"mlp", "mlp + a + b"}
    found = load_results(tmp_path)
    save_results(results, tmp_path / "now")
    now = load_results(tmp_path / "now")
    for name in CORE:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(now, name))
    assert found.extras.keys() == now.extras.keys() == {"fits", "nuisance"}
    for name, table in found.extras.items():
        pd.testing.assert_frame_equal(table, now.extras[name])
    for old, new in zip(found.verdict_list, now.verdict_list, strict=True):
        assert list(old) == VERDICTS
        for key in ("direction", "network", "variant", "arm", "role", "difference", "p"):
            assert old[key] == new[key]
        if old["role"] == "transfer":
            assert old["verdict"] in ("positive", "not_assayable")
            assert ("judged by an older rule" in old["sentence"]) == (old["verdict"] != "positive")
        else:
            assert (old["verdict"], old["p_holm"]) == (None, None)


def test_a_later_format_is_refused_with_what_to_type(results, tmp_path):
    save_results(results, tmp_path)
    provenance = read_json(tmp_path / "provenance.json")
    for number in (FORMAT + 1, "2", None):
        write_json(tmp_path / "provenance.json", {**provenance, "format": number})
        (tmp_path / CONTENTS).unlink(missing_ok=True)
        with pytest.raises(BiotransferError, match=rf"format {number!r}.*Type: pip install --upgrade"):
            load_results(tmp_path)
