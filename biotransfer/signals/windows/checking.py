"""What windows have to hold, whoever made them."""

from __future__ import annotations

import numpy as np

from ...errors import BiotransferError
from ..amplitude import check_amplitude
from .container import Windows

_CHUNK = 4096
_SCALED = ' Where the values have no unit (z-scored): dataclasses.replace(windows, unit="none").'


def check_content(windows: Windows, name: str) -> None:
    """Refuse windows that a recording of the same signal would be refused for.

    Parameters
    ----------
    windows : Windows
        Signals in V, or features.
    name : str
        Whose they are, for the message.

    Raises
    ------
    BiotransferError
        For NaN and infinite values, the first one's window and column named; for signals of an amplitude that
        no electrode gives (see :func:`.check_amplitude`), unless their ``unit`` says that they have none.
    """
    for begin in range(0, len(windows), _CHUNK):
        X = np.asarray(windows.X[begin : begin + _CHUNK])
        finite = np.isfinite(X)
        if not finite.all():
            place = np.argwhere(~finite)[0]
            raise BiotransferError(
                f"{name}: {int((~finite).sum())} NaN or infinite values, the first in "
                f"{windows.names[place[1]]!r} of window {windows.metadata['uid'].iloc[begin + place[0]]!r}. "
                "Expected numbers. Leave such windows out: windows.take(rows)."
            )
        if windows.is_signal and windows.unit == "V":
            check_amplitude(X, windows.modality, name, _SCALED)
