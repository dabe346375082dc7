"""Run notebooks in empty folders and store them with their outputs: `python docs/notebooks.py [NAME ...]`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def ran(path: Path, place: Path, timeout: int = 600) -> Any:
    """Return a notebook as it comes out when it runs in ``place``; what is said of progress is left out."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=timeout, startup_timeout=timeout, resources={"metadata": {"path": str(place)}}
    ).execute()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        cell.outputs = [one for one in cell.outputs if not _is_progress(one)]
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    return notebook


def _is_progress(output: Any) -> bool:
    """Whether an output is a bar or what a library says while it works."""
    widget = "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    return widget or output.get("name") == "stderr"


def pictures(notebook: Any) -> list[int]:
    """Return the position of every code cell whose output is a picture."""
    return [
        i
        for i, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        and any({"image/png", "image/svg+xml"} & set(o.get("data", {})) for o in cell.outputs)
    ]


def main() -> None:
    """Run the notebooks that are named, or all."""
    wanted = sys.argv[1:]
    for path in sorted(FOLDER.glob("*.ipynb")):
        if wanted and not any(path.stem.startswith(name) for name in wanted):
            continue
        clock = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            notebook = ran(path, Path(place))
        nbformat.write(notebook, path)
        print(
            f"{path.name}: {len(pictures(notebook))} pictures, {time.monotonic() - clock:.0f} s", flush=True
        )


if __name__ == "__main__":
    main()
