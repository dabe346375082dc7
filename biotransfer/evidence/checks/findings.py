"""Findings about arms, sources, people and data: each a severity and a sentence."""

from __future__ import annotations

from typing import Any

from ...learning.networks import NETWORKS
from ...results import Results
from ...transfer.align import MEASURES_MAPPING, why_no_meaning
from ...transfer.carry import ARMS, known_arms
from ...transfer.carry.inputs import BY_POSITION, OTHER_RATE, OTHERWISE, REORDERED
from ..divergence import EXPLODED, LOST, diverged_sources, diverged_trainings
from ..metrics import hold_last_values
from ..outliers import find_outliers
from ..reading import (
    arm_label,
    baseline_arm,
    compared,
    compared_metric,
    place_label,
    target_of,
    tested_label,
)
from ..stats import smallest_p
from ..verdicts import FEWEST_SEEDS, NEAR_CHANCE, judge_sources, not_judged
from .common import PLACE, Finding, Touch, final_values

_LITTLE = 0.10
_RISING = 0.02
_MOST_OF_SEEDS = 0.5
_SEVERITIES = ("note", "warning", "error")
_MOST_SAID = 3


def too_few_people(results: Results) -> Finding:
    """Compare the smallest p of the exact sign-flip test, alone and after Holm, with alpha."""
    alpha = compared(results).alpha
    verdicts = results.verdicts
    verdicts = verdicts[verdicts["role"] == "transfer"]
    texts = []
    for (direction, protocol), part in verdicts.groupby(["direction", "protocol"], sort=False):
        n = int(part["n_subjects"].iloc[0])
        lowest = smallest_p(n)
        peers = verdicts.loc[verdicts["protocol"] == protocol, "n_subjects"]
        n_tests = sum(smallest_p(int(k)) < alpha for k in peers)
        if lowest >= alpha:
            texts.append(f"{tested_label(direction, protocol)}: {n} people cannot go below p = {lowest:.3g}")
        elif lowest * n_tests >= alpha:
            texts.append(
                f"{tested_label(direction, protocol)}: {n} people cannot go below p = {lowest * n_tests:.2g} "
                f"after Holm over {n_tests} claims"
            )
    if not texts:
        return "ok", f"Every direction has enough people to reach p < {alpha:g}."
    found = "; ".join(texts)
    return "warning", f"{found}. No difference, however large, can be significant at {alpha:g} there."


def control_as_good(results: Results) -> Finding:
    """Compare every transfer arm that gains, equivalence set aside, with every control."""
    verdicts = results.verdicts
    if verdicts.empty:
        return "ok", "There is nothing to compare."
    texts = []
    for key, part in verdicts.groupby(PLACE):
        for _, row in part[part["role"] == "transfer"].iterrows():
            mine = part[part["arm"].isin(row["controls"]) & (part["against"] == row["against"])]
            as_good = mine[mine["difference"] >= row["difference"]]["arm"].tolist()
            if row["difference"] > 0 and row["verdict"] != "equivalent" and as_good:
                texts.append(
                    f"{place_label(*key)}: {', '.join(map(arm_label, as_good))} gained as much as "
                    f"{arm_label(row['arm'])} or more"
                )
    if not texts:
        ran = verdicts["role"].eq("control").any()
        return "ok", (
            "No control gained as much as an arm that gained from transfer." if ran else "No control was run."
        )
    return "warning", "; ".join(texts) + ". What was gained there needs no knowledge of the source."


def missing_controls(results: Results) -> Finding:
    """List the control arms that the recipe leaves out."""
    present = {arm["name"] for arm in results.recipe["arms"]}
    absent = [
        e.name
        for e in ARMS.values()
        if e.facts["role"] == "control" and e.facts["standard"] and e.name not in present
    ]
    if not absent:
        return "ok", "All controls ran."
    return "warning", f"Controls not run: {', '.join(absent)}. What they rule out stays possible."


def _by(method: str) -> str:
    return "" if method == "supervised" else f" by {method}"


