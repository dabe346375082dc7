"""List what biotransfer needs, under which licence, and who asks for it; --write renews docs/licences.md."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
CORE = "biotransfer itself"
DEVELOPERS = ("test", "dev", "docs", "fuzz")
_SHORT = {
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
}
_HEAD = """# Licences

What is installed with biotransfer (BSD-3-Clause), and under which licence: written by
`python supply/licences.py --write` from what packages say of themselves, and tested against them. What
is copied into biotransfer, [NOTICE.txt](../biotransfer/signals/datasets/files/NOTICE.txt) names.
Extras are what `pip install 'biotransfer[NAME]'` adds; what all these need in turn is in the list that
`make sbom` writes.
"""


def licence_of(package: Distribution) -> str:
    """Return the licence that a package names, or whose text it brings."""
    facts = package.metadata
    expression = facts.get("License-Expression")
    if expression:
        return str(expression)
    classified = [
        c.rpartition(" :: ")[2] for c in facts.get_all("Classifier") or () if c.startswith("License")
    ]
    named = [_SHORT.get(name, name) for name in classified if name != "OSI Approved"]
    text = " ".join(str(facts.get("License") or "").split())
    if text and len(text) <= 40 and (not named or named == ["BSD"]):
        return text
    return ", ".join(named) or _by_text(package)


def _by_text(package: Distribution) -> str:
    """Recognize the licence whose text comes with a package."""
    for file in package.files or ():
        if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
            text = file.read_text()
            if "Redistribution and use in source and binary forms" in text:
                return f"BSD-{3 if 'either the name' in text else 2}-Clause"
            if "Permission is hereby granted, free of charge" in text:
                return "MIT"
            if "Apache License" in text and "Version 2.0" in text:
                return "Apache-2.0"
    return "not named"


def direct() -> dict[str, dict[str, Requirement]]:
    """Return the direct requirements by who asks: biotransfer itself, or an extra that users install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {CORE: project["dependencies"], **project["optional-dependencies"]}
    return {
        who: {canonicalize_name(r.name): r for r in map(Requirement, texts) if r.name != "biotransfer"}
        for who, texts in asked.items()
        if who not in DEVELOPERS
    }


def closure(names: Iterable[str]) -> dict[str, Distribution]:
    """Return packages with all that they need here, extras aside, by name."""
    found: dict[str, Distribution] = {}
    waiting = [(canonicalize_name(name), "") for name in names]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = package
        for text in package.requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                more = [(canonicalize_name(needed.name), e) for e in ("", *needed.extras)]
                waiting += [one for one in more if one not in seen]
                seen.update(more)
    return found


def page() -> str:
    """Return the page."""
    lines = [_HEAD, "| package | licence | needed by | from version |", "|---|---|---|---|"]
    rows = {}
    for who, needed in direct().items():
        for name, requirement in needed.items():
            rows.setdefault(name, [[], requirement])[0].append(who)
    for name, (asking, requirement) in sorted(rows.items()):
        lowest = re.sub("[^0-9.]", "", str(requirement.specifier))
        whom = CORE if CORE in asking else ", ".join(f"`{who}`" for who in asking)
        lines.append(f"| {name} | {licence_of(distribution(name))} | {whom} | {lowest} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main()
