"""What all figures share: one color per arm everywhere, panels per condition, labels that do not collide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import check, check_option
from ...evidence import metrics
from ...evidence.metrics import METRICS
from ...evidence.verdicts import name_data, name_ends
from ...results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE_WIDTH = 10.0
INK, MUTED, FAINT, GRID = "#1c2430", "#5b6675", "#aab2bd", "#e4e8ed"
_LABEL_POINTS = 10.5


@dataclass(frozen=True)
class Look:
    """How an arm is drawn; marker and dashes tell it apart without color."""

    color: str
    marker: str = "o"
    dashes: str | tuple[float, tuple[float, ...]] = "-"
    leading: bool = False


# Okabe & Ito's palette, which people with any color vision tell apart.
_LOOKS = {
    "scratch": Look(INK, "o", "-", leading=True),
    "transferred": Look("#0072B2", "D", "-", leading=True),
    "frozen_body": Look("#56B4E9", "s", (0, (5, 1.5))),
    "permuted": Look("#E69F00", "^", (0, (3, 1))),
    "redrawn": Look("#D55E00", "v", (0, (1, 1))),
    "shuffled_source": Look("#009E73", "P", (0, (4, 1, 1, 1))),
    "noise_source": Look("#CC79A7", "X", (0, (2, 1))),
    "same_modality": Look("#7A6A4F", "p", (0, (6, 1, 1, 1, 1, 1))),
}
_SPARE = ("#6A3D9A", "#B2182B", "#1B7837", "#8C510A", "#35978F", "#525252")
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A4F", "#1c2430",
              "#6A3D9A", "#8C8C8C")  # fmt: skip


def arm_look(arm: str, arms: Sequence[str] = ()) -> Look:
    """Return the look of an arm: fixed for the known ones, by position among the others of ``arms``."""
    if arm in _LOOKS:
        return _LOOKS[arm]
    others = [a for a in arms if a not in _LOOKS]
    position = others.index(arm) if arm in others else 0
    return Look(_SPARE[position % len(_SPARE)], "Hhd8<>*"[position % 7], (0, (3 + position, 1)))


def arm_label(arm: str) -> str:
    """Return an arm's name as people read it.

    Examples
    --------
    >>> arm_label("frozen_body")
    'frozen body'
    """
    return arm.replace("_", " ")


def direction_label(direction: str) -> str:
    """Return a direction as people read it.

    Examples
    --------
    >>> direction_label("emg->eeg"), direction_label("muse->muse")
    ('EMG → EEG', "other people's muse → muse")
    """
    return " → ".join(name_ends(direction))


def data_label(key: str) -> str:
    """Return what a key of ``Results.data`` stands for.

    Examples
    --------
    >>> data_label("eeg"), data_label("same_modality eeg")
    ('EEG', 'EEG of the same-modality source')
    """
    role, _, name = key.rpartition(" ")
    label = name_data(name)
    return f"{label} of the {role.replace('_', '-')} source" if role else label


def protocol_label(protocol: str) -> str:
    """Return what a split rule holds out.

    Examples
    --------
    >>> protocol_label("subject")
    'new people'
    """
    known = {
        "subject": "new people",
        "subjects_out": "groups of new people",
        "session": "other sessions",
        "sklearn": "folds by scikit-learn",
        "recording": "other recordings",
        "block": "held-out blocks",
        "shuffled_windows": "shuffled windows (leaks)",
    }
    return known.get(protocol, protocol.replace("_", " "))


def metric_label(metric: str) -> str:
    """Return a metric's name as people read it."""
    return metric.replace("_", " ")


def is_share(metric: str) -> bool:
    """Whether a metric is a share that reads best in percent."""
    return metric.endswith("accuracy")


def compared_metric(results: Results) -> str:
    """Return the metric that the study compares."""
    return str(results.recipe.get("compare", {}).get("metric", "balanced_accuracy"))


def compared_measure(results: Results) -> str:
    """Return the measure of the curve that the study compares."""
    return str(results.recipe.get("compare", {}).get("measure", "asymptote"))


def measure_label(measure: str) -> str:
    """Return what a measure of a learning curve means.

    Examples
    --------
    >>> measure_label("step0")
    'before any update'
    """
    known = {
        "step0": "before any update",
        "after_epoch_1": "after epoch 1",
        "asymptote": "mean of the last epochs, three at most",
        "final": "after the last update",
        "area": "mean over the learning curve",
    }
    return known.get(measure, measure.replace("_", " "))


def baseline_arm(results: Results) -> str:
    """Return the arm that all others are compared with."""
    return str(results.recipe.get("compare", {}).get("against", "scratch"))


def directions_of(results: Results) -> list[str]:
    """Return the directions in the order they were run."""
    return [str(d) for d in results.curves["direction"].unique()]


