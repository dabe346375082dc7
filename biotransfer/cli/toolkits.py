"""The toolkits' methods as a list and as a page: entries here, or reasons and what to use instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby

from ..catalog import Entry
from ..transfer.toolkits import METHODS_OF_TOOLKITS, Method
from ..transfer.toolkits.shown import PAIRS, PARITY
from .catalogs import catalog_of

_HEAD = """# The methods of the toolkits

Every method of ADAPT, TLlib and the Domain Adaptation Toolbox, and those named by the field's history:
where it is here, where it is valid, or why it is refused and what to use instead. From `biotransfer list
toolkits --markdown`; a name of a toolkit in a recipe is answered by the same words. *Across* is from one
modality to another, with other classes; *people* inside one modality, across people or sessions;
*unlabelled* says that it looks at target windows without labels, for a new person those of `split: {by:
new_person}` (nothing of what is tested is seen: no use is transductive); *matched* that column i has to
mean the same on both sides, or that both networks take one shape.
"""

_PAIRS = """## What simulated pairs show

For each kind one case of its own theory where it must help, and one where it must not. Shares of windows
named right, or gains over the same without it; alignments by a classifier of the aligned source, on people of
the target who were not looked at, of classes that both sides share, as no two modalities do.
"""
_PARITY = """## What the numbers are compared with

ADAPT 0.4.5 imports TensorFlow, so its numbers are stored: `tests/data/adapt_0_4_5.json`. TLlib is on no
registry, the Domain Adaptation Toolbox is Matlab: their formulas are written again, window by window, in
tests. Where ours differs from a toolkit's, `biotransfer show NAME` says how.
"""


def found_entry(method: Method) -> Entry | None:
    """Return the entry of a method here; None where it is refused."""
    return catalog_of(method.kind)[method.entry] if method.entry else None


def validity(method: Method) -> dict[str, bool]:
    """Return where a method is valid and what it needs, from the facts of its entry.

    Examples
    --------
    >>> from biotransfer.transfer.toolkits import METHODS_OF_TOOLKITS
    >>> dann = next(method for method in METHODS_OF_TOOLKITS if method.name == "DANN")
    >>> [name for name, holds in validity(dann).items() if holds]
    ['people', 'unlabelled']
    """
    entry = found_entry(method)
    assert entry is not None
    facts, needs = entry.facts, entry.facts.get("needs", ())
    person = "person_windows" in needs or bool(facts.get("person"))
    return {
        "across": not person and method.kind != "baselines",
        "people": True,
        "unlabelled": person or "unlabelled" in needs or bool(facts.get("unlabelled")),
        "matched": bool(facts.get("compares")) or bool({"source_features", "source_logits"} & set(needs)),
    }


def whose(method: Method) -> str:
    """Return whose code it is: ours, or a kept library's."""
    entry = found_entry(method)
    assert entry is not None
    return ", ".join(entry.facts["packages"]) or "ours"


def list_lines() -> Iterator[str]:
    """Yield the list as the command prints it."""
    width = max(len(method.name) for method in METHODS_OF_TOOLKITS)
    for (toolkit, group), methods in groupby(METHODS_OF_TOOLKITS, lambda m: (m.toolkit, m.group)):
        yield f"{toolkit}, {group}:"
        for method in methods:
            yield f"  {method.name:<{width}}  {_said(method)}"


def _said(method: Method) -> str:
    if method.reason:
        return f"refused: {method.reason}. Use {method.instead}"
    holds = ", ".join(name for name, yes in validity(method).items() if yes)
    entry = found_entry(method)
    assert entry is not None
    return f"{method.kind}: {method.entry} [{holds}; {whose(method)}; {entry.source}]"


def rows() -> list[dict[str, object]]:
    """Return the table as plain values."""
    found = []
    for method in METHODS_OF_TOOLKITS:
        own = {} if method.reason else {**validity(method), "code": whose(method)}
        found.append({**asdict(method), **own})
    return found


def page() -> str:
    """Return docs/toolkits.md."""
    lines = [_HEAD]
    for toolkit, methods in groupby(METHODS_OF_TOOLKITS, lambda m: m.toolkit):
        columns = "method | here | across | people | unlabelled | matched | code | source"
        lines += [f"## {toolkit}", "", f"| {columns} |", "|---" * 8 + "|"]
        refused = []
        for method in methods:
            if method.reason:
                refused.append(method)
                continue
            entry = found_entry(method)
            assert entry is not None
            holds = " | ".join("yes" if yes else "no" for yes in validity(method).values())
            here = f"`{method.kind}: {method.entry}`"
            lines.append(f"| {method.name} | {here} | {holds} | {whose(method)} | {entry.source} |")
        if refused:
            lines += ["", "| refused | why | instead |", "|---|---|---|"]
            lines += [f"| {m.name} | {m.reason} | {m.instead} |" for m in refused]
        lines.append("")
    lines += [_PAIRS, "| method | where it must help | where it must not | test |", "|---" * 4 + "|"]
    lines += [f"| {_names(p.names)} | {p.helps} | {p.idle} | `{p.test.partition('::')[0]}` |" for p in PAIRS]
    lines += ["", _PARITY, "| method | compared with | test |", "|---" * 3 + "|"]
    lines += [f"| {_names(p.names)} | {p.against} | `{p.test}` |" for p in PARITY]
    return "\n".join([*lines, ""])


def _names(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))
