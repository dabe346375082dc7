"""Results -> a folder of tables, runs of MLflow, events of TensorBoard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ...errors import BiotransferError, check_option
from ...evidence.reading import compared_metric, directions_of
from ...evidence.verdicts import headline
from ...files import make_folder, write_atomically, write_text
from ...results import CORE, Results
from ..figures import plot_verdicts
from ..figures.curves import people_curves

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_VALUE = 500
_KEYS = ("direction", "network", "variant", "protocol", "arm")


def export_study(results: Results, out: str | Path, *, to: str) -> list[str]:
    """Hand a finished study to another tool.

    Parameters
    ----------
    results : Results
        A study.
    out : path
        Folder to write: tables, events of TensorBoard, or a database of MLflow (``mlflow ui
        --backend-store-uri sqlite:///FOLDER/mlflow.db``); for MLflow also the address of a server, such as
        ``http://host:5000``.
    to : {"csv", "parquet", "mlflow", "tensorboard"}
        Which tool. A curve is the mean over people of the compared metric on test windows, epoch by epoch.

    Returns
    -------
    list of str
        What was written, a line each.

    Raises
    ------
    BiotransferError
        For an unknown tool, one that is not installed, or a place that cannot be written.

    Examples
    --------
    >>> sorted(EXPORTS)
    ['csv', 'mlflow', 'parquet', 'tensorboard']
    """
    check_option("to", to, EXPORTS)
    return EXPORTS[to](results, str(out))


def _tables(results: Results) -> dict[str, pd.DataFrame]:
    found = {name: getattr(results, name) for name in CORE}
    return {**found, "verdicts": results.verdicts, **results.extras}


def _write_tables(results: Results, out: str, ending: str) -> list[str]:
    folder = Path(out)
    make_folder(folder)
    said = []
    for name, table in _tables(results).items():
        path = folder / f"{name}.{ending}"
        plain = table.copy()
        for column in plain.columns[plain.dtypes == "object"]:
            if plain[column].map(lambda value: isinstance(value, (list, dict))).any():
                plain[column] = plain[column].map(str)
        write = plain.to_csv if ending == "csv" else plain.to_parquet
        write_atomically(path, partial(write, index=False))
        said.append(f"{path}: {len(table)} rows")
    return said


def _to_csv(results: Results, out: str) -> list[str]:
    return _write_tables(results, out, "csv")


def _to_parquet(results: Results, out: str) -> list[str]:
    return _write_tables(results, out, "parquet")


def _curves(results: Results) -> Iterator[tuple[dict[str, str], pd.Series]]:
    """Yield the mean curve over people of every arm, with what it is of."""
    for direction in directions_of(results):
        curves = people_curves(results, direction)
        means = curves.groupby(level=list(_KEYS[1:]), sort=False).mean()
        for key, curve in means.iterrows():
            names = key if isinstance(key, tuple) else (key,)
            yield dict(zip(_KEYS, (direction, *map(str, names)), strict=True)), curve.dropna()


def _gains(results: Results, what: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers of the verdict on one arm."""
    keys = ("difference", "ci_low", "ci_high", "p", "p_holm", "assay_gain", "detectable_difference")
    for row in results.at_largest_budget().verdict_list:
        if all(str(row[key]) == what[key] for key in _KEYS):
            found = {key: row[key] for key in keys}
            return {key: float(v) for key, v in found.items() if v is not None and v == v}
    return {}


def _verdict(results: Results, what: Mapping[str, str]) -> str:
    for row in results.at_largest_budget().verdict_list:
        if all(str(row[key]) == what[key] for key in _KEYS):
            return str(row["verdict"] or row["role"])
    return "baseline"


def _recipe_values(recipe: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value)[:_LONGEST_VALUE] for key, value in recipe.items() if value not in (None, [], {})}


def _missing(tool: str, error: ImportError) -> BiotransferError:
    return BiotransferError(
        f"to={tool!r} needs {error.name}, which is not installed. Type: pip install 'biotransfer[tracking]'"
    )


def _to_mlflow(results: Results, out: str) -> list[str]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ImportError as error:
        raise _missing("mlflow", error) from error
    address, artifacts = out, None
    if "://" not in out:
        make_folder(Path(out))
        address = f"sqlite:///{(Path(out) / 'mlflow.db').resolve().as_posix()}"
        artifacts = (Path(out) / "artifacts").resolve().as_uri()
    metric, title = compared_metric(results), str(results.recipe.get("title") or "biotransfer")
    said = 0
    try:
        client = mlflow.MlflowClient(tracking_uri=address)
        known = client.get_experiment_by_name(title)
        experiment = known.experiment_id if known else client.create_experiment(title, artifacts)
        parent = client.create_run(experiment, run_name=title).info.run_id
        for key, value in _recipe_values(results.recipe).items():
            client.log_param(parent, key, value)
        client.set_tag(parent, "biotransfer.answer", headline(results.verdict_list) or "no claim")
        client.log_text(parent, yaml.safe_dump(results.recipe, sort_keys=False), "recipe.yaml")
        client.log_dict(parent, {"verdicts": _plain(results.verdict_list)}, "verdicts.json")
        for what, curve in _curves(results):
            tags = {"mlflow.parentRunId": parent, "verdict": _verdict(results, what), **what}
            run = client.create_run(experiment, tags=tags, run_name=f"{what['direction']} {what['arm']}")
            for epoch, level in curve.items():
                client.log_metric(run.info.run_id, metric, float(level), step=int(str(epoch)))
            for key, number in _gains(results, what).items():
                client.log_metric(run.info.run_id, key, number)
            client.set_terminated(run.info.run_id)
            said += 1
        client.set_terminated(parent)
    except mlflow.exceptions.MlflowException as error:
        raise BiotransferError(
            f"MLflow at {address!r} took nothing: {str(error)[:300]}. Pass another address, such as "
            "the address of a server, or a folder."
        ) from error
    return [f"{address}: experiment {title!r}, one run with {said} runs inside"]


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: None if value != value else value for key, value in row.items()} for row in rows]


def _to_tensorboard(results: Results, out: str) -> list[str]:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise _missing("tensorboard", error) from error
    folder = Path(out)
    make_folder(folder)
    metric, said = compared_metric(results), []
    for what, curve in _curves(results):
        place = folder / "-".join(
            name.replace("->", "-to-") for key in _KEYS if (name := what[key]) and key != "variant"
        )
        with SummaryWriter(str(place)) as writer:
            for epoch, value in curve.items():
                writer.add_scalar(f"test/{metric}", float(value), int(epoch))
            for key, value in _gains(results, what).items():
                writer.add_scalar(f"verdict/{key}", value, 0)
        said.append(f"{place}: {len(curve)} points")
    with SummaryWriter(str(folder / "study")) as writer:
        writer.add_text("answer", headline(results.verdict_list) or "no claim")
        writer.add_text("recipe", f"```\n{yaml.safe_dump(results.recipe, sort_keys=False)}\n```")
        if results.verdict_list:
            writer.add_image("verdicts", _pixels(plot_verdicts(results.verdicts)), dataformats="HWC")
    write_text(folder / "answer.txt", headline(results.verdict_list) + "\n")
    return said


def _pixels(figure: Any) -> Any:
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


EXPORTS: Mapping[str, Callable[[Results, str], list[str]]] = {
    "csv": _to_csv,
    "parquet": _to_parquet,
    "mlflow": _to_mlflow,
    "tensorboard": _to_tensorboard,
}
"""What a study can be handed to."""
