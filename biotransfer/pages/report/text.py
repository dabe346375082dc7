"""How numbers, names and links are written."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from typing import Any

from markupsafe import Markup, escape

from ...evidence.reading import is_share, p_label

NOTHING = "–"
_MINUS = "\u2212"
_LINK = re.compile(
    r"(https?://[^\s<>\"]+|doi:\s?10\.[^\s<>\",;]+|\b10\.\d{4,9}/[^\s<>\",;]+|arXiv:\d{4}\.\d{4,5})"
)

_MARKUP = re.compile(r"(?::[a-z]+:)?`+[.~]*([^`]*)`+")
_NAME = re.compile(r"(?<![\w./-])[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+(?![\w/]|[.-]\w)")


def missing(value: Any) -> bool:
    """Whether a number is absent: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def level(value: Any, metric: str) -> str:
    """Write a metric's value; accuracies in percent.

    Examples
    --------
    >>> level(0.62374, "balanced_accuracy"), level(None, "accuracy")
    ('62.4 %', '–')
    """
    if missing(value):
        return NOTHING
    return f"{100 * value:.1f} %" if is_share(metric) else f"{value:.3f}".replace("-", _MINUS)


def gain(value: Any, metric: str) -> str:
    """Write a difference with its sign; accuracies in points.

    Examples
    --------
    >>> gain(0.0541, "balanced_accuracy"), gain(-0.0001, "accuracy")
    ('+5.4', '0.0')
    """
    if missing(value):
        return NOTHING
    number, digits = (100 * value, 1) if is_share(metric) else (value, 3)
    if round(number, digits) == 0:
        return f"{0:.{digits}f}"
    return f"{number:+.{digits}f}".replace("-", _MINUS)


def interval(low: Any, high: Any, metric: str) -> str:
    """Write the ends of an interval of differences.

    Examples
    --------
    >>> interval(0.01, 0.07, "accuracy")
    '+1.0 to +7.0'
    """
    return NOTHING if missing(low) or missing(high) else f"{gain(low, metric)} to {gain(high, metric)}"


def level_range(low: Any, high: Any, metric: str, between: str = " to ") -> str:
    """Write two values of a metric with one unit.

    Examples
    --------
    >>> level_range(0.5, 0.625, "accuracy")
    '50.0 to 62.5 %'
    """
    if missing(low) or missing(high):
        return NOTHING
    return f"{level(low, metric).removesuffix(' %')}{between}{level(high, metric)}"


def p_value(value: Any) -> str:
    """Write a p value.

    Examples
    --------
    >>> p_value(0.0625), p_value(2e-6), p_value(1.0)
    ('0.0625', '< 0.001', '1')
    """
    return p_label(value)


def share(value: Any) -> str:
    """Write a share in whole percent, without rounding something to nothing or nearly all to all.

    Examples
    --------
    >>> share(0.992), share(0.999), share(0.0004), share(0.0)
    ('99 %', '99.9 %', '0.04 %', '0 %')
    """
    if missing(value):
        return NOTHING
    percent = 100 * value
    if percent in (0, 100) or 1 <= percent <= 99.45:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent > 1 else f"{percent:.1g} %"


def whole(value: Any) -> str:
    """Write an integer with thin spaces between thousands.

    Examples
    --------
    >>> whole(1234567) == "1\u202f234\u202f567"
    True
    """
    return NOTHING if missing(value) else f"{int(value):,}".replace(",", "\u202f")


def duration(seconds: Any) -> str:
    """Write a time span.

    Examples
    --------
    >>> duration(312.4), duration(4.2), duration(7320)
    ('5 min 12 s', '4 s', '2 h 2 min')
    """
    if missing(seconds):
        return NOTHING
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600} h {total % 3600 // 60} min"


def joined(items: Iterable[object], last: str = "and") -> str:
    """Write a list in a sentence.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def counted(n: int, noun: str) -> str:
    """Write a number and its noun.

    Examples
    --------
    >>> counted(1, "seed"), counted(3, "seed"), counted(2, "class"), counted(4, "person")
    ('1 seed', '3 seeds', '2 classes', '4 people')
    """
    plural = {"person": "people"}.get(noun, noun + ("es" if noun.endswith(("s", "x")) else "s"))
    return f"{whole(n)} {noun if n == 1 else plural}"


def spoken(text: object, names: Collection[str] | None = None) -> str:
    """Write a sentence about a study for readers: arms and rules as words, no markup of docstrings.

    Parameters
    ----------
    text : object
        The sentence.
    names : collection of str, optional
        Ids to write as words; every id where not given, as in the sentence of a verdict, which has no keys.

    Examples
    --------
    >>> spoken("The arm frozen_body gained 2.1 points")
    'The arm frozen body gained 2.1 points'
    >>> spoken("frozen_body gained: see :func:`.find_outliers`, write same_people", ["frozen_body"])
    'frozen body gained: see find_outliers, write same_people'
    """
    plain = _MARKUP.sub(r"\1", str(text))
    return _NAME.sub(
        lambda m: m.group().replace("_", " ") if names is None or m.group() in names else m.group(), plain
    )


def linked(text: object) -> Markup:
    """Escape ``text`` and turn its DOIs, arXiv numbers and web addresses into links.

    Examples
    --------
    >>> str(linked("<b> doi:10.1000/1"))
    '&lt;b&gt; <a href="https://doi.org/10.1000/1">doi:10.1000/1</a>'
    """
    out: list[Any] = []
    position = 0
    for match in _LINK.finditer(str(text)):
        found = match.group().rstrip(".,;:")
        while found.endswith(")") and found.count(")") > found.count("("):
            found = found[:-1].rstrip(".,;:")
        if found.startswith("http"):
            target = found
        elif found.startswith("arXiv"):
            target = "https://arxiv.org/abs/" + found.removeprefix("arXiv:")
        else:
            target = "https://doi.org/" + found.removeprefix("doi:").strip()
        out += [
            escape(str(text)[position : match.start()]),
            Markup('<a href="{}">{}</a>').format(target, found),
        ]
        position = match.start() + len(found)
    return Markup("").join([*out, escape(str(text)[position:])])
