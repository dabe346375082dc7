"""A side made where it is not stored yet, and found where another machine stored it."""

from __future__ import annotations

from pathlib import Path

from ....errors import BiotransferError, DataNotFoundError
from ....files import DamagedError
from ..cache import (
    CACHE_VARIABLE,
    cache_folder,
    drop_entry,
)
from .making import make_stages
from .request import Place, Request, hashes_of_files, stage_keys
from .side import Side, open_side, reopen

_ATTEMPTS = 3


def open_request(request: Request) -> Side:
    """Load, preprocess, window and featurise a side; what was done before is only opened."""
    files = hashes_of_files(request)
    keys = stage_keys(request, files)
    for _ in range(_ATTEMPTS):
        try:
            make_stages(request, keys, files or {})
            return open_side(Place(request, keys, str(cache_folder())))
        except DamagedError as error:
            damage = error
            for kind, key in keys.items():
                drop_entry(cache_folder() / kind / key)
    raise BiotransferError(
        f"{damage}, though it was written a moment ago. Check the disk, or set {CACHE_VARIABLE} to "
        "another folder."
    ) from damage


def find_side(place: Place) -> Side:
    """Return a side that another machine stored: from the same folder, this machine's cache, or its data.

    Raises
    ------
    DataNotFoundError
        When this machine has none of these, or other data under the same name.
    """
    try:
        return reopen(place)
    except DamagedError:
        request = place.request
    here = request.data_dir if request.data_dir and Path(request.data_dir).is_dir() else None
    side = open_request(request._replace(data_dir=here, download=False))
    made_alike = side.place is not None and dict(side.place.keys) == dict(place.keys)
    if side.about["digest"] != place.digest and not made_alike:
        raise DataNotFoundError(
            f"{request.section.data.name!r}: this machine has other data ({side.about['digest']}, expected "
            f"{place.digest}). Give it the same files."
        )
    return side
