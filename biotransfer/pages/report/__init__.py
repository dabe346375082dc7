"""The report: one HTML file that opens offline, and a Methods section. It shows Results and never trains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BiotransferError, check
from ...evidence.pooling import Pooled
from ...evidence.side_by_side import SideBySide
from ...files import write_json, write_text
from ...results import Results, note_page
from ...studies.running.listing import StudyList
from .methods import methods_text
from .page import render
from .pooled import render_pooled
from .several import render_comparison, render_index

if TYPE_CHECKING:
    from .parts import Spread

__all__ = [
    "LOADS",
    "methods_text",
    "write_comparison",
    "write_index",
    "write_methods",
    "write_pooled",
    "write_report",
]

LOADS = (
    "biotransfer.pages.report.parts",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "scipy.stats",
    "statsmodels.regression.mixed_linear_model",
)
"""What the page needs when it is made: processes that will make its parts can load it ahead."""


def write_report(
    results: Results, path: str | Path, *, folder: Path | None = None, spread: Spread | None = None
) -> Path:
    """Write the report as one self-contained HTML file.

    Parameters
    ----------
    results : Results
        A study.
    path : path
        The file, or a folder in which it becomes ``report.html``.
    folder : path, optional
        Study folder in which these results lie, for ``spread``.
    spread : callable, optional
        Makes the parts of the page in processes that read ``folder``: ``spread(function, shared, arguments)``
        gives what ``function(shared, *given)`` returns for each of ``arguments``, in any order, as
        :func:`.share_with_processes` does. Default: this process makes them.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    BiotransferError
        When the file cannot be written; nothing half-written stays. When one of ``folder`` and ``spread`` is
        given alone.
    """
    check(
        (folder is None) == (spread is None),
        f"folder={folder!r} with spread={spread!r}. Give both, as processes read the folder, or none.",
    )
    return _write(path, "report.html", render(results, folder, spread))


def write_methods(results: Results, path: str | Path) -> Path:
    """Write the Methods section as Markdown.

    Parameters
    ----------
    results : Results
        A study.
    path : path
        The file, or a folder in which it becomes ``methods.md``.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    BiotransferError
        When the file cannot be written.
    """
    return _write(path, "methods.md", methods_text(results))


def write_pooled(pooled: Pooled, folder: str | Path) -> Path:
    """Write what several studies say together: ``pooled.html``, self-contained, and ``pooled.json``.

    Parameters
    ----------
    pooled : Pooled
        Of :func:`.pool_studies`.
    folder : path
        Made where it is not there.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    BiotransferError
        When a file cannot be written.
    """
    page = _write(Path(folder) / "pooled.html", "pooled.html", render_pooled(pooled))
    write_json(page.with_name("pooled.json"), pooled.plain())
    return page


def write_comparison(found: SideBySide, path: str | Path) -> Path:
    """Write two studies side by side as one self-contained HTML file.

    Parameters
    ----------
    found : SideBySide
        Of :func:`.compare_studies`.
    path : path
        The file, or a folder in which it becomes ``compared.html``.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    BiotransferError
        When the file cannot be written.
    """
    return _write(path, "compared.html", render_comparison(found))


def write_index(found: StudyList, path: str | Path) -> Path:
    """Write the studies of a folder as one HTML file that links to their reports.

    Parameters
    ----------
    found : StudyList
        Of :func:`.list_studies`.
    path : path
        The file, or a folder in which it becomes ``index.html``.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    BiotransferError
        When the file cannot be written.
    """
    path = Path(path)
    page = path / "index.html" if path.is_dir() else path
    return _write(page, "index.html", render_index(found, page))


def _write(path: str | Path, name: str, text: str) -> Path:
    path = Path(path)
    path = path / name if path.is_dir() else path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BiotransferError(
            f"path={str(path)!r}: its folder cannot be made ({error.strerror or error}). Pass another path."
        ) from error
    write_text(path, text)
    note_page(path)
    return path
