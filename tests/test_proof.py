"""What is stored proves itself: whatever happens to a file or to its list, it is found or harmless."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from biotransfer.files import (
    CONTENTS,
    DamagedError,
    list_contents,
    read_contents,
    read_proven,
    write_proven,
)
from tests.damages import DAMAGES

TABLE = pd.DataFrame({"a": [1.5, np.nan], "b": ["x", "y"]})


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "whole"
    (place / "below").mkdir(parents=True)
    TABLE.to_parquet(place / "table.parquet", index=False)
    (place / "below" / "facts.json").write_text('{"n": 3, "words": ["some", "more"]}')
    (place / "other.json").write_text('{"n": 4, "words": ["else", "here"]}')
    list_contents(place, of="a/b", facts={"trials": [1, 2]})
    return place


def test_what_is_as_it_was_written_is_read(folder):
    found = read_contents(folder, of="a/b")
    assert set(found.files) == {"table.parquet", "below/facts.json", "other.json"}
    assert found.facts == {"trials": [1, 2]}
    assert not found.damage()
    table = found.read_table("table.parquet")
    pd.testing.assert_frame_equal(table, TABLE, check_dtype=False, check_categorical=False)
    assert found.read_json("below/facts.json") == json.loads((folder / "below" / "facts.json").read_text())
    assert found.proven("other.json") == [folder / "other.json"]


@pytest.mark.parametrize("name", ["table.parquet", "below/facts.json", CONTENTS])
@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_of_every_file_is_found(folder, name, damage):
    for seed in range(3):
        harmed = folder.with_name(f"harmed{seed}")
        shutil.copytree(folder, harmed)
        DAMAGES[damage](harmed / name, harmed / "other.json", seed)
        if name == CONTENTS:
            with pytest.raises(DamagedError, match=CONTENTS):
                read_contents(harmed, of="a/b")
            continue
        found = read_contents(harmed, of="a/b")
        assert name in found.damage()
        for reading in (found.read, found.proven):
            with pytest.raises(DamagedError, match=name):
                reading(name)


def test_a_folder_in_the_place_of_another_is_found(folder):
    with pytest.raises(DamagedError, match="something else than 'a/c'"):
        read_contents(folder, of="a/c")


def test_what_is_not_listed_does_not_belong(folder):
    (folder / "more.json").write_text("{}")
    with pytest.raises(DamagedError, match="does not belong"):
        read_contents(folder, of="a/b").read("more.json")


@pytest.mark.parametrize(
    "value", [{}, {"a": {"b": [1, 2.5, None, float("nan")]}, "ü": "ß"}, {"n": np.int64(3)}]
)
def test_a_mapping_comes_back_and_an_edit_is_found(tmp_path, value):
    path = tmp_path / "x.json"
    write_proven(path, value)
    assert str(read_proven(path)) == str(json.loads(json.dumps(value, default=lambda v: v.tolist())))
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "b": 1}))
    with pytest.raises(DamagedError, match="other content"):
        read_proven(path)
