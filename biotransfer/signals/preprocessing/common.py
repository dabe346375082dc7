"""What steps share: which samples belong together, and what is refused in the same words everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mne
import numpy as np

from ...errors import BiotransferError, check, did_you_mean
from ..recording import Recording, annotation_spans

_USABLE = 0.95


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)


def check_order(step: str, order: int) -> None:
    """Refuse an order that no filter has."""
    check(1 <= order <= 10, f"preprocess {step}: order={order}. Expected 1 to 10, such as 4.")


def check_frequency(recording: Recording, step: str, name: str, value: Any, reach: float = 0.0) -> None:
    """Refuse a frequency whose filter does not fit between 0 and Nyquist, with one that would."""
    check(
        is_number(value) and value - reach > 0,
        f"preprocess {step}: {name}={value!r} Hz"
        + (f" with a stop band of {reach:g} Hz on either side" if reach else "")
        + " is not above 0. Expected a frequency in Hz.",
    )
    nyquist = recording.sfreq / 2
    if value + reach < nyquist:
        return
    most = nyquist - reach - (1 - _USABLE) * nyquist
    raise BiotransferError(
        f"preprocess {step}: {name}={value:g} Hz does not fit below {nyquist:g} Hz, the Nyquist frequency of "
        f"{recording.uid!r} sampled at {recording.sfreq:g} Hz"
        + (f" (the stop band reaches {reach:g} Hz further)" if reach else "")
        + f". Use {name}={most:g} or less"
        + (", or None to leave that side open." if step == "bandpass" else f", or {step}=None to drop it.")
    )


def stretches(raw: Any) -> list[tuple[int, int]]:
    """First and end samples of what lies between edges and skipped acquisition."""
    cuts = sorted(
        span[:2]
        for span in annotation_spans(raw)
        if span.description.upper().startswith(("EDGE", "BAD_ACQ_SKIP"))
    )
    out, position = [], 0
    for first, last in [*cuts, (raw.n_times, raw.n_times)]:
        if first > position:
            out.append((position, first))
        position = max(position, last)
    return out


def apply_to_signal(recording: Recording, function: Callable[[np.ndarray], np.ndarray]) -> Recording:
    """Apply a function of an array (n_chans, n_samples) to the good channels of the modality."""
    raw = recording.raw.copy().load_data(verbose="error")
    raw.apply_function(function, picks=recording.picks, channel_wise=False, verbose="error")
    return recording.with_raw(raw)


def for_stretches(function: Callable[[np.ndarray], np.ndarray], recording: Recording) -> Recording:
    """Apply a function of an array (n_chans, n_samples) to every stretch between edges by itself."""
    parts = stretches(recording.raw)

    def run(data: np.ndarray) -> np.ndarray:
        out = data.copy()
        for first, last in parts:
            out[:, first:last] = function(data[:, first:last])
        return out

    return apply_to_signal(recording, run)


def own_channels(recording: Recording) -> list[str]:
    """Names of all channels of the modality, marked bad or not."""
    picks = mne.pick_types(recording.raw.info, meg=False, **{recording.modality: True}, exclude=[])
    return [recording.raw.ch_names[i] for i in picks]


def check_channels(step: str, wanted: Sequence[str], known: Sequence[str], uid: str) -> None:
    """Refuse channels that a recording does not have, or that are named twice."""
    absent = [name for name in wanted if name not in known]
    check(
        not absent,
        f"preprocess {step}: {uid!r} has no channel {', '.join(map(repr, absent))}."
        f"{did_you_mean(absent[0], known) if absent else ''} It has: {', '.join(known)}. Name one of them, "
        "or rename channels first: preprocess: [rename_channels, ...].",
    )
    twice = sorted({name for name in wanted if list(wanted).count(name) > 1})
    check(not twice, f"preprocess {step}: {', '.join(twice)} is named twice. Name each channel once.")


def keep_channels(recording: Recording, names: Sequence[str]) -> Recording:
    """Return a copy with these channels of the modality, in this order, before those of other types."""
    own = set(own_channels(recording))
    raw = recording.raw.copy().load_data(verbose="error")
    raw.reorder_channels([*names, *(name for name in raw.ch_names if name not in own)])
    return recording.with_raw(raw)
