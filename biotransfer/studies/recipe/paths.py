"""Files and folders that a recipe names: relative ones are meant from the recipe's own folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import BiotransferError
from ...files import is_file
from ...signals.datasets import DATASETS
from ...signals.recording import MODALITIES


def resolve_paths(raw: dict[str, Any], base: Path) -> None:
    """Make the relative paths of a recipe absolute, in place.

    Parameters
    ----------
    raw : dict
        A recipe as written. What is not as it should be stays as it is: reading the recipe says so.
    base : Path
        The folder that the recipe lies in.

    Notes
    -----
    Weights of arms may also name a repository: they are paths where there is such a file.
    """
    for section in _sections(raw):
        for key in (*_path_keys(section.get("data")), "decisions"):
            if isinstance(section.get(key), str):
                section[key] = str(_from(base, section[key]))
    for arm in raw["arms"] if isinstance(raw.get("arms"), list) else []:
        if isinstance(arm, dict) and isinstance(arm.get("weights"), str):
            here = _from(base, arm["weights"])
            if is_file(here) or is_file(here.parent / f"{here.name}.safetensors"):
                arm["weights"] = str(here)


def _from(base: Path, written: str) -> Path:
    try:
        return base / Path(written).expanduser()
    except RuntimeError as error:
        raise BiotransferError(
            f"path {written[:120]!r} begins with the home of somebody who is not known here. Write it whole."
        ) from error


def _sections(raw: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every data section of a recipe that is a mapping."""
    groups = [raw.get(name) for name in ("sets", "same_modality")]
    found = [raw.get(name) for name in MODALITIES]
    found += [section for group in groups if isinstance(group, Mapping) for section in group.values()]
    yield from (section for section in found if isinstance(section, dict))


def _path_keys(data: Any) -> tuple[str, ...]:
    """Return which parameters of a data set are paths."""
    known = isinstance(data, str) and data in DATASETS
    return tuple(DATASETS[data].facts["paths"]) if known else ()
