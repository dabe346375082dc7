"""Recording -> Recording: named steps around MNE, presets per modality, and a sentence for Methods.

Every step works on the good channels of the recording's own modality, whatever else the Raw holds, and begins
anew at every ``EDGE`` annotation. Some look at all recordings of a data set before they work on one, so that
channels agree and people stand on one scale: what they find becomes their parameters (``settle_steps``).
Filters are Butterworth filters run forward and backward: they need no more signal than they get, where a
linear-phase FIR filter of the same transition is longer than a 2 s recording of one gesture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload

from ...errors import BiotransferError, check, check_option, for_each, one_or_many
from ..datasets.loaded import Loaded
from ..recording import FROM_RAWS, Recording
from .catalog import STEPS
from .filters import FOUND, NO_HUM

__all__ = [
    "PRESETS",
    "SHORTCUTS",
    "STEPS",
    "apply_steps",
    "describe_steps",
    "preprocess",
    "resolve_steps",
    "settle_steps",
]

PRESETS: dict[str, list[dict[str, Any]]] = {
    "eeg": [{"name": "notch", "freqs": FOUND}, {"name": "bandpass", "low": 1.0, "high": 45.0}],
    "emg": [{"name": "notch", "freqs": FOUND}, {"name": "bandpass", "low": 20.0, "high": None}],
    "none": [],
}
"""What ``preprocess: eeg`` and ``preprocess: emg`` stand for. EMG stays open to the Nyquist frequency: an
armband of 200 Hz has no room for a low-pass; at 1 kHz and more add ``bandpass: {high: 450}``. Hum of the
mains is notched where it stands out of the spectra of a data set, see ``find_line_freq``."""

SHORTCUTS = {"sfreq": ("resample", "sfreq"), "mains": ("notch", "freqs")}
"""Single numbers that stand for a step's parameter."""

Spec = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]


def resolve_steps(steps: Spec, **overrides: Any) -> list[dict[str, Any]]:
    """Return the full list of steps, every parameter explicit.

    Parameters
    ----------
    steps : str, mapping or list
        A preset (``"eeg"``); a list of step names and ``{"name": ..., parameter: value}``; or a preset with
        changes, ``{"preset": "eeg", "bandpass": {"high": 40}, "notch": None, "sfreq": 200}``.
    **overrides
        Changes by step: a mapping of parameters, or None to leave the step out; a step that is not there yet
        is added at the end. ``sfreq=200`` stands for ``resample={"sfreq": 200}`` and ``mains=60`` for
        ``notch={"freqs": [60]}``; None leaves that step out.

    Returns
    -------
    list of dict
        ``{"name": ..., parameter: value, ...}``; resolving it again changes nothing.

    Raises
    ------
    BiotransferError
        On an unknown preset, step or parameter, or a value of the wrong type.

    Examples
    --------
    >>> resolve_steps("emg", notch=None)
    [{'name': 'bandpass', 'low': 20.0, 'high': None, 'order': 4}]
    """
    if isinstance(steps, Mapping) and "name" not in steps:
        check(
            "preset" in steps,
            f"preprocess={dict(steps)!r} names no preset to change. Add preset: eeg (or emg, none).",
        )
        overrides = {**{k: v for k, v in steps.items() if k != "preset"}, **overrides}
        steps = steps["preset"]
    if isinstance(steps, str):
        check_option("preprocess", steps, PRESETS)
        chosen: list[Any] = list(PRESETS[steps])
    else:
        check(
            isinstance(steps, (list, tuple, Mapping)),
            f"preprocess={steps!r} is no preset, list or mapping. Write preprocess: eeg (or emg, none).",
        )
        chosen = [steps] if isinstance(steps, Mapping) else list(steps)
    resolved = [_resolve(step) for step in chosen]
    for key, value in overrides.items():
        _check_change(key)
        name, parameter = SHORTCUTS.get(key, (key, None))
        change = {parameter: value} if parameter and value is not None else value
        resolved = _override(resolved, name, change)
    return resolved


def _check_change(key: str) -> None:
    """Refuse the change of a preset that names no step."""
    owners = [name for name, entry in STEPS.items() if key in {p.name for p in entry.parameters}]
    if key not in STEPS and key not in SHORTCUTS and owners:
        raise BiotransferError(
            f"preprocess: {key!r} is no step but a parameter of {', '.join(owners)}. Expected changes of a "
            f"preset by step. Write preprocess: {{preset: ..., {owners[0]}: {{{key}: ...}}}}."
        )
    check_option("preprocess: step", key, [*STEPS, *SHORTCUTS])


def _resolve(step: Any) -> dict[str, Any]:
    """One step with its defaults; single numbers become lists where a list is meant."""
    if isinstance(step, Mapping) and isinstance(step.get("freqs"), (int, float)):
        step = {**step, "freqs": [float(step["freqs"])]}
    entry, parameters = STEPS.resolve(step)
    if entry.name == "notch":
        parameters = {**parameters, "freqs": FOUND if parameters["freqs"] is None else parameters["freqs"]}
        if isinstance(parameters["freqs"], str):
            check_option("preprocess notch: freqs", parameters["freqs"], (FOUND, NO_HUM))
    plain = {k: list(v) if isinstance(v, (list, tuple)) else v for k, v in parameters.items()}
    return {"name": entry.name, **plain}


