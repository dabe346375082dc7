"""Windows in files: signals or features that were cut in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...catalog import Entry
from ...errors import BiotransferError, check
from ...files import folder_aside

if TYPE_CHECKING:
    from ..windows import Windows


def save_windows(windows: Windows, folder: str | Path) -> Path:
    """Save windows so that a recipe can name them: ``data: windows`` with ``path``.

    Parameters
    ----------
    windows : Windows
        Signals in V, or features. They are stored in float32, as networks see them.
    folder : str or Path
        It must not exist.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    BiotransferError
        When there are no windows, or the folder exists or cannot be written.
    """
    from ..windows import Windows, write_windows

    check(
        isinstance(windows, Windows) and len(windows),
        f"windows={windows!r} holds no window. Make them with cut_windows, from_epochs or extract_features.",
    )
    folder = Path(folder)
    check(not folder.exists(), f"folder={str(folder)!r} exists. Pass another one; nothing was changed.")
    try:
        with folder_aside(folder) as place:
            write_windows(place, [windows])
    except OSError as error:
        raise BiotransferError(
            f"folder={str(folder)!r} cannot be written: {error.strerror or error}. Pass another one."
        ) from error
    return folder


def load_windows(folder: Path | None, *, path: str, modality: str | None = None) -> Windows:
    """Load windows that :func:`biotransfer.save_windows` saved.

    Parameters
    ----------
    folder : None
        Not used: the files lie where ``path`` says.
    path : str
        The folder that was given to save_windows.
    modality : {"eeg", "emg"}, optional
        What it has to be. A recipe's section says it.

    Returns
    -------
    Windows
        As they were saved, float32.

    Raises
    ------
    BiotransferError
        When the folder holds no windows, or those of another modality.
    """
    from ..windows import open_windows

    check(
        Path(path).expanduser().is_dir(),
        f"path={path!r} is no folder of windows. Save them with save_windows(windows, folder).",
    )
    windows = open_windows(Path(path).expanduser())
    check(
        modality in (None, windows.modality),
        f"path={path!r} holds {windows.modality} windows. Expected {modality}. Name them in the "
        f"{windows.modality} section of the recipe.",
    )
    return windows


def _files_of(*, path: str, **_: Any) -> tuple[Path, list[Path]]:
    root = Path(path).expanduser()
    return root, [file for file in root.glob("*") if file.is_file() and not file.name.startswith(".")]


ENTRY = Entry(
    name="windows",
    summary="Windows that save_windows saved: signals or features that were cut in Python.",
    function=load_windows,
    source="own",
    facts={
        "size_mb": 0,
        "license": "yours",
        "origin": "a folder on this machine",
        "reads": _files_of,
        "paths": ("path",),
        "gives": "windows",
    },
)
