"""What a loader gives back: recordings, and every file that it saw on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..recording import Recording


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


class Loaded(list[Recording]):
    """Recordings of one data set, with every file that was seen while loading.

    Parameters
    ----------
    recordings : iterable of Recording
        In order.
    files : iterable of SeenFile
        Used or not, each once. A list made of this one does not have them any more.
    """

    def __init__(self, recordings: Iterable[Recording] = (), files: Iterable[SeenFile] = ()) -> None:
        super().__init__(recordings)
        self.files = tuple(files)