def source_at_chance(results: Results) -> Finding:
    """Compare the source networks' balanced accuracy on unseen people with chance."""
    if results.sources.empty:
        return "ok", "No source network was needed."
    found = judge_sources(results.sources)
    weak, unknown = found[found["weak"]], found[~found["judged"]]
    texts = [
        f"{_source(r)}: {r.balanced_accuracy:.2f} against chance {r.chance:.2f}" for r in weak.itertuples()
    ]
    said = [f"Source networks near chance on unseen people: {'; '.join(texts)}."] if texts else []
    texts = [f"{_source(r)}: {not_judged(r.strangers)}" for r in unknown.itertuples()]
    said += [f"Whether these source networks are near chance is open: {'; '.join(texts)}."] if texts else []
    if not said:
        return "ok", "Every source network knows something about people it was not trained on."
    return ("note" if weak.empty else "warning"), " ".join(said)


def _source(row: Any) -> str:
    return f"{place_label(row.direction, row.network, row.variant)} ({row.source}{_by(row.method)})"


def mappings_without_meaning(results: Results) -> list[str]:
    """Say how columns meet in every mapping, of the recipe and its ways, whose columns are not the same.

    Returns
    -------
    list of str
        Direction, way and what :func:`biotransfer.transfer.align.why_no_meaning` says, each once.
    """
    recipe, texts = results.recipe, []
    for way in ({"label": ""}, *(recipe.get("methods") or [])):
        spec = way.get("align", recipe.get("align"))
        networks = [item["name"] for item in way.get("network", recipe.get("network", []))]
        if spec is None or (
            spec["name"] == "none" and all(n in NETWORKS and NETWORKS[n].facts["shared"] for n in networks)
        ):
            continue
        for key, direction in results.directions.items():
            if direction.source == direction.target:
                continue
            ends = [results.data.get(end, {}) for end in (direction.source, direction.target)]
            why = why_no_meaning(spec, *(end.get("ch_names", ()) for end in ends))
            texts += [f"{key}{' ' + way['label'] if way['label'] else ''}: {why}"] if why else []
    return list(dict.fromkeys(texts))


def inputs_without_meaning(results: Results) -> Finding:
    """List the mappings, of the recipe and its ways, in which column i of a side is not that of the other."""
    texts = mappings_without_meaning(results)
    if not texts:
        return "ok", "Column i of one side means what column i of the other means."
    return (
        "warning",
        f"{'; '.join(texts)}. {MEASURES_MAPPING[0].upper()}{MEASURES_MAPPING[1:]}.",
    )


def target_at_chance(results: Results) -> Finding:
    """Compare the best arm's balanced accuracy with chance, per direction, network and rule."""
    texts = []
    final = final_values(results, "balanced_accuracy")
    for key, part in final.groupby(PLACE):
        chance = 1.0 / len(target_of(results, str(key[0]))["classes"])
        best = part.groupby("arm")["value"].mean().max()
        if best < chance + NEAR_CHANCE:
            texts.append(f"{place_label(*key)}: best arm {best:.2f}, chance {chance:.2f}")
    if not texts:
        return "ok", "On every target at least one arm is clearly above chance."
    return "warning", "No arm learned the target: " + "; ".join(
        texts
    ) + ". Transfer cannot show where nothing does."


def little_carried(results: Results) -> Finding:
    """Compute the share of parameters that the transferred arm takes from the source."""
    table = results.ledger[results.ledger["arm"] == "transferred"]
    texts = []
    for key, part in table.groupby(PLACE[:3]):
        share = part.loc[part["action"] != "fresh", "parameters"].sum() / part["parameters"].sum()
        if share < _LITTLE:
            texts.append(f"{place_label(*key)}: {share:.0%}")
    if table.empty:
        return "ok", "No arm took the source's weights over."
    if not texts:
        return "ok", "A good part of every network carried over."
    return "warning", "Little of the network carried over: " + "; ".join(texts) + "."


def inputs_of_weights(results: Results) -> Finding:
    """Read in the ledger whether weights stood for the target's inputs: names, order, preparation."""
    given = {label for label, arm in known_arms(results.recipe["arms"]).items() if arm.weights is not None}
    table = results.ledger
    reasons = table["reason"].astype(str)
    texts: dict[str, str] = {}
    for what, severity, said in (
        (REORDERED, "note", "another order of channels or features on its card, put in the target's by name"),
        (BY_POSITION, "warning", "other channels or features on its card, paired by position"),
        (OTHERWISE, "warning", "inputs that were prepared otherwise"),
        (OTHER_RATE, "note", "inputs at another sampling rate"),
    ):
        part = table[reasons.str.contains(what, regex=False)]
        if what == BY_POSITION:
            part = part[part["arm"].isin(given)]
        for arm in dict.fromkeys(part["arm"]):
            texts[f"{arm} starts from weights with {said}"] = severity
    if not texts:
        return "ok", "No arm starts from weights that are known to stand for other inputs."
    return max(texts.values(), key=_SEVERITIES.index), f"{'; '.join(texts)}. The ledger names them."


