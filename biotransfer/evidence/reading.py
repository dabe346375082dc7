"""Words and readers of results: what arms, directions, protocols and measures are called, and their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ..errors import check, check_option
from ..results import Direction, Results
from ..signals.recording import MODALITIES
from ..transfer.carry import known_arms
from . import metrics
from .metrics import CONDITION, MEASURES, METRICS, Compare
from .stats import SHARE_DIFFERENCES, SHARES


class Condition(NamedTuple):
    """What tells the comparisons of one direction apart; ``variant`` is "" for the recipe itself."""

    network: str
    variant: str
    protocol: str


def arm_label(arm: str) -> str:
    """Return an arm's name as people read it.

    Examples
    --------
    >>> arm_label("frozen_body")
    'frozen body'
    """
    return arm.replace("_", " ")


def data_label(key: str) -> str:
    """Return what a key of ``Results.data`` stands for: EEG and EMG in capitals, other names as given.

    Examples
    --------
    >>> data_label("eeg"), data_label("muse"), data_label("same_modality eeg")
    ('EEG', 'muse', 'EEG of the same-modality source')
    """
    role, _, name = key.rpartition(" ")
    label = name.upper() if name in MODALITIES else name
    return f"{label} of the {role.replace('_', '-')} source" if role else label


def end_labels(direction: Direction) -> tuple[str, str]:
    """Return what a direction's source and target are called.

    Examples
    --------
    >>> end_labels(Direction("emg", "eeg")), end_labels(Direction("muse", "muse"))
    (('EMG', 'EEG'), ("other people's muse", 'muse'))
    """
    source, target = data_label(direction.source), data_label(direction.target)
    own = direction.source == direction.target
    return (f"other people's {target}" if own else source), target


def direction_label(direction: Direction) -> str:
    """Return a direction as people read it.

    Examples
    --------
    >>> direction_label(Direction("emg", "eeg"))
    'EMG → EEG'
    """
    return " → ".join(end_labels(direction))


def network_label(network: str, variant: str = "") -> str:
    """Return a network and the way to transfer as people read them.

    Examples
    --------
    >>> network_label("mlp"), network_label("mlp", "coral")
    ('mlp', 'mlp + coral')
    """
    return f"{network} + {variant}" if variant else str(network)


_PROTOCOLS = {
    "subject": "new people",
    "subjects_out": "groups of new people",
    "session": "other sessions",
    "sklearn": "folds by scikit-learn",
    "recording": "other recordings",
    "block": "held-out blocks",
    "shuffled_windows": "shuffled windows (leaks)",
}


def place_label(direction: str, network: str, variant: str, *more: str) -> str:
    """Return a group of rows in a few plain words.

    Parameters
    ----------
    direction : str
        Such as "emg->eeg", or the name of data.
    network, variant : str
        Which network and way to transfer.
    *more : str
        A split rule, an arm, or another name.

    Examples
    --------
    >>> place_label("emg->eeg", "mlp", "coral", "subject", "frozen_body")
    'EMG → EEG, mlp + coral, tested on new people, frozen body'
    """
    named = [f"tested on {protocol_label(name)}" if name in _PROTOCOLS else arm_label(name) for name in more]
    return ", ".join([_end_label(direction), network_label(network, variant), *named])


def tested_label(where: str, protocol: str) -> str:
    """Return a direction or data, and what is held out there.

    Examples
    --------
    >>> tested_label("eeg", "subject"), tested_label("emg->eeg", "session")
    ('EEG, tested on new people', 'EMG → EEG, tested on other sessions')
    """
    return f"{_end_label(where)}, tested on {protocol_label(protocol)}"


def _end_label(where: str) -> str:
    text = str(where)
    return direction_label(Direction.read(text)) if "->" in text else data_label(text)


def outcome_label(row: Mapping[str, Any]) -> str:
    """Return what a table says of a comparison: its verdict in words, or the role of an arm without a claim.

    Parameters
    ----------
    row : mapping
        ``verdict``, ``role`` and ``shared`` of ``results.VERDICTS``.

    Examples
    --------
    >>> outcome_label({"verdict": "not_assayable"}), outcome_label({"verdict": None, "role": "control"})
    ('not assayable', 'control')
    >>> outcome_label({"verdict": "negative", "shared": 0.8})
    'negative, shared by controls (80 %)'
    """
    verdict = row["verdict"]
    if not isinstance(verdict, str):
        return str(row["role"]).replace("_", " ")
    shared = row.get("shared")
    if shared is not None and shared == shared:
        return f"{verdict}, shared by controls ({100 * shared:.0f} %)"
    return verdict.replace("_", " ")


def p_label(p: float | None) -> str:
    """Write a p value, the same way everywhere.

    Examples
    --------
    >>> p_label(0.0625), p_label(0.00002), p_label(1.0), p_label(None)
    ('0.0625', '< 0.001', '1', '–')
    """
    if p is None or p != p:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3g}"


def protocol_label(protocol: str) -> str:
    """Return what a split rule holds out.

    Examples
    --------
    >>> protocol_label("subject")
    'new people'
    """
    return _PROTOCOLS.get(protocol, protocol.replace("_", " "))


def metric_label(metric: str) -> str:
    """Return a metric's or score's name as people read it."""
    return metric.replace("_", " ")


def is_share(metric: str) -> bool:
    """Whether a metric is a share that reads best in percent."""
    return metric.endswith("accuracy")


def metric_limits(metric: str, *, difference: bool = False) -> tuple[float, float] | None:
    """Return the smallest and largest value of a metric, or of a difference in it; None where it has none."""
    if not is_share(metric):
        return None
    return SHARE_DIFFERENCES if difference else SHARES


def measure_label(measure: str) -> str:
    """Return what a measure of a learning curve means.

    Examples
    --------
    >>> measure_label("step0")
    'before any update'
    """
    return MEASURES[measure].label


def measure_phrase(measure: str) -> str:
    """Return how a sentence says that a change is one in this measure; nothing for the usual one.

    Examples
    --------
    >>> measure_phrase("after_epoch_1")
    ' after the first epoch'
    """
    return MEASURES[measure].phrase


def compared(results: Results) -> Compare:
    """Return what the study compares."""
    return Compare(**results.recipe["compare"])


def judged_arms(results: Results) -> dict[str, Any]:
    """Return ``arms`` and ``roles`` as :func:`.compare` takes them: what a finished study knows of its arms.

    Arms that this version's catalog does not know keep the role that the verdicts stored.
    """
    known = known_arms(results.recipe["arms"])
    stored = {str(row["arm"]): str(row["role"]) for row in results.verdict_list}
    foreign = [arm for arm in arms_of(results) if arm not in known and arm in stored]
    return {"arms": list(known.values()), "roles": {arm: stored[arm] for arm in foreign}}


def compared_metric(results: Results) -> str:
    """Return the metric that the study compares."""
    return compared(results).metric


def compared_measure(results: Results) -> str:
    """Return the measure of the curve that the study compares."""
    return compared(results).measure


def baseline_arm(results: Results) -> str:
    """Return the arm that all others are compared with."""
    return compared(results).against


def directions_of(results: Results) -> dict[str, Direction]:
    """Return the directions in the order they were run, by the text that stands for them in tables."""
    return {str(text): results.directions[str(text)] for text in results.curves["direction"].unique()}


def ends_in(results: Results, target: str) -> list[str]:
    """Return the directions that are tested on ``target``, as tables write them."""
    return [text for text, direction in results.directions.items() if direction.target == target]


def arms_of(results: Results) -> list[str]:
    """Return the arms in the order they were run."""
    return [str(a) for a in results.curves["arm"].unique()]


def conditions_of(table: pd.DataFrame, direction: str | None = None) -> list[Condition]:
    """Return the conditions of one direction, or of all, in the order they were run.

    Raises
    ------
    BiotransferError
        When there is no such direction.
    """
    if direction is not None:
        check_option("direction", direction, table["direction"].unique())
        table = table[table["direction"] == direction]
    each = table[CONDITION].drop_duplicates().itertuples(index=False)
    return [Condition(*map(str, condition)) for condition in each]


def condition_label(condition: Condition, conditions: Sequence[Condition]) -> str:
    """Return what tells one condition from the others; the protocol alone when there is one network."""
    networks = {network_label(c.network, c.variant) for c in conditions}
    protocol = protocol_label(condition.protocol)
    network = network_label(condition.network, condition.variant)
    return f"{network} · {protocol}" if len(networks) > 1 else protocol


def rows_of(table: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    """Return the rows with these values.

    Examples
    --------
    >>> rows_of(pd.DataFrame({"arm": ["a", "b"], "x": [3, 4]}), arm="b")["x"].tolist()
    [4]
    """
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def select(frame: pd.DataFrame, **levels: str) -> pd.DataFrame:
    """Return the rows of these index levels, which are dropped.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["arm", "subject"])
    >>> select(pd.DataFrame({"x": [3, 4]}, index), arm="b")["x"].to_dict()
    {2: 4}
    """
    for name, value in levels.items():
        frame = frame[frame.index.get_level_values(name) == value]
    return frame.droplevel(list(levels))


def target_of(results: Results, direction: str) -> dict[str, Any]:
    """Return the facts of the data that a direction is tested on."""
    target = results.directions[check_option("direction", direction, results.directions)].target
    check(
        target in results.data,
        f"direction={direction!r} ends in {target!r} but results.data describes "
        f"{', '.join(results.data) or 'nothing'}. Run the study again to rebuild data.json.",
    )
    return results.data[target]


def chance_level(results: Results, direction: str, metric: str) -> float | None:
    """Return the best value of a constant prediction on all test windows; None where there is none."""
    if metric not in METRICS or METRICS[metric].facts["chance"] is None:
        return None
    return chance_of(target_of(results, direction), metric)


def chance_of(side: Mapping[str, Any], metric: str) -> float:
    """Return the best value of a constant prediction on all windows of a side, from its facts."""
    totals = [sum(row.get(c, 0) for row in side["counts"].values()) for c in side["classes"]]
    return metrics.chance_level(metric=metric, counts=totals)


def people_measures(results: Results, metric: str | None = None) -> pd.DataFrame:
    """Return :func:`.measure_curves` at the largest budget, against the baseline."""
    asked = compared(results)
    return metrics.measure_curves(
        results.at_largest_budget().curves, against=asked.against, metric=metric or asked.metric
    )
