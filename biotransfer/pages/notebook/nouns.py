"""What Jupyter shows of a noun below its facts: its figure, and the words and tables of verdicts."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ...errors import BiotransferError
from ...evidence.reading import outcome_label
from ...evidence.verdicts import headline, leading_claims
from ...showing import html_rows
from .. import figures
from ..figures import nouns as small
from ..figures.picture import png_of
from ..report import text as write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...results import Results
    from ...signals.windows import Windows

_MOST_FIGURES = 4


def picture_html(noun: object) -> str:
    """Return the figures of a noun as HTML, nothing loaded from elsewhere; "" of what has none."""
    for kind in type(noun).__mro__:
        if kind.__name__ in _SHOWN:
            try:
                return "".join(_SHOWN[kind.__name__](noun))
            except BiotransferError:
                return ""
    return ""


def as_image(figure: Figure, text: str = "") -> str:
    """Return a figure as an image element that holds it."""
    style = f"max-width:100%;width:{round(figure.get_size_inches()[0] * 96)}px"
    data = base64.b64encode(png_of(figure)).decode("ascii")
    return f'<img alt="{escape(text)}" style="{style}" src="data:image/png;base64,{data}">'


def _drawn(draw: Callable[[Any], Figure], text: str) -> Callable[[Any], list[str]]:
    return lambda noun: [as_image(draw(noun), text)]


def _windows(windows: Windows) -> Figure:
    return figures.plot_recording(windows) if windows.is_signal else small.plot_counts(windows)


def _recordings(recordings: Any) -> Figure:
    classes = list(dict.fromkeys(name for recording in recordings for name in recording.classes))
    looks = figures.looks_of(recordings)
    return figures.draw_looks(looks, classes, f"{len(looks)} of {len(recordings)} recordings, as they are")


def _results(results: Results) -> Iterable[str]:
    """Yield the answer, a figure of each leading claim, and all claims in plain words."""
    if not results.verdict_list:
        return
    yield f"<p><b>{escape(headline(results.verdict_list))}</b></p>"
    for row in leading_claims(results.verdict_list)[:_MOST_FIGURES]:
        label = small.claim_label(row, results.verdict_list)
        picture = as_image(figures.plot_contest(results, row), row["sentence"])
        yield (
            f'<figure style="display:inline-block;margin:0 1em 1em 0">'
            f"<figcaption>{escape(label)}: <b>{escape(outcome_label(row))}</b></figcaption>{picture}</figure>"
        )
    yield _claims(results.verdict_list)


def _claims(rows: list[dict[str, Any]]) -> str:
    head = ("claim", "gain", "95 % interval", "p (Holm)", "positive control", "verdict")
    claims: list[Mapping[str, Any]] = [row for row in rows if isinstance(row["verdict"], str)]
    return html_rows(
        head,
        [
            (
                small.claim_label(row, claims),
                write.gain(row["difference"], row["metric"]),
                write.interval(row["ci_low"], row["ci_high"], row["metric"]),
                write.p_value(row["p_holm"]),
                write.gain(row["assay_gain"], row["metric"]),
                outcome_label(row),
            )
            for row in claims
        ],
    )


def _verdicts(table: Any) -> list[str]:
    return [as_image(small.plot_verdicts(table), "gains of every claim"), _claims(table.to_dict("records"))]


def _pooled(pooled: Any) -> list[str]:
    return [
        as_image(figures.plot_forest(pooled, claim), claim["sentence"])
        for claim in pooled.claim_list[:_MOST_FIGURES]
    ]


_SHOWN: Mapping[str, Callable[[Any], Iterable[str]]] = {
    "Recording": _drawn(figures.plot_recording, "ten seconds of the recording"),
    "Loaded": _drawn(_recordings, "every recording over its whole length"),
    "Windows": _drawn(_windows, "windows"),
    "Account": _drawn(small.plot_account, "seconds by person and what became of them"),
    "Curves": _drawn(small.plot_training, "balanced accuracy of every arm while it trains"),
    "Pretrained": _drawn(small.plot_loss, "loss of the source training"),
    "Results": _results,
    "Verdicts": _verdicts,
    "Pooled": _pooled,
}
"""By the name of the class: what is shown of it."""
