"""The windows of one side, opened where they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ....errors import BiotransferError, check
from ....files import DamagedError, Stamp, read_json
from ....learning.networks import NETWORKS
from ....settings import plain
from ....signals.splits.prints import Print, fingerprint, read_prints
from ....signals.windows import Windows, open_windows
from ....signals.windows.disk import stamps_of
from ...recipe import digest
from ..accounting import read_account
from ..cache import (
    find_entry,
    prove_entry,
)
from ..describe import describe_data, with_words_of_files
from ..given import FACTS
from .request import Place


@dataclass(frozen=True, eq=False)
class Side:
    """The windows of one modality, as signals and as features.

    Parameters
    ----------
    signals : Windows
        As cut, float32.
    features : Windows or None
        As extracted; None when the recipe names no features.
    about : dict
        For the report, see :func:`describe`.
    place : Place, optional
        Where it is stored. A side with a place is pickled as that: other processes map the same files.
    nuisance : Windows, optional
        What should not carry the label, measured in the same windows before preprocessing.
    account : mapping of str to DataFrame
        What became of every file and sample, by person and by file; empty where windows were given.
    stored_prints : sequence of Print, optional
        What each recording can be known by, where it was measured before.
    """

    signals: Windows
    features: Windows | None
    about: Mapping[str, Any]
    place: Place | None = None
    nuisance: Windows | None = None
    account: Mapping[str, Any] = field(default_factory=dict)
    stored_prints: Sequence[Print] | None = None

    @cached_property
    def prints(self) -> Sequence[Print]:
        """What each recording can be known by; none where windows were given as features."""
        if self.stored_prints is not None:
            return self.stored_prints
        return fingerprint(self.signals) if self.signals.is_signal else ()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.place is None:
            return Side, (
                self.signals, self.features, self.about, None, self.nuisance, self.account,
                self.stored_prints,
            )  # fmt: skip
        return reopen, (self.place,)

    def uid(self, network: str) -> str:
        """Hash of what ``network`` takes: its content, and how features are extracted."""
        if NETWORKS[network].facts["takes"] == "signals":
            return str(self.about["digest"])
        return digest([self.about["features_digest"], self.about["features_spec"]])

    def windows(self, network: str) -> Windows:
        """Return what ``network`` takes, float32."""
        if NETWORKS[network].facts["takes"] == "signals":
            check(
                self.signals.is_signal,
                f"network {network!r} takes signals, but the windows of {self.about['dataset']!r} are "
                "features. Give the signals, or name a network that takes features: mlp.",
            )
            return self.signals
        if not self.signals.is_signal:
            return self.signals
        check(self.features is not None, f"network {network!r} takes features. Add features: statistical.")
        assert self.features is not None
        return self.features


def open_side(place: Place) -> Side:
    """Open what :func:`open_request` made: arrays are mapped, not read.

    Raises
    ------
    DamagedError
        When it is not there any more, or not whole.
    """
    request, keys, root = place.request, place.keys, Path(place.root)
    folders = {kind: find_entry(kind, key, root=root) for kind, key in keys.items() if kind != "recordings"}
    opened: dict[str, Windows] = {}
    stamps: dict[str, Mapping[str, Stamp]] = {}
    about: dict[str, Any] = describe_data(request.section)
    try:
        for kind, folder in folders.items():
            if folder is None:
                raise DamagedError(f"{kind}/{keys[kind]} is not in {root}")
            prove_entry(folder)
            opened[kind] = open_windows(folder, stamps=place.stamps.get(kind))
            stamps[kind] = stamps_of(folder)
            about |= read_json(folder / FACTS)
        signals = folders["signals"]
        assert signals is not None
        prints = read_prints(signals)
    except (BiotransferError, OSError) as error:
        raise DamagedError(str(error)) from error
    about = with_words_of_files(request.section, about, about.pop("words_of_files", {}))
    about["features_spec"] = plain(request.features)
    about |= place.names_for(about)
    place = place._replace(digest=about["digest"], stamps=stamps)
    account = read_account(signals)
    return Side(
        opened["signals"], opened.get("features"), about, place, opened.get("nuisance"), account, prints
    )


_opened: dict[str, Side] = {}


def reopen(place: Place) -> Side:
    """Return the side stored at ``place``, opened once in this process."""
    key = digest([dict(place.keys), place.root, dict(place.known_as)])
    if key not in _opened:
        _opened[key] = open_side(place)
    return _opened[key]
