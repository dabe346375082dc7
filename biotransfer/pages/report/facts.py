"""Tables and lists of facts: what was carried over, sources, data, provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ...evidence.reading import arm_label, arms_of, direction_label, network_label, protocol_label
from ...results import Results
from ...transfer.carry import known_arms
from ...transfer.pretrain import METHODS
from ..figures.carried import carried_shares, distinct_shares
from . import text as write
from .table import Cell, Row, Table, table

_SOURCE_KINDS = {
    "supervised": "the source with its labels",
    "shuffled_labels": "the source, labels permuted",
    "noise": "surrogate noise",
    "phase": "the source, phases randomised",
    "simulated": "simulated signals",
    "own_donors": "other people of the target's own set",
    "same_modality": "other people of the target's modality",
}


def source_table(results: Results) -> Table | None:
    """Return what source networks reach on people they were not trained on."""
    if results.sources.empty:
        return None
    rows: list[Row] = []
    keys = ["direction", "network", "variant", "source", "method"]
    groups = results.sources.groupby(keys, sort=False, observed=True)
    for (direction, network, variant, kind, method), part in groups:
        balanced = part["balanced_accuracy"]
        rows.append(
            [
                direction_label(results.directions[str(direction)]),
                network_label(network, variant),
                _SOURCE_KINDS.get(str(kind), arm_label(str(kind))),
                _method(str(method)),
                write.whole(len(part)),
                write.level(balanced.mean(), "balanced_accuracy"),
                write.level_range(balanced.min(), balanced.max(), "balanced_accuracy"),
                write.level(part["accuracy"].mean(), "accuracy"),
                write.level(part["chance"].mean(), "accuracy"),
                "; ".join(dict.fromkeys(str(s) for s in part["subjects"])),
            ]
        )
    columns = {
        "direction": False, "network": False, "trained on": False, "method": False, "networks": True,
        "balanced accuracy": True, "lowest to highest": True, "accuracy": True, "chance": True,
        "tested on": False,
    }  # fmt: skip
    caption = (
        "Source networks on people, or where there is one on recordings, that they were not trained on; "
        "those of methods that read no labels by a ridge classifier on what their head would see."
    )
    return table(columns, rows, caption)


def _method(label: str) -> str:
    """Write a method of pretraining, and whether a probe had to read its network."""
    name = label.partition(" ")[0]
    probed = name in METHODS and not METHODS[name].facts["labels"]
    return f"{label.replace('_', ' ')}{', by a probe' if probed else ''}"


def guide_table(results: Results) -> Table:
    """Return what each arm starts from."""
    known = known_arms(results.recipe["arms"])
    rows: list[Row] = []
    for arm in arms_of(results):
        name = arm_label(arm)
        if arm in known:
            source = known[arm].entry.source
            linked = write.linked("" if source == "own" else source)
            rows.append([name, known[arm].role.replace("_", " "), known[arm].summary, linked])
        else:
            rows.append([name, "", "not in this version's catalog", ""])
    columns = {"arm": False, "role": False, "starts from": False, "source": False}
    return table(columns, rows, "What each arm starts from; head and batches are the same in all.")


def ledger_table(results: Results, direction: str) -> Table:
    """Return shares of parameters by what was done with them."""
    shares = carried_shares(results, direction)
    actions = [a for a in shares.columns if a not in ("trained", "parameters") and shares[a].any()]
    rows: list[Row] = []
    seen: set[str] = set()
    for condition, part in distinct_shares(shares):
        network = network_label(condition.network, condition.variant)
        rows.append(f"{network}, {protocol_label(condition.protocol)}" if network in seen else network)
        seen.add(network)
        rows += [
            [arm_label(str(arm)), write.whole(row["parameters"]), *(write.share(row[a]) for a in actions),
             write.share(row["trained"])]
            for arm, row in part.iterrows()
        ]  # fmt: skip
    columns = {"arm": False, "parameters": True, **dict.fromkeys(actions, True), "trained": True}
    return table(
        columns, rows, "Share of each arm's parameters by where it comes from, and share that trains."
    )


def tensor_table(results: Results, direction: str) -> Table:
    """Return the transferred arm's ledger, tensor by tensor."""
    part = results.ledger[results.ledger["direction"] == direction]
    arms = list(dict.fromkeys(part["arm"]))
    arm = "transferred" if "transferred" in arms else arms[0]
    part = part[part["arm"] == arm].drop_duplicates(["network", "variant", "tensor", "action", "reason"])
    rows = [
        [network_label(r["network"], r["variant"]), r["tensor"], r["part"], r["action"],
         "yes" if r["trained"] else "no",
         write.whole(r["parameters"]), str(r["reason"])]
        for r in part.to_dict("records")
    ]  # fmt: skip
    columns = {
        "network": False, "tensor": False, "part": False, "action": False, "trains": False,
        "parameters": True, "why": False,
    }  # fmt: skip
    return table(columns, rows, f"Ledger of the arm “{arm_label(arm)}”, tensor by tensor.")


