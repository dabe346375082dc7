"""Which files are asked for, and what tells those of one person from each other."""

from __future__ import annotations

from collections.abc import Sequence

from ..common import choose
from ..loaded import Seen
from .keys import Reading
from .labelling import check_classes
from .labels import Naming
from .listing import Found, Listing
from .naming import number_runs


def chosen_files(
    listing: Listing, reading: Reading, naming: Naming, account: Seen
) -> list[tuple[Found, str, str]]:
    """Return the files that are asked for, each with the label and the repetition that its name says."""
    known = {f.named.subject or "1" for f in listing.found}
    days = {f.named.session or "1" for f in listing.found}
    people = choose(f"subjects of {reading.path!r}", reading.subjects, known)
    sessions = choose(f"sessions of {reading.path!r}", reading.sessions, days)
    inside = reading.label_column is not None or reading.label_table is not None
    out: list[tuple[Found, str, str]] = []
    labels: set[str] = set()
    for found in listing.found:
        named = found.named
        label, repetition = naming.of_file(named.label) if named.label else ("", "")
        labels |= {label} - {""}
        if (named.subject or "1") not in people:
            account.left_out(found.path, named.subject, f"subject {named.subject} is not asked for")
        elif (named.session or "1") not in sessions:
            account.left_out(found.path, named.subject, f"session {named.session} is not asked for")
        elif named.label and not label and not inside:
            why = f"labels has no name for {named.label!r}, as its name says"
            account.left_out(found.path, named.subject, why)
        elif label and not inside and reading.classes is not None and label not in reading.classes:
            account.left_out(found.path, named.subject, f"its label {label!r} is not among classes")
        else:
            out.append((found, label, repetition))
    if labels and not inside:
        check_classes(reading.classes, labels)
    ordered = {f.path: i for i, f in enumerate(listing.found)}
    return sorted(out, key=lambda item: ordered[item[0].path])


def runs_of(chosen: Sequence[tuple[Found, str, str]]) -> dict[str, str]:
    """Return the run of every file: what its name says, else a number that tells it from others."""
    whose = [(f.named.subject or "1", f.named.session or "1") for f, _, _ in chosen]
    labels = [label for _, label, _ in chosen]
    keys = [f"{session}\n{label}\n{f.named.task}" for (f, _, _), (_, session), label
            in zip(chosen, whose, labels, strict=True)]  # fmt: skip
    numbers = number_runs([who for who, _ in whose], keys)
    counts: dict[tuple[str, str], int] = {}
    for (who, _), key in zip(whose, keys, strict=True):
        counts[who, key] = counts.get((who, key), 0) + 1
    tasks = {f.named.task for f, _, _ in chosen if f.named.task}
    out = {}
    for (found, _, repetition), (who, _), key, label, number in zip(
        chosen, whose, keys, labels, numbers, strict=True
    ):
        said = found.named.run or repetition
        parts = [
            found.named.task if len(tasks) > 1 else "",
            label,
            said or ("" if counts[who, key] == 1 else number),
        ]
        out[found.path] = "-".join(part for part in parts if part) or "1"
    return out
