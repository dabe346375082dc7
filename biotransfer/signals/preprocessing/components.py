"""Independent components of EEG that are no brain: found, named and taken out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import mne
import numpy as np

from ...errors import BiotransferError, check, check_option
from ..recording import Recording
from .common import apply_to_signal, check_channels, is_number
from .filters import filter_recording
from .referencing import check_positions

WAYS = ("iclabel", "mne")
LABELS = ("eye blink", "heart beat", "muscle artifact", "line noise", "channel noise")
"""What is taken out: every label of ICLabel but "brain" and "other"."""
_BY_MNE = LABELS[:3]
_BAND_HZ = (1.0, 100.0)
_FIT_HZ = 250.0
_USABLE = 0.95
_LEAST_SECONDS = 2.0
_FEWEST = 4


def ica(
    recording: Recording,
    *,
    by: str = "iclabel",
    remove: Sequence[str] = LABELS,
    components: float = 0.99,
    probability: float = 0.5,
    correlation: float = 0.6,
    eog: Sequence[str] = (),
    ecg: str = "",
    seed: int = 0,
    found: Mapping[str, Mapping[str, Any]] | None = None,
) -> Recording:
    """Take the independent components out that are eyes, heart, muscles or noise.

    Parameters
    ----------
    recording : Recording
        EEG in V whose channels have positions.
    by : {"iclabel", "mne"}
        Who names components: the network ICLabel (package mne-icalabel), or MNE's correlation with EOG
        channels, cross-trial phase statistics of an ECG channel, and spectral slope of muscles.
    remove : sequence of str
        What is taken out; "mne" knows eye blink, heart beat and muscle artifact.
    components : float, above 0
        Share of the variance that is decomposed, below 1, or number of components.
    probability : float, 0 to 1
        By ICLabel: least probability of the label.
    correlation : float, 0 to 1
        By MNE: least absolute correlation with an EOG channel, from 1 to 10 Hz.
    eog, ecg : sequence of str, str
        By MNE: channels in which blinks and the heart are seen, where no channel is of these types; EEG
        channels such as Fp1 will do for blinks.
    seed : int, 0 or more
        Of the decomposition.
    found : mapping, optional
        What was found: by recording (its uid) its channels, the matrix and offset that clean them, and what
        was removed. Found in the recordings of the data set when not given.

    Returns
    -------
    Recording
        Cleaned copy; by ICLabel, which expects it, referenced to the mean of the channels.

    Raises
    ------
    BiotransferError
        When it is no EEG, channels have no positions, stand still or are fewer than four, less than 2 s were
        recorded, a package or the channels that are asked for are not there, or ``found`` does not know a
        recording.

    Notes
    -----
    Source: extended infomax (Lee et al. 1999, doi:10.1162/089976699300016719), fitted from 1 to 100 Hz and
    applied to the signal as it is; Pion-Tonachini et al. 2019, doi:10.1016/j.neuroimage.2019.05.026
    (ICLabel); :meth:`mne.preprocessing.ICA.find_bads_eog`, ``find_bads_ecg`` and ``find_bads_muscle``. Taking
    components out is linear in the channels, so that it is kept, and done again, as a matrix. No label of a
    class is used, and every recording is decomposed by itself.
    """
    if found is None:
        asked: dict[str, Any] = {"by": by, "remove": remove, "components": components, "eog": eog, "ecg": ecg}
        asked |= {"probability": probability, "correlation": correlation}
        found = find_components([recording], seed=seed, **asked)["found"]
    if recording.uid not in found:
        raise BiotransferError(
            f"preprocess ica: found knows {len(found)} recordings, and not {recording.uid!r}. Expected every "
            "recording. Leave found out to decompose it."
        )
    own = found[recording.uid]
    check(
        list(own["channels"]) == recording.ch_names,
        f"preprocess ica: found was made for channels {', '.join(own['channels'])}, and {recording.uid!r} "
        f"has {', '.join(recording.ch_names)}. Expected the same. Leave found out to decompose it.",
    )
    matrix, offset = np.array(own["matrix"]), np.array(own["offset"])
    return apply_to_signal(recording, lambda x: matrix @ x + offset[:, None])


def find_components(
    recordings: Iterable[Recording],
    *,
    by: str,
    remove: Sequence[str],
    components: float,
    probability: float,
    correlation: float,
    eog: Sequence[str],
    ecg: str,
    seed: int,
    found: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Find what cleans every recording, see :func:`ica`."""
    if found is not None:
        return {}
    check_option("preprocess ica: by", by, WAYS)
    for label in remove:
        check_option("preprocess ica: remove", label, LABELS)
    whole = is_number(components) and components >= 1 and float(components).is_integer()
    check(
        is_number(components) and (0 < components < 1 or whole),
        f"preprocess ica: components={components!r}. Expected a share of the variance between 0 and 1, such "
        "as 0.99, or a whole number.",
    )
    for name, value in (("probability", probability), ("correlation", correlation)):
        check(
            is_number(value) and 0 <= value <= 1,
            f"preprocess ica: {name}={value!r}. Expected 0 to 1, such as 0.5.",
        )
    check(
        by != "iclabel" or find_spec("mne_icalabel") is not None,
        "preprocess ica: by='iclabel' needs the package mne-icalabel, which is not installed. Type: pip "
        "install 'biotransfer[cleaning]', or use by: mne.",
    )
    out = {}
    for recording in recordings:
        solution = _decompose(recording, by, components, seed)
        if by == "iclabel":
            named = _named_by_iclabel(*solution, remove, probability)
        else:
            named = _named_by_mne(recording, *solution, remove, correlation, eog, ecg)
        matrix, offset = _operator(*solution, list(named), centered=by == "iclabel")
        removed: dict[str, int] = {}
        for label in named.values():
            removed[label] = removed.get(label, 0) + 1
        out[recording.uid] = {
            "channels": recording.ch_names,
            "components": int(solution[1].n_components_),
            "removed": removed,
            "matrix": matrix.tolist(),
            "offset": offset.tolist(),
        }
    return {"found": out}


