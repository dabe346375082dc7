"""Steps that change what a voltage is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mne
import numpy as np

from ...errors import check
from ..recording import Recording
from .common import apply_to_signal, check_channels, keep_channels, own_channels


def average_reference(recording: Recording) -> Recording:
    """Subtract the mean of all good channels.

    Parameters
    ----------
    recording : Recording
        Signal in V, two channels or more.

    Returns
    -------
    Recording
        Re-referenced copy.

    Raises
    ------
    BiotransferError
        When there is one channel, of which nothing would be left.
    """
    check(
        len(recording.picks) > 1,
        f"preprocess average_reference: {recording.uid!r} has one good channel, {recording.ch_names[0]!r}. "
        "Expected two or more, or nothing is left. Use average_reference: null.",
    )
    return apply_to_signal(recording, lambda x: x - x.mean(axis=0))


def reference(recording: Recording, *, channels: Sequence[str], keep: bool = False) -> Recording:
    """Subtract the mean of some channels, such as both mastoids.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    channels : sequence of str
        What becomes zero; of whatever type, since a mastoid may be marked as no EEG.
    keep : bool
        Whether those of the modality stay among the channels: a single one holds nothing but zeros then.

    Returns
    -------
    Recording
        Re-referenced copy.

    Raises
    ------
    BiotransferError
        For a channel that is not there, or when none is left.

    Notes
    -----
    Source: :func:`mne.set_eeg_reference`, for any modality.
    """
    check(channels, "preprocess reference: channels=[] names none. Name one, or use average_reference.")
    check_channels("reference", channels, recording.raw.ch_names, recording.uid)
    level = recording.raw.get_data(picks=list(channels)).mean(axis=0)
    out = apply_to_signal(recording, lambda x: x - level)
    if keep:
        return out
    left = [name for name in own_channels(out) if name not in channels]
    check(
        any(name in left for name in recording.ch_names),
        f"preprocess reference: channels={list(channels)} leaves no {recording.modality} channel of "
        f"{recording.uid!r}. Expected fewer, or keep: true.",
    )
    return keep_channels(out, left)


def bipolar(recording: Recording, *, pairs: Sequence[Sequence[str]]) -> Recording:
    """Take differences of two channels in place of the channels.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    pairs : sequence of pairs of str
        ``[[F3, C3], [F4, C4]]`` gives the channels F3-C3 and F4-C4.

    Returns
    -------
    Recording
        Copy whose channels of the modality are the differences.

    Raises
    ------
    BiotransferError
        For a pair that is none, or a channel that is not there or not good.

    Notes
    -----
    Source: :func:`mne.set_bipolar_reference`.
    """
    good = all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and pair[0] != pair[1] for pair in pairs
    ) and len(pairs)
    check(good, f"preprocess bipolar: pairs={pairs!r} are no pairs. Expected [[F3, C3], [F4, C4]].")
    for pair in pairs:
        check_channels("bipolar", pair, recording.ch_names, recording.uid)
    names = ["-".join(pair) for pair in pairs]
    check(
        len(set(names)) == len(names),
        f"preprocess bipolar: pairs={[list(pair) for pair in pairs]} names a pair twice. Name each once.",
    )
    raw = recording.raw.copy().load_data(verbose="error")
    as_eeg = dict.fromkeys(recording.ch_names, "eeg")  # MNE takes no differences of EMG
    raw.set_channel_types(as_eeg, on_unit_change="ignore", verbose="error")
    raw = mne.set_bipolar_reference(
        raw,
        anode=[pair[0] for pair in pairs],
        cathode=[pair[1] for pair in pairs],
        ch_name=names,
        drop_refs=False,
        copy=False,
        verbose="error",
    )
    back = dict.fromkeys([*recording.ch_names, *names], recording.modality)
    raw.set_channel_types(back, on_unit_change="ignore", verbose="error")
    return keep_channels(recording.with_raw(raw), names)


def rest_reference(recording: Recording) -> Recording:
    """Refer EEG to infinity, by sources on a sphere that would give what was measured.

    Parameters
    ----------
    recording : Recording
        EEG in V whose channels have positions.

    Returns
    -------
    Recording
        Re-referenced copy.

    Raises
    ------
    BiotransferError
        When it is no EEG, or a channel has no position.

    Notes
    -----
    Source: Yao 2001, doi:10.1088/0967-3334/22/4/305 (REST), as in :func:`mne.set_eeg_reference`, over a
    four-shell sphere of MNE's standard radius and sources 15 mm apart.
    """
    check_positions(recording, "rest_reference")
    raw = recording.raw.copy().load_data(verbose="error")
    inner = raw.copy().pick(recording.picks)
    sphere = mne.make_sphere_model("auto", "auto", inner.info, verbose="error")
    space = mne.setup_volume_source_space(sphere=sphere, exclude=30.0, pos=15.0, verbose="error")
    forward = mne.make_forward_solution(
        inner.info, trans=None, src=space, bem=sphere, meg=False, eeg=True, verbose="error"
    )
    inner.set_eeg_reference("REST", forward=forward, verbose="error")
    return apply_to_signal(recording, lambda _: inner.get_data())


def set_montage(recording: Recording, *, montage: str = "10-20") -> Recording:
    """Give EEG channels their standard positions, by name.

    Parameters
    ----------
    recording : Recording
        EEG.
    montage : str
        A montage of MNE, such as biosemi64 or easycap-M1; 10-20 stands for its standard_1020, which has the
        10-05 positions and the old names T3, T4, T5, T6 as well.

    Returns
    -------
    Recording
        Copy with positions; the signal stays.

    Raises
    ------
    BiotransferError
        When it is no EEG, for an unknown montage, or a channel that the montage does not have.

    Notes
    -----
    Source: :func:`mne.channels.make_standard_montage`.
    """
    check(
        recording.modality == "eeg",
        f"preprocess set_montage: {recording.uid!r} is {recording.modality}. Expected eeg. Leave it out.",
    )
    known = mne.channels.get_builtin_montages()
    ten_twenty = next(name for name in ("colin27_1020", "standard_1020") if name in known)
    check(
        montage == "10-20" or montage in known,
        f"preprocess set_montage: montage={montage!r} is unknown. Use one of: 10-20, {', '.join(known)}.",
    )
    positions = mne.channels.make_standard_montage(ten_twenty if montage == "10-20" else montage)
    lower = {name.lower() for name in positions.ch_names}
    absent = [name for name in own_channels(recording) if name.lower() not in lower]
    check(
        not absent,
        f"preprocess set_montage: montage {montage!r} has no position for {', '.join(absent)} of "
        f"{recording.uid!r}. Rename them before (rename_channels), or leave them out (drop_channels).",
    )
    raw = recording.raw.copy()
    raw.set_montage(positions, match_case=False, on_missing="ignore", verbose="error")
    return recording.with_raw(raw)


def check_positions(recording: Recording, step: str) -> None:
    """Refuse a recording whose good channels have no positions on a head, with what gives them some."""
    check(
        recording.modality == "eeg",
        f"preprocess {step}: {recording.uid!r} is {recording.modality}. Expected eeg, whose channels stand "
        "on a sphere. Leave the step out.",
    )
    lost = unplaced(recording)
    check(
        not lost,
        f"preprocess {step}: {', '.join(lost)} of {recording.uid!r} have no position. Expected one for every "
        "channel. Put set_montage before it: preprocess: [..., set_montage, ...].",
    )


def unplaced(recording: Recording) -> list[str]:
    """Names of the channels of the modality, bad ones too, that have no position."""
    places: dict[str, Any] = {ch["ch_name"]: ch["loc"][:3] for ch in recording.raw.info["chs"]}
    return [
        name
        for name in own_channels(recording)
        if not np.isfinite(places[name]).all() or not np.any(places[name])
    ]


def say_reference(channels: Sequence[str], keep: bool) -> str:
    """Say what reference did."""
    return f"re-referenced to {'the mean of ' if len(channels) > 1 else ''}{', '.join(channels)}"


def say_bipolar(pairs: Sequence[Sequence[str]]) -> str:
    """Say what bipolar did."""
    return f"re-referenced to differences of channels ({', '.join('-'.join(pair) for pair in pairs)})"
