"""Whom the source networks learned from, and why."""

from __future__ import annotations

from ....evidence.metrics import CONDITION
from ....evidence.reading import direction_label, network_label, protocol_label
from ....results import Results
from .. import text as write
from ..table import Row, table
from .section import Section, paragraph
from .section import table as block


def selection(results: Results) -> Section | None:
    """Say, fold by fold, who was chosen, what inner validation gave, and where nothing was transferred."""
    found = results.extras.get("selection")
    if found is None or found.empty:
        return None
    keys = ["direction", *CONDITION, "split"]
    chosen: list[Row] = []
    looked: list[Row] = []
    shut, total = [], 0
    unshown = ["transfer", "window"]
    for key, part in found.groupby(keys, sort=False):
        direction, network, variant, protocol, split = map(str, key)
        label, network = direction_label(results.directions[direction]), network_label(network, variant)
        where = [
            label,
            network,
            *([protocol_label(protocol), split] if split else ["", ""]),
        ]
        mine = part[part["chosen"].astype(bool)]
        people, classes = (mine.loc[mine["what"] == what, "name"] for what in ("person", "class"))
        verdict = part[part["what"] == "transfer"].iloc[0]
        total += 1
        if verdict["name"] == "no":
            shut.append(f"{label} {network} {split}".strip())
        of_people = f"{len(people)} of {int((part['what'] == 'person').sum())}"
        chosen.append(
            [*where, f"{', '.join(people)} ({of_people})", ", ".join(c.replace("_", " ") for c in classes),
             verdict["name"], verdict["reason"]]
        )  # fmt: skip
        looked += [
            [*where, row["what"], str(row["name"]), _number(row["score"]), _number(row["error"]),
             "yes" if row["chosen"] else "no"]
            for row in part[part["score"].notna() & ~part["what"].isin(unshown)].to_dict("records")
        ]  # fmt: skip
    spoken = (
        f"In {write.counted(len(shut), 'choice')} of {total} nothing was found worth transferring: there "
        f"every arm that would start from this source starts where scratch starts ({'; '.join(shut)})."
        if shut
        else "Nowhere was transfer found not worth it."
    )
    places = dict.fromkeys(("direction", "network", "split rule", "fold"), False)
    columns = {**places, "people": False, "classes": False, "transfer": False, "why": False}
    blocks = [
        paragraph(
            "Source people and classes were chosen by training rows only, before any source network of the "
            f"study was trained. {spoken}"
        ),
        block(table(columns, chosen, "Who and what of the source was learned from.")),
    ]
    if looked:
        scores = {
            **places,
            "what": False,
            "name": False,
            "score": True,
            "standard error": True,
            "chosen": False,
        }
        caption = (
            "What the choice stands on: similarity of people (a correlation), inner gain over scratch of a "
            "number of people (balanced accuracy), distance of two classes, how many equal windows "
            "the weighted ones are worth."
        )
        blocks.append(block(table(scores, looked, caption), "The scores behind the choice"))
    return Section("selection", "Whom the source networks learned from", "selection", blocks)


def _number(value: float) -> str:
    return write.NOTHING if value != value else f"{value:.3f}"