def arms_of(results: Results) -> list[str]:
    """Return the arms in the order they were run."""
    return [str(a) for a in results.curves["arm"].unique()]


def conditions_of(table: pd.DataFrame, direction: str) -> list[tuple[str, str]]:
    """Return the (network, protocol) pairs of one direction, in the order they were run.

    Raises
    ------
    BiotransferError
        When there is no such direction.
    """
    check_option("direction", direction, table["direction"].unique())
    part = table.loc[table["direction"] == direction, ["network", "protocol"]].drop_duplicates()
    return [(str(network), str(protocol)) for network, protocol in part.itertuples(index=False)]


def select(frame: pd.DataFrame, **levels: str) -> pd.DataFrame:
    """Return the rows of these index levels, which are dropped.

    Examples
    --------
    >>> import pandas as pd
    >>> index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["arm", "subject"])
    >>> select(pd.DataFrame({"x": [3, 4]}, index), arm="b")["x"].to_dict()
    {2: 4}
    """
    for name, value in levels.items():
        frame = frame[frame.index.get_level_values(name) == value]
    return frame.droplevel(list(levels))


def condition_label(condition: tuple[str, str], conditions: Sequence[tuple[str, str]]) -> str:
    """Return what tells one condition from the others; the protocol alone when there is one network."""
    network, protocol = condition
    several = len({n for n, _ in conditions}) > 1
    return f"{network} · {protocol_label(protocol)}" if several else protocol_label(protocol)


def target_of(results: Results, direction: str) -> dict[str, Any]:
    """Return the facts of the data that a direction is tested on."""
    modality = direction.split("->")[-1]
    check(
        modality in results.data,
        f"direction={direction!r} ends in {modality!r} but results.data describes "
        f"{', '.join(results.data) or 'nothing'}. Run the study again to rebuild data.json.",
    )
    return results.data[modality]


def chance_level(results: Results, direction: str, metric: str) -> float | None:
    """Return the best value of a constant prediction on all test windows; None where there is none."""
    if metric not in METRICS or METRICS[metric].facts["chance"] is None:
        return None
    target = target_of(results, direction)
    totals = [sum(row.get(c, 0) for row in target["counts"].values()) for c in target["classes"]]
    return metrics.chance_level(metric=metric, counts=totals)


def people_measures(results: Results, metric: str | None = None) -> pd.DataFrame:
    """Return :func:`.measure_curves` at the largest budget, against the baseline."""
    return metrics.measure_curves(
        results.at_largest_budget().curves,
        against=baseline_arm(results),
        metric=metric or compared_metric(results),
    )


def shorten(text: object, length: int = 22) -> str:
    """Return ``text``, cut in the middle when it is longer than ``length``.

    Examples
    --------
    >>> shorten("a name that goes on and on", 11)
    'a nam…nd on'
    """
    text = str(text)
    if len(text) <= length:
        return text
    head = (length - 1 + 1) // 2
    return text[:head] + "…" + text[len(text) - (length - 1 - head) :]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches, outside pyplot."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(h_pad=0.07, w_pad=0.05))


def panel_grid(n: int, columns: int) -> tuple[int, int]:
    """Return rows and columns for ``n`` panels."""
    columns = min(columns, n)
    return -(-n // columns), columns


def clean(ax: Axes, *, grid: str | None = "y") -> None:
    """Give an axes the common look: few lines, quiet ticks."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)
    ax.tick_params(colors=MUTED, labelsize=9, length=3)
    if grid:
        ax.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def title(ax: Axes, text: str) -> None:
    """Write a panel's title at its upper left."""
    ax.set_title(text, loc="left", fontsize=10, color=INK, fontweight="bold", parse_math=False)


def spread_labels(values: Iterable[float], low: float, high: float, height_points: float) -> np.ndarray:
    """Move label positions apart so that none overlaps, each as near to its value as it can be.

    Parameters
    ----------
    values : iterable of float
        Where the labels belong, in data units.
    low, high : float
        The axis limits.
    height_points : float
        The axis' height in points.

    Returns
    -------
    ndarray, shape (n_labels,), float64
        Positions in data units, in the order of ``values``.
    """
    wanted = np.asarray(list(values), dtype=float)
    if not len(wanted):
        return wanted
    gap = min((high - low) * _LABEL_POINTS / height_points, (high - low) / max(len(wanted) - 1, 1))
    order = np.argsort(wanted, kind="stable")
    blocks: list[list[float]] = []  # sum of (wanted - offset), size
    for i, value in enumerate(wanted[order]):
        blocks.append([value - i * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, size = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += size
    base = np.concatenate([np.full(int(size), total / size) for total, size in blocks])
    base = np.clip(base, low, high - gap * (len(wanted) - 1))
    placed = np.empty_like(wanted)
    placed[order] = base + gap * np.arange(len(wanted))
    return placed
