"""Whether features that should not carry the label carry it, and whether any network does better."""

from __future__ import annotations

import pandas as pd

from ...results import Results
from ..baselines import NUISANCE
from ..reading import arm_label, compared, ends_in, place_label, tested_label
from ..stats import SHARES, holm, mean_interval
from .common import Finding, Touch, final_values, remembered

FAMILY_TABLE = ["target", "protocol", "stage", "family", "value", "low", "high", "chance", "p", "p_holm",
                "counts", "found", "arm", "arm_value", "behind"]  # fmt: skip
_HUM = 3.0
_WORDS = {"all": "all families together", "order": "session, day and rank of the recording"}


@remembered
def family_table(results: Results) -> pd.DataFrame:
    """Return every family of nuisance features beside the best arm of its target and rule.

    Parameters
    ----------
    results : Results
        A study with the tables ``nuisance`` and ``nuisance_tests``.

    Returns
    -------
    DataFrame
        The columns of ``FAMILY_TABLE``: balanced accuracy (mean over people) with its 95 % interval, chance,
        p and its Holm adjustment over the families that count; ``counts`` is False where a family is the
        signal itself; ``found`` says that it tells the classes apart; ``arm``
        and ``arm_value`` name the best arm, ``behind`` says by how much the family stays behind it.
    """
    if "nuisance" not in results.extras:
        return pd.DataFrame(columns=FAMILY_TABLE)
    results = results.at_largest_budget()
    asked, tests = compared(results), results.extras["nuisance_tests"]
    finals, rows = final_values(results, "balanced_accuracy"), []
    keys = ["target", "protocol", "stage", "family"]
    people = results.extras["nuisance"].groupby([*keys, "subject"], sort=False, observed=True)
    means = people[["balanced_accuracy", "chance"]].mean()
    for key, part in means.groupby(level=keys, sort=False):
        target, protocol, stage, family = map(str, key)
        values = part["balanced_accuracy"].droplevel(keys)
        test = tests[(tests[keys] == list(key)).all(axis=1)].iloc[0]
        low, high = mean_interval(values, limits=SHARES)
        signal_in = () if family == "all" else NUISANCE[family].facts["signal_in"]
        arm, level = _best_arm(results, finals, target, protocol, values.index)
        rows.append(
            {
                **dict(zip(keys, (target, protocol, stage, family), strict=True)),
                "value": float(values.mean()), "low": low, "high": high,
                "chance": float(part["chance"].mean()), "p": float(test["p"]), "p_holm": float("nan"),
                "counts": results.data[target]["modality"] not in signal_in ,
                "arm": arm, "arm_value": level, "behind": level - float(values.mean()),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    for _, part in table[table["counts"] & table["p"].notna()].groupby(keys[:3]):
        table.loc[part.index, "p_holm"] = holm(part["p"])
    significant = (table["p_holm"] < asked.alpha) | (table["p"].isna() & (table["low"] > table["chance"]))
    table["found"] = table["counts"] & significant & (table["value"] > table["chance"] + asked.margin)
    return table[FAMILY_TABLE]


def _best_arm(
    results: Results, finals: pd.DataFrame, target: str, protocol: str, people: pd.Index
) -> tuple[str, float]:
    """Return the arm of all directions and networks that is best on these people, and its mean."""
    here = finals["direction"].isin(ends_in(results, target)) & (finals["protocol"] == protocol)
    part = finals[here & finals["subject"].isin(people)]
    if part.empty:
        return "", float("nan")
    means = part.groupby(["arm", "direction", "network", "variant"])["value"].mean()
    arm, direction, network, variant = means.idxmax()
    return f"{arm_label(arm)} ({place_label(direction, network, variant)})", float(means.max())


def _judge(results: Results, table: pd.DataFrame, subject: str) -> Finding | None:
    """Say what the found families of ``table`` reach; None where none was found."""
    margin, texts, severity = compared(results).margin, [], "note"
    notched = family_table(results)
    notched = notched[notched["stage"] == "notch"].set_index(["target", "protocol", "family"])["value"]
    for (target, protocol), part in table[table["found"]].groupby(["target", "protocol"], sort=False):
        as_good = not (part["behind"] > margin).all()
        severity = "warning" if as_good else severity
        said = []
        for _, row in part.sort_values("value", ascending=False).iterrows():
            p = "" if pd.isna(row["p_holm"]) else f"p = {row['p_holm']:.2g} after Holm"
            key = (target, protocol, row["family"])
            quiet = f"after a notch filter {100 * notched[key]:.1f} %" if key in notched.index else ""
            inside = ", ".join(text for text in (p, quiet) if text)
            said.append(
                f"{_spoken(results, row)} {100 * row['value']:.1f} %" + (f" ({inside})" if inside else "")
            )
        first = part.iloc[0]
        texts.append(
            f"{tested_label(target, protocol)}"
            f" (chance {100 * first['chance']:.1f} %): {', '.join(said)}; the best "
            f"arm, {first['arm']}, reaches {100 * first['arm_value']:.1f} %"
        )
    if not texts:
        return None
    end = (
        "No arm does clearly better, so what was learned may be the conditions of recording."
        if severity == "warning"
        else "At least one arm does clearly better."
    )
    return severity, f"{subject} {'; '.join(texts)}. {end}"


def _spoken(results: Results, row: pd.Series) -> str:
    """Name what a family measures."""
    if row["family"] == "mains":
        facts = results.data[row["target"]]["nuisance"]
        freqs = " and ".join(f"{freq:g}" for freq in facts["harmonics"])
        return f"the power at {freqs} Hz of {len(facts['ch_names'])} channels alone reaches"
    return _WORDS.get(row["family"], str(row["family"]))


def mains_carries_label(results: Results) -> Finding:
    """Classify the unfiltered windows by the power of the mains hum alone, with the folds of the study.

    It is found where the hum stands out (in the median recording its strongest channel holds 3 times the
    power of its neighbors), balanced accuracy exceeds chance by more than the margin, and p < alpha after
    Holm over all families, by permuting the labels of whole recordings inside people (where training and
    test share people that null does not hold: the 95 % interval over people has to lie above chance). A
    warning where the best arm is ahead by no more than the margin, a note where it is.
    """
    mains, loud = _hum(results)
    if mains.empty:
        return _not_measured(results)
    hum = {target: results.data[target]["nuisance"] for target in mains["target"].unique()}
    found = _judge(results, loud, "Mains hum tells the classes apart.")
    if found is not None:
        return found
    said = [
        f"{t}: at {facts['line']:g} Hz {facts['ratio']:.2g} times the neighbors' power"
        for t, facts in hum.items()
    ]
    return "ok", f"Mains hum does not tell the classes apart ({'; '.join(said)})."


def _hum(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of mains hum before any filter, and those of them where it stands out."""
    table = family_table(results)
    mains = table[(table["family"] == "mains") & (table["stage"] == "raw")]
    return mains, mains[[results.data[target]["nuisance"]["ratio"] >= _HUM for target in mains["target"]]]


def touched_by_mains(results: Results) -> list[Touch]:
    """Return the targets and split rules where mains hum was found."""
    _, loud = _hum(results)
    return [{"target": row["target"], "protocol": row["protocol"], "source": ""}
            for _, row in loud[loud["found"]].iterrows()]  # fmt: skip


def nuisance_carries_label(results: Results) -> Finding:
    """Do the same with level, drift, blinks, contact, order and all of the signal's families together.

    Before any filter; decided as for mains hum. Order is when a recording was made: session, day and rank.
    Families that are the signal itself are not held against a network, but the level of an EMG stands beside
    a control without level: a note where level tells the classes apart by more than the margin better than
    what is left without it and the best arm is not above the level by more than the margin.
    """
    table = family_table(results)
    others = table[(table["family"] != "mains") & (table["stage"] == "raw")]
    if others.empty:
        return _not_measured(results)
    found = _judge(results, others, "Features that should not carry the label carry it.")
    level = _level_alone(results, others)
    if found is not None:
        return found[0], f"{found[1]} {level}".strip()
    said = "Level, drift, blinks, contact and order do not tell the classes apart."
    return ("note", level) if level else ("ok", said)


def _level_alone(results: Results, table: pd.DataFrame) -> str:
    """Say where the level of an EMG reaches what the best arm does, and the signal without level does not."""
    margin, texts = compared(results).margin, []
    for (target, protocol), part in table.groupby(["target", "protocol"], sort=False):
        rows = part.set_index("family")
        if not {"amplitude", "pattern"} <= set(rows.index):
            continue
        level, rest = rows.loc["amplitude"], rows.loc["pattern"]
        if level["value"] > rest["value"] + margin and not level["behind"] > margin:
            texts.append(
                f"{tested_label(target, protocol)}"
                f": the level alone reaches {100 * level['value']:.1f} %, the signal "
                f"with its level taken away {100 * rest['value']:.1f} %, the best arm, {level['arm']}, "
                f"{100 * level['arm_value']:.1f} %"
            )
    return f"What was learned may be effort: {'; '.join(texts)}." if texts else ""


def _not_measured(results: Results) -> Finding:
    cut = [name for name, facts in results.data.items() if facts.get("given") == "windows"]
    if results.recipe.get("nuisance") and cut:
        said = "Not measured: the unfiltered signal is not there, since windows were given"
        return "note", f"{said} ({', '.join(cut)}). What it would rule out stays possible."
    if results.recipe.get("nuisance"):
        return "ok", "None of these features exists in these recordings."
    return "note", "Not measured: the recipe says nuisance: false. What it would rule out stays possible."