def count_table(facts: Mapping[str, Any]) -> Table:
    """Return windows per person and class."""
    classes = list(facts["classes"])
    rows: list[Row] = [
        [str(subject), *(write.whole(n.get(c, 0)) for c in classes), write.whole(sum(n.values()))]
        for subject, n in facts["counts"].items()
    ]
    totals = [sum(n.get(c, 0) for n in facts["counts"].values()) for c in classes]
    rows.append(["all", *(write.whole(t) for t in totals), write.whole(sum(totals))])
    columns = {"person": False, **{str(c).replace("_", " "): True for c in classes}, "all ": True}
    return table(columns, rows, "Windows per person and class.")


def data_facts(facts: Mapping[str, Any]) -> list[tuple[str, Cell]]:
    """Return name and value of what is worth knowing about a data set."""
    window = facts["window"]
    features = facts.get("features")
    shown: list[tuple[str, Cell]] = [
        ("data set", f"{facts['dataset']}{' (simulated)' if facts.get('simulated') else ''}"),
        ("what", write.linked(facts.get("title") or "")),
        ("people", f"{write.whole(facts['n_subjects'])} ({', '.join(str(s) for s in facts['subjects'])})"),
        ("recordings", write.whole(facts.get("n_recordings"))),
        ("classes", ", ".join(str(c).replace("_", " ") for c in facts["classes"])),
        ("channels", f"{len(facts['ch_names'])}: {', '.join(str(c) for c in facts['ch_names'])}"),
        ("sampling", f"{facts['sfreq']:g} Hz as analyzed" if facts.get("sfreq") else ""),
        (
            "windows",
            f"{write.whole(facts['n_windows'])} of {window['length']:g} s every {window['step']:g} s",
        ),
        ("features", f"{write.whole(features['n_features'])} per window" if features else "none: signals"),
        ("citation", write.linked(facts.get("citation") or "")),
        ("origin", write.linked(facts.get("origin") or "")),
        ("license", write.linked(facts.get("license") or "")),
    ]
    return [(name, value) for name, value in shown if value and value != write.NOTHING]


def finding_table(facts: Mapping[str, Any]) -> Table | None:
    """Return what was found in the recordings before they were filtered; None when nothing was."""
    found = facts.get("findings") or []
    rows: list[Row] = [
        [f["severity"], f["kind"].replace("_", " "), write.whole(f["n"]), f["message"]] for f in found
    ]
    columns = {"severity": False, "kind": False, "times": True, "what": False}
    return table(columns, rows, "Found in the recordings as they were loaded.") if rows else None


def step_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and parameters of every preprocessing step."""
    out = []
    for step in facts.get("preprocessing_found") or facts.get("preprocessing") or []:
        given = {k: v for k, v in step.items() if k != "name" and v is not None}
        out.append((str(step["name"]), ", ".join(f"{k}={v}" for k, v in given.items())))
    return out


def provenance_facts(results: Results) -> list[tuple[str, Cell]]:
    """Return where the numbers come from."""
    facts = results.provenance
    engine = facts.get("engine") or {}
    seeds = facts.get("seeds")
    shown: list[tuple[str, Any]] = [
        ("recipe uid", facts.get("recipe_uid")),
        ("command", Markup("<code>{}</code>").format(facts["command"]) if facts.get("command") else ""),
        ("started", facts.get("started")),
        ("time", write.duration(facts.get("seconds"))),
        ("trainings", write.whole(facts.get("n_trainings"))),
        (
            "engine",
            ", ".join(f"{k}: {v}" for k, v in engine.items()) if isinstance(engine, Mapping) else engine,
        ),
        ("seeds", ", ".join(map(str, seeds)) if isinstance(seeds, list) else seeds),
        ("workers", facts.get("workers")),
        ("device", facts.get("device")),
        ("git commit", facts.get("git_commit")),
        ("Python", facts.get("python")),
        *((str(name), version) for name, version in (facts.get("versions") or {}).items()),
        ("platform", facts.get("platform")),
        ("processor", facts.get("cpu")),
        ("note", facts.get("note")),
    ]
    return [
        (name, value if isinstance(value, Markup) else str(value))
        for name, value in shown
        if value not in (None, "", write.NOTHING)
    ]


def file_table(results: Results) -> Table | None:
    """Return data files and the hash of the windows cut from them."""
    files = results.provenance.get("data_files") or {}
    rows: list[Row] = []
    for name, facts in files.items():
        uid = facts.get("windows_sha256") or facts.get("sha256") or ""
        rows.append([str(name), write.whole(facts.get("n_files")), Markup("<code>{}</code>").format(uid)])
    if not rows:
        return None
    return table(
        {"data": False, "files": True, "hash": False}, rows, "Data files read, and the hash of the windows."
    )