def frozen_with_fresh_stem(results: Results) -> Finding:
    """Look for a fresh, trained stem in the ledger of frozen_body."""
    table = results.ledger
    table = table[(table["arm"] == "frozen_body") & (table["part"] == "stem") & (table["action"] == "fresh")]
    if table.empty:
        return "ok", "frozen_body trains the head alone, where it ran."
    where = sorted({place_label(r.direction, r.network, r.variant) for r in table.itertuples()})
    return "note", f"frozen_body also trains a fresh stem in {', '.join(where)}: no textbook linear probe."


def still_rising(results: Results) -> Finding:
    """Compare the baseline at the last point with its mean over the quarter of the curve before it."""
    metric, baseline = compared_metric(results), baseline_arm(results)
    table = results.curves
    table = table[(table["split_part"] == "test") & (table["metric"] == metric) & (table["arm"] == baseline)]
    texts = []
    for key, part in table.groupby(PLACE):
        curve = hold_last_values(part).groupby("epoch")["value"].mean()
        quarter = curve.iloc[-max(2, len(curve) // 4) : -1]
        if len(curve) > 2 and curve.iloc[-1] - quarter.mean() > _RISING:
            texts.append(
                f"{place_label(*key)}: +{100 * (curve.iloc[-1] - quarter.mean()):.1f} points at the end"
            )
    if not texts:
        return "ok", f"Training of {baseline} had settled."
    return "warning", f"Training of {baseline} had not settled: " + "; ".join(texts) + (
        ". A head start can look like a lasting gain there."
    )


def data_defects(results: Results) -> Finding:
    """Collect what was found in the recordings before they were filtered, the worst first.

    A channel or recording from which nothing can be learned is a warning here: the study ran without it, or
    with it. Of studies of older versions, what the loaders noticed.
    """
    found = []
    for name, side in results.data.items():
        noticed = [{"severity": "note", "message": note} for note in side["notes"]]
        found += [(f, name) for f in side.get("findings", noticed)]
    if not found:
        return "ok", "Nothing wrong was found in the recordings."
    found.sort(key=lambda item: -_SEVERITIES.index(item[0]["severity"]))
    first = "; ".join(f"{name}: {finding['message'].rstrip('.')}" for finding, name in found[:_MOST_SAID])
    rest = len(found) - _MOST_SAID
    more = f" (and {rest} more kind{'s' * (rest > 1)}, see Data)" if rest > 0 else ""
    severity = "note" if found[0][0]["severity"] == "note" else "warning"
    return severity, f"Found in the recordings: {first}{more}."


def simulated_data(results: Results) -> Finding:
    """Read the data's provenance."""
    simulated = [name for name, side in results.data.items() if side["simulated"]]
    if not simulated:
        return "ok", "All signals were recorded from people."
    return (
        "note",
        f"Simulated signals: {', '.join(simulated)}. The verdict is about the simulation, not about people.",
    )


def luck_of_seeds(results: Results) -> Finding:
    """Read in every claim how many seeds it has, and how much of its error is theirs."""
    texts = []
    for row in results.verdict_list:
        if row["role"] != "transfer":
            continue
        where = place_label(row["direction"], row["network"], row["variant"], row["protocol"], row["arm"])
        if row["n_seeds"] < FEWEST_SEEDS:
            texts.append(f"{where}: {row['n_seeds']} seed{'s' * (row['n_seeds'] > 1)}")
        elif (share := row.get("seed_share")) is not None and share > _MOST_OF_SEEDS:
            texts.append(f"{where}: {row['n_seeds']} seeds make {100 * share:.0f} % of the error")
    if not texts:
        return "ok", "What differs between seeds is small beside what differs between people."
    more = f" and {len(texts) - _MOST_SAID} more" if len(texts) > _MOST_SAID else ""
    return "warning", (
        "The luck of the seeds is not small: "
        + "; ".join(texts[:_MOST_SAID])
        + f"{more}. All people share a "
        "seed's source network: p and interval allow for it (the share of the error is told), and more seeds "
        f"narrow it; fewer than {FEWEST_SEEDS} explore."
    )


def fitted_on_test_rows(results: Results) -> Finding:
    """Compare the windows that every scaling and alignment was fitted on with the fold's training side.

    What was fitted remembers its windows; the comparison is made before every training, which does not begin
    where one of them is outside.
    """
    table = results.extras.get("fits")
    if table is None or table.empty:
        return "note", "Not recorded in this study."
    wrong = table[table["outside"] > 0]
    if wrong.empty:
        n = len(table)
        return "ok", f"All {n} scalings and alignments were fitted on training windows alone."
    first = wrong.iloc[0]
    return "error", (
        f"{len(wrong)} of {len(table)} scalings and alignments saw windows outside their training side; the "
        f"first, {place_label(*first[['direction', 'network', 'variant', 'split']])}, {first['outside']} of "
        f"{first['fitted']}."
    )


def people_who_stand_out(results: Results) -> Finding:
    """Name people at chance in every arm, exchanged labels, and verdicts that one person makes.

    See :func:`.find_outliers`: a warning where labels look exchanged or a verdict is another one without one
    person, a note where somebody is at chance.
    """
    found = find_outliers(results)
    if found.empty:
        return "ok", "No person stands out, and no verdict changes without one."
    said = found["sentence"].tolist()
    more = [f"And {len(said) - _MOST_SAID} more."] if len(said) > _MOST_SAID else []
    severity = "note" if set(found["kind"]) == {"at chance"} else "warning"
    return severity, " ".join([*said[:_MOST_SAID], *more])


def trainings_diverged(results: Results) -> Finding:
    """Compare the largest loss of every training with that before any update, see ``diverged_trainings``.

    No verdict is built on a training that exploded, though its loss is finite.
    """
    broken, sources = diverged_trainings(results.curves), diverged_sources(results.sources)
    if broken.empty and sources.empty:
        return "ok", "No training's loss exploded."
    said = []
    for (*place, arm), part in broken.groupby([*PLACE, "arm"], observed=True):
        worst = part["worst"].max()
        end = "what is no number" if worst >= LOST else f"{worst:.3g} nats"
        said.append(f"{place_label(*place, arm)}: {len(part)}, from {part['before'].median():.3g} to {end}")
    for place, part in sources.groupby([*PLACE[:3], "source"], observed=True):
        said.append(f"source networks {place_label(*place[:3])} ({place[3]}): {len(part)}")
    more = f" and {len(said) - _MOST_SAID} more" if len(said) > _MOST_SAID else ""
    return "error", (
        f"Trainings that diverged, with a loss of more than {EXPLODED:g} times that before any update: "
        f"{len(broken) + len(sources)} ({'; '.join(said[:_MOST_SAID])}{more}). No verdict is built on them."
    )


def touched_by_divergence(results: Results) -> list[Touch]:
    """Return the directions and split rules of the trainings that exploded; of source networks, all rules."""
    broken, sources = diverged_trainings(results.curves), diverged_sources(results.sources)
    places = {(str(row["direction"]), str(row["protocol"])) for _, row in broken.iterrows()}
    places |= {(str(name), "") for name in sources["direction"]}
    ends = {name: results.directions[name] for name, _ in places}
    return [{"target": ends[name].target, "protocol": protocol, "source": ends[name].source}
            for name, protocol in sorted(places)]  # fmt: skip


def several_machines(results: Results) -> Finding:
    """Read which processors computed the trials, and whether one of them rounded the windows otherwise."""
    texts = []
    machines = results.provenance.get("machines") or []
    if len(machines) > 1:
        names = [f"{one['cpu']} ({', '.join(one['blas'])})" for one in machines]
        texts.append(f"trials were computed on {len(names)} machines, {'; '.join(names)}")
    for name, side in results.data.items():
        if "rounded" in side:
            texts.append(
                f"this one made the windows of {name} from the same files with other last bits (levels of "
                f"columns differ by a part of {side['rounded']['levels']:.2g} at most)"
            )
    if not texts:
        return "ok", "One machine computed everything."
    return "note", f"Bits of several machines: {'; '.join(texts)}. They agree but for rounding."
