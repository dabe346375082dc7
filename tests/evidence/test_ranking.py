"""The ranking of methods: its numbers are the verdicts' and the curves', its order is theirs."""

from dataclasses import replace

import numpy as np
import pytest

from biotransfer.evidence.metrics import measure_curves
from biotransfer.evidence.reading import arm_label, outcome_label
from biotransfer.evidence.verdicts import rank_methods
from biotransfer.pages.figures import plot_ranking
from biotransfer.pages.report.sections.ranking import ranking as section
from tests.factories import make_results

ARMS = ("scratch", "transferred", "frozen_body", "l2_sp", "lora", "permuted", "redrawn")


@pytest.fixture(scope="module")
def results():
    return make_results(arms=ARMS, networks=("mlp",), protocols=("subject",))


def test_gains_are_the_verdicts_and_those_over_a_control_the_curves(results):
    ranking = rank_methods(results)
    table = measure_curves(results.curves, against="scratch", metric="balanced_accuracy")
    verdicts = results.verdicts.set_index(["direction", "arm"])
    for item in ranking.to_dict("records"):
        told = verdicts.loc[(item["direction"], item["arm"])]
        assert item["gain"] == told["difference"]
        assert outcome_label(item) == outcome_label(told)
        mine = table[table["direction"] == item["direction"]]
        means = mine.pivot(index="subject", columns="arm", values="asymptote")
        if item["role"] == "transfer":
            best = means[["permuted", "redrawn"]].mean().idxmax()
            assert item["best_control"] == best
            over = means[item["arm"]] - means[best]
            assert item["over_control"] == pytest.approx(over.mean(), abs=1e-12)
            assert item["control_low"] <= over.mean() <= item["control_high"]
        else:
            assert np.isnan(item["over_control"])
    for _, part in ranking.groupby("direction"):
        assert part["gain"].is_monotonic_decreasing
        assert set(part["arm"]) == set(ARMS) - {"scratch"}
    levers = ranking.drop_duplicates("arm").set_index("arm")["lever"].to_dict()
    assert levers["transferred"] == levers["lora"] == "carry"
    assert levers["permuted"] == "control"


def test_ways_of_the_recipe_are_named_by_their_lever(results):
    def rename(table):
        return table.assign(variant="ot")

    recipe = {**results.recipe, "methods": [{"label": "ot", "align": {"name": "optimal_transport"}}]}
    other = replace(
        results,
        recipe=recipe,
        curves=rename(results.curves),
        verdict_list=[{**v, "variant": "ot"} for v in results.verdict_list],
    )
    ranking = rank_methods(other)
    assert set(ranking["variant"]) == {"ot"}
    assert set(ranking["lever"]) == {"align"}


def test_the_section_shows_them_all_and_stays_away_from_small_studies(results):
    assert section(results) is None
    arms = (*ARMS, "bss", "layerwise_decay")
    made = section(make_results(arms=arms, networks=("mlp",), protocols=("subject",)))
    tables = [block.content for block in made.blocks if block.kind == "table"]
    assert [len(one.rows) for one in tables] == [6, 6]
    assert sum(block.kind == "picture" for block in made.blocks) == 2
    ranking = rank_methods(results)
    figure = plot_ranking(ranking, results, "emg->eeg")
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    names = ranking[(ranking["direction"] == "emg->eeg") & (ranking["role"] == "transfer")]["arm"]
    assert labels == [arm_label(name) for name in names]
