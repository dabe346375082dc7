"""From which data to which."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import check


@dataclass(frozen=True)
class Direction:
    """From which data to which.

    Parameters
    ----------
    source, target : str
        "eeg", "emg" or names of the recipe's ``sets``.

    Examples
    --------
    >>> str(Direction("emg", "eeg")), Direction.read("emg->eeg").target
    ('emg->eeg', 'eeg')
    """

    source: str
    target: str

    @classmethod
    def read(cls, text: str) -> Direction:
        """Return the direction that recipes and tables write as ``text``.

        Raises
        ------
        BiotransferError
            When it names no two ends.
        """
        ends = str(text).split("->")
        check(
            len(ends) == 2 and all(ends),
            f"direction={text!r} names no two ends. Expected source->target, such as emg->eeg.",
        )
        return cls(*ends)

    def __str__(self) -> str:
        return f"{self.source}->{self.target}"

    @property
    def slug(self) -> str:
        """For names of files and anchors."""
        return f"{self.source}-to-{self.target}"