def _decompose(recording: Recording, by: str, components: float, seed: int) -> tuple[Any, Any]:
    """Return the filtered signal that is decomposed, and the decomposition."""
    check_positions(recording, "ica")
    check(
        len(recording.picks) >= _FEWEST and (components < 1 or components <= len(recording.picks)),
        f"preprocess ica: {recording.uid!r} has {len(recording.picks)} good channels for components="
        f"{components:g}. Expected {_FEWEST} channels or more, and no more components than channels.",
    )
    seconds, data = recording.raw.n_times / recording.sfreq, recording.raw.get_data(picks=recording.picks)
    moving = int((np.ptp(data, axis=1) > 0).sum())
    check(
        seconds >= _LEAST_SECONDS and moving > 1,
        f"preprocess ica: {recording.uid!r} has {seconds:.3g} s, and {moving} channels that move. Expected "
        f"{_LEAST_SECONDS:g} s or more of two channels. Leave the recording out: decisions.",
    )
    low, high = _BAND_HZ
    upper = high if high < _USABLE * recording.sfreq / 2 else None
    raw = filter_recording(recording, low, upper, 4).raw
    inner = raw.copy().pick(recording.picks)
    if by == "iclabel":
        inner.set_eeg_reference("average", verbose="error")
    solution = mne.preprocessing.ICA(
        n_components=components if components < 1 else int(components),
        method="infomax",
        fit_params={"extended": True},
        random_state=seed,
        max_iter="auto",
        verbose="error",
    )
    solution.fit(inner, decim=max(1, int(recording.sfreq // _FIT_HZ)), verbose="error")
    return inner, solution


def _named_by_iclabel(inner: Any, solution: Any, remove: Sequence[str], probability: float) -> dict[int, str]:
    """Return what ICLabel calls the components that are taken out."""
    from mne_icalabel import label_components

    with mne.utils.use_log_level("error"):
        found = label_components(inner, solution, method="iclabel")
    pairs = zip(found["labels"], found["y_pred_proba"], strict=True)
    return {i: name for i, (name, p) in enumerate(pairs) if name in remove and p >= probability}


def _named_by_mne(
    recording: Recording,
    inner: Any,
    solution: Any,
    remove: Sequence[str],
    correlation: float,
    eog: Sequence[str],
    ecg: str,
) -> dict[int, str]:
    """Return what MNE's criteria call the components that are taken out."""
    raw = recording.raw.copy().load_data(verbose="error")
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    eyes = list(eog) or [name for name, kind in kinds.items() if kind == "eog"]
    heart = [ecg] if ecg else [name for name, kind in kinds.items() if kind == "ecg"][:1]
    check_channels("ica", [*eyes, *heart], raw.ch_names, recording.uid)
    wanted = [label for label in _BY_MNE if label in remove]
    for label, channels, key in (("eye blink", eyes, "eog: [Fp1, Fp2]"), ("heart beat", heart, "ecg: ECG")):
        check(
            channels or label not in wanted,
            f"preprocess ica: by='mne' finds {label} by a channel, and {recording.uid!r} has none of that "
            f"type. Name one ({key}), or leave it out: remove: "
            f"[{', '.join(one for one in wanted if one != label)}].",
        )
    named: dict[int, str] = {}
    if "muscle artifact" in wanted:
        found, _ = solution.find_bads_muscle(inner, verbose="error")
        named |= {int(i): "muscle artifact" for i in found}
    if "heart beat" in wanted:
        found, _ = solution.find_bads_ecg(raw, ch_name=heart[0], verbose="error")
        named |= {int(i): "heart beat" for i in found}
    if "eye blink" in wanted:
        found, _ = solution.find_bads_eog(
            raw, ch_name=eyes, measure="correlation", threshold=correlation, verbose="error"
        )
        named |= {int(i): "eye blink" for i in found}
    return named


def _operator(
    inner: Any, solution: Any, removed: list[int], *, centered: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return matrix and offset of what taking components out does to the channels."""
    n = len(inner.ch_names)
    probe = mne.io.RawArray(
        np.concatenate([np.zeros((n, 1)), np.eye(n)], axis=1), inner.info, verbose="error"
    )
    done = solution.apply(probe, exclude=removed, verbose="error").get_data()
    matrix, offset = done[:, 1:] - done[:, :1], done[:, 0]
    return (matrix @ (np.eye(n) - 1 / n) if centered else matrix), offset


def say_ica(by: str, remove: Sequence[str], found: Any, **_: Any) -> str:
    """Say what ica did."""
    who = "ICLabel" if by == "iclabel" else "their likeness to EOG, ECG and muscle"
    after = " and the signals referenced to the mean of the channels" if by == "iclabel" else ""
    text = f"freed of independent components ({', '.join(remove)}; infomax, named by {who}){after}"
    if found is None:
        return text
    total: dict[str, int] = {}
    for own in found.values():
        for label, n in own["removed"].items():
            total[label] = total.get(label, 0) + n
    what = ", ".join(f"{n} {label}" for label, n in total.items()) or "none"
    components = sum(own["components"] for own in found.values())
    return f"{text} ({what} of {components} components in {len(found)} recordings)"