def _override(steps: list[dict[str, Any]], name: str, change: Any) -> list[dict[str, Any]]:
    places = [i for i, step in enumerate(steps) if step["name"] == name]
    check(
        len(places) <= 1,
        f"preprocess: {name} stands {len(places)} times, so it is open which one to change. "
        "Write the whole list of steps.",
    )
    if change is None:
        return [step for step in steps if step["name"] != name]
    check(
        isinstance(change, Mapping),
        f"preprocess: {name}={change!r} is no mapping of parameters. "
        f"Write {name}: {{{next(iter(p.name for p in STEPS[name].parameters), '')}: ...}}, or {name}: null.",
    )
    if not places:
        return [*steps, _resolve({"name": name, **change})]
    changed = _resolve({**steps[places[0]], **change})
    return [changed if i == places[0] else step for i, step in enumerate(steps)]


@overload
def preprocess(recordings: Recording, steps: Spec | None = None, **overrides: Any) -> Recording: ...
@overload
def preprocess(
    recordings: Iterable[Recording], steps: Spec | None = None, **overrides: Any
) -> list[Recording]: ...
def preprocess(
    recordings: Recording | Iterable[Recording], steps: Spec | None = None, **overrides: Any
) -> Recording | list[Recording]:
    """Apply steps to one recording, or the same steps to all recordings of a data set.

    Parameters
    ----------
    recordings : Recording or iterable of Recording
        Signals in V; they are not changed. What a step finds in all of them, such as channels that they
        share, it finds by data set and modality.
    steps : str, mapping or list, optional
        See ``resolve_steps``. Default: the preset of each recording's modality.
    **overrides
        Changes by step, such as ``bandpass={"high": 40}``, ``notch=None``, ``sfreq=200``, ``mains=60``.

    Returns
    -------
    Recording or list of Recording
        Copies, one for one and a list for many; channels of other types keep their samples (unless the
        sampling rate changes).

    Raises
    ------
    BiotransferError
        On an unknown step or parameter, or a filter that the sampling rate does not allow; of many, the
        recording is named.

    Examples
    --------
    >>> from biotransfer import simulate_emg
    >>> preprocess(simulate_emg(n_subjects=1)[0], sfreq=256).sfreq
    256.0
    """
    many = one_or_many("recordings", recordings, Recording, FROM_RAWS)
    sets: dict[tuple[str, str], list[Recording]] = {}
    for recording in many:
        sets.setdefault((recording.dataset, recording.modality), []).append(recording)
    settled = {
        name: settle_steps(own, resolve_steps(name[1] if steps is None else steps, **overrides))
        for name, own in sets.items()
    }
    done = for_each("recordings", many, lambda r: apply_steps(r, settled[r.dataset, r.modality]))
    return done[0] if isinstance(recordings, Recording) else Loaded(done)


def settle_steps(recordings: Iterable[Recording], steps: Spec) -> list[dict[str, Any]]:
    """Let the steps that look at a whole data set first look at it, one recording at a time.

    Parameters
    ----------
    recordings : collection of Recording
        All of the data set, in V, read once for every such step; they are not changed.
    steps : str, mapping or list
        See ``resolve_steps``.

    Returns
    -------
    list of dict
        The steps with what was found as parameters: each recording can be preprocessed by itself now, and
        settling again changes nothing. Labels of classes are never looked at.
    """
    settled = resolve_steps(steps)
    for i, step in enumerate(settled):
        settle = STEPS[step["name"]].facts["settle"]
        if settle is not None:
            before = settled[:i]
            parameters = {k: v for k, v in step.items() if k != "name"}
            found = settle((apply_steps(recording, before) for recording in recordings), **parameters)
            settled[i] = {**step, **found}
    return settled


def apply_steps(recording: Recording, steps: Iterable[Mapping[str, Any]]) -> Recording:
    """Return a copy of one recording after steps that are resolved, and settled where they have to be."""
    for step in steps:
        parameters = {k: v for k, v in step.items() if k != "name"}
        recording = STEPS[step["name"]].function(recording, **parameters)
    return recording


def describe_steps(steps: Spec) -> str:
    """Return one sentence for a Methods paragraph.

    Parameters
    ----------
    steps : str, mapping or list
        See ``resolve_steps``.

    Examples
    --------
    >>> describe_steps([{"name": "resample", "sfreq": 200}])
    'Signals were resampled to 200 Hz.'
    """
    phrases = []
    for step in resolve_steps(steps):
        say: Callable[..., str] = STEPS[step["name"]].facts["say"]
        phrases.append(say(**{k: v for k, v in step.items() if k != "name"}))
    if not phrases:
        return "No preprocessing was applied."
    return "Signals were " + ", then ".join(phrases) + "."
