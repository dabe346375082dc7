"""What a loader gives back: recordings, and every file that it saw on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ...showing import html_table, one_line, with_picture
from ..recording import Recording, natural_sorted

NOT_ASKED = "its person, session or class was not asked for"
NO_SIGNAL = "it holds no signal"
NO_NAME = "its name does not fit this data set"


@dataclass(frozen=True)
class SeenFile:
    """A file that a loader met.

    Parameters
    ----------
    path : str
        Relative to the data set's folder.
    subject : str
        Whose it is; "" where nothing says so.
    why : str
        Why it is not used, as a clause ("its name does not fit the pattern"); "" for a file that is used.
    """

    path: str
    subject: str = ""
    why: str = ""

    @property
    def used(self) -> bool:
        """Whether its samples are in a recording."""
        return not self.why


def seen_files(recordings: Iterable[Recording]) -> tuple[SeenFile, ...]:
    """Return the files that the loader of these recordings saw; none where it does not say."""
    return recordings.files if isinstance(recordings, Loaded) else ()


class Loaded(list[Recording]):
    """Recordings of one data set, with every file that was seen while loading.

    Parameters
    ----------
    recordings : iterable of Recording
        In order.
    files : iterable of SeenFile
        Used or not, each once. A list made of this one does not have them any more.
    name, citation, licence : str
        What the data set says of itself; "" where it says nothing.
    """

    def __init__(
        self,
        recordings: Iterable[Recording] = (),
        files: Iterable[SeenFile] = (),
        *,
        name: str = "",
        citation: str = "",
        licence: str = "",
    ) -> None:
        super().__init__(recordings)
        self.files = tuple(files)
        self.name, self.citation, self.licence = name, citation, licence

    def __repr__(self) -> str:
        people = len({recording.subject for recording in self})
        names = ", ".join(dict.fromkeys(recording.dataset for recording in self)) or "none"
        return one_line(f"Recordings of {names}: {len(self)} of {people} people")

    def _repr_html_(self) -> str:
        used = sum(file.used for file in self.files)
        facts = {
            "data set": self.name or ", ".join(dict.fromkeys(recording.dataset for recording in self)),
            "recordings": len(self),
            "people": len({recording.subject for recording in self}),
            "modality": ", ".join(dict.fromkeys(recording.modality for recording in self)),
            "classes": ", ".join(dict.fromkeys(name for recording in self for name in recording.classes)),
            "length": f"{sum(recording.raw.n_times / recording.sfreq for recording in self):.1f} s",
            "files": f"{used} of {len(self.files)} used" if self.files else "",
            "cite": self.citation,
            "licence": self.licence,
        }
        return with_picture(self, html_table({name: value for name, value in facts.items() if value != ""}))


class Seen:
    """Collects what a loader did with its files.

    Examples
    --------
    >>> seen = Seen()
    >>> seen.used("S1/a.csv", "S1")
    >>> seen.left_out("S1/b.csv", "S1", "it is empty")
    >>> [(file.path, file.used) for file in seen.files()]
    [('S1/a.csv', True), ('S1/b.csv', False)]
    """

    def __init__(self) -> None:
        self._files: dict[str, SeenFile] = {}

    def used(self, path: str, subject: str) -> None:
        """Say that the samples of a file are in a recording."""
        self._files[path] = SeenFile(path, subject)

    def left_out(self, path: str, subject: str, why: str) -> None:
        """Say why a file is not used, as a clause."""
        self._files[path] = SeenFile(path, subject, why)

    def files(self) -> tuple[SeenFile, ...]:
        """Return the files in the order of their names."""
        return tuple(self._files[path] for path in natural_sorted(self._files))

    def all_below(self, folder: Path, unused: Callable[[str], tuple[str, str]]) -> tuple[SeenFile, ...]:
        """Return every file below a folder, hidden ones apart.

        Parameters
        ----------
        folder : Path
            Of the data set.
        unused : callable
            Of the relative path of a file that nobody spoke of: whose it is, and why it is not used.
        """
        for path in folder.rglob("*"):
            name = path.relative_to(folder).as_posix()
            if name not in self._files and not path.name.startswith(".") and path.is_file():
                self._files[name] = SeenFile(name, *unused(name))
        return self.files()
