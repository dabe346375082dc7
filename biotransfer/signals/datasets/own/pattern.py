"""How paths of files are read: who, when, and which class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ....errors import BiotransferError, check, did_you_mean

GROUPS = ("subject", "session", "run", "task", "label")
USUAL = (
    r"(?:.*/)?sub-(?P<subject>[^_/]+?)(_ses-(?P<session>[^_/]+))?(_task-(?P<task>[^_/]+))?"
    r"(_[^/]*?run-(?P<run>[^_./]+))?(_[^/]*?)?(-raw[^/]*)?\.{suffix}"
)
"""Names after the manner of BIDS."""
_TOKEN = re.compile(
    r"\{(?P<group>\w+)(?::(?P<inner>(?:[^{}]|\{[^{}]*\})+))?\}|(?P<stars>\*\*?)|(?P<open>\[)|(?P<close>\])"
)


@dataclass(frozen=True)
class Named:
    """What the path of a file says; "" for what it does not say."""

    subject: str = ""
    session: str = ""
    run: str = ""
    task: str = ""
    label: str = ""


@dataclass(frozen=True)
class Pattern:
    """A pattern of paths.

    Parameters
    ----------
    written : str
        As it was given, for messages.
    expression : re.Pattern
        What a whole path has to match, relative to the folder, with slashes.

    Examples
    --------
    >>> read_pattern("{subject}/day{session}/R_{run}_C_{label}.csv").match("S1/day2/R_0_C_7.csv")
    Named(subject='S1', session='2', run='0', task='', label='7')
    """

    written: str
    expression: re.Pattern[str]

    def match(self, path: str) -> Named | None:
        """Return what a path says; None where it does not fit."""
        found = self.expression.fullmatch(path)
        if found is None:
            return None
        return Named(**{name: value for name, value in found.groupdict().items() if value})

    def names(self, group: str) -> bool:
        """Whether it has a group."""
        return group in self.expression.groupindex


@cache
def read_pattern(written: str) -> Pattern:
    """Return the pattern that a text describes: braces, or a regular expression with named groups.

    Raises
    ------
    BiotransferError
        For a group of another name, or a text that is no pattern.
    """
    raw = "(?P<" in written
    expression = written if raw else _translate(written)
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise BiotransferError(
            f"pattern={written!r} is no pattern ({error}). Write for example "
            "'{subject}/day{session}/R_{run}_C_{label}.csv'."
        ) from error
    for name in compiled.groupindex:
        check(
            name in GROUPS,
            f"pattern={written!r}: {name!r} is unknown.{did_you_mean(name, GROUPS)} "
            f"Use some of: {', '.join(GROUPS)}; * for what says nothing.",
        )
    return Pattern(written, compiled)


def usual_pattern(suffixes: tuple[str, ...]) -> Pattern:
    """Return the pattern that holds where none is given, of files with one of some endings."""
    endings = "|".join(re.escape(suffix.removeprefix(".")) for suffix in suffixes)
    return Pattern("sub-XX[_ses-YY][_run-ZZ]", re.compile(USUAL.replace("{suffix}", f"(?:{endings})")))


def _translate(written: str) -> str:
    """Return a readable pattern as a regular expression."""
    out: list[str] = []
    seen: set[str] = set()
    position = depth = 0
    for token in _TOKEN.finditer(written):
        out.append(re.escape(written[position : token.start()]))
        position = token.end()
        group = token["group"]
        if group is not None and group in seen:
            out.append(f"(?P={group})")
        elif group is not None:
            seen.add(group)
            out.append(f"(?P<{group}>{token['inner'] or '[^/]+?'})")
        elif token["stars"]:
            out.append(".*" if token["stars"] == "**" else "[^/]*")
        else:
            depth += 1 if token["open"] else -1
            check(depth >= 0, f"pattern={written!r} closes a bracket that it does not open. Write [...].")
            out.append("(?:" if token["open"] else ")?")
    check(depth == 0, f"pattern={written!r} opens a bracket that it does not close. Write [...].")
    rest = written[position:]
    check(
        "{" not in rest and "}" not in rest,
        f"pattern={written!r} has a brace that stands alone. Write {{subject}}.",
    )
    return "".join([*out, re.escape(rest)])
