"""Two studies side by side: what differs, and the shift of every claim over the same people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import biotransfer as bt
from biotransfer.pages.report import write_comparison
from tests.factories import make_results


@pytest.fixture(scope="module")
def results():
    return make_results()


def test_a_study_does_not_differ_from_itself(results):
    found = bt.compare_studies(results, results)
    assert found.differences == []
    claims = [row for row in results.verdict_list if row["verdict"] is not None]
    assert len(found.pairs) == len(claims)
    assert all(pair.shift == 0 and pair.change.startswith("both") for pair in found.pairs)


def test_a_planted_gain_is_the_shift_of_its_claim_alone(results):
    curves = results.curves.copy()
    hit = (curves["arm"] == "transferred") & (curves["split_part"] == "test")
    hit &= (curves["direction"] == "emg->eeg") & (curves["metric"] == "balanced_accuracy")
    curves.loc[hit, "value"] += 0.03
    other = replace(results, curves=curves, recipe={**results.recipe, "title": "another"})
    found = bt.compare_studies(results, other)
    assert [(one.where, one.what) for one in found.differences] == [("recipe", "title")]
    for pair in found.pairs:
        planted = pair.claim["direction"] == "emg->eeg" and pair.claim["arm"] == "transferred"
        assert pair.shift == pytest.approx(0.03 if planted else 0.0, abs=1e-9)
        assert pair.n_shared == len(set(results.data[pair.claim["direction"][-3:]]["subjects"]))
        assert not planted or pair.low == pytest.approx(0.03, abs=1e-6)


def test_other_people_have_no_shift(results):
    data = {name: {**side, "dataset": "elsewhere"} for name, side in results.data.items()}
    found = bt.compare_studies(results, replace(results, data=data))
    assert {pair.shift for pair in found.pairs} == {None}
    assert {pair.shift_label for pair in found.pairs} == {"no people in common"}
    assert {one.where for one in found.differences} == {"data"}


def test_a_claim_of_one_study_says_so(results):
    fewer = [row for row in results.verdict_list if row["arm"] != "frozen_body"]
    found = bt.compare_studies(results, replace(results, verdict_list=fewer))
    alone = [p for p in found.pairs if p.claim["arm"] == "frozen_body"]
    assert {p.change for p in alone} == {"only in the first study"}
    both = len(found.pairs) - len(alone)
    said = f"0 of {both} claims that both make came to another verdict; {len(alone)} only in the first."
    assert found.answer == said
    nothing = bt.compare_studies(results, replace(results, verdict_list=[]))
    assert nothing.answer == f"No claim is made by both; {len(found.pairs)} only in the first."


def test_page_text_and_plain_values_say_the_same(results, tmp_path):
    changed = replace(results, recipe={**results.recipe, "seeds": 77})
    found = bt.compare_studies(results, changed)
    page = write_comparison(found, tmp_path / "c.html").read_text(encoding="utf-8")
    text = "\n".join(found.lines())
    assert all(pair.label in page and pair.label in text for pair in found.pairs)
    assert ">77<" in page
    assert "-> 77" in text
    assert np.isfinite([one["shift"] for one in found.plain()["claims"]]).all()
    assert "<table" in found._repr_html_()


def test_what_is_no_study_is_refused(tmp_path):
    with pytest.raises(bt.BiotransferError, match="is no finished study"):
        bt.compare_studies(tmp_path, tmp_path)
