"""A BIDS data set as recordings, with an account of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ....errors import BiotransferError, check, check_option, did_you_mean
from ...recording import MODALITIES, annotation_spans, is_boundary, natural_sorted, set_again
from ..loaded import Loaded
from ..own.naming import check_labels, check_unique
from ..own.raws import from_raws
from .names import CLASSES, LABELS_OF_FILES, read_sidecar
from .signals import need_mne_bids, read_signals
from .survey import Candidate, Survey, survey_folder

_OTHER_ENTITIES = ("task", "acquisition", "rec", "proc", "recording", "space")
_CITED = ("HowToAcknowledge", "DatasetDOI")


def load_bids(
    folder: Path | None,
    *,
    path: str,
    modality: str,
    classes: list | None = None,
    subjects: list | None = None,
    sessions: list | None = None,
    tasks: list | None = None,
    runs: list | None = None,
    labels: str = "trial_type",
    tmin: float | None = None,
    tmax: float | None = None,
    desc: str | None = None,
) -> Loaded:
    """Load a BIDS data set of EEG or EMG.

    Parameters
    ----------
    folder : None
        Not used: the files lie where ``path`` says.
    path : str
        Root of the data set: the folder with dataset_description.json and the sub-... folders.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : list of str, optional
        Labels to use, in class order. Default: the Levels of the labels' column that events.json names, or
        all values where part of the file's name is the label.
    subjects, sessions, tasks, runs : list of str, optional
        Which to load, as in the files' names. Default: all.
    labels : str
        Column of events.tsv that holds the labels; or task, session, run or acquisition, which label all of a
        file by its name.
    tmin, tmax : float, -3600 to 3600, optional
        Makes stretches of events: a label holds from ``tmin`` to ``tmax`` around its onset, in s, whatever
        duration is written. Give both, or none.
    desc : str, optional
        Which version, as after ``desc-``, where recordings lie there in several.

    Returns
    -------
    Loaded
        One recording per file, sorted by name, and every file of the data set.

    Raises
    ------
    BiotransferError
        When there is no such data set, nothing of it fits, or a recording is not valid.
    """
    check_option("modality", modality, MODALITIES)
    need_mne_bids()
    root = Path(path).expanduser().resolve()
    survey = survey_folder(
        root, modality=modality, subjects=subjects, sessions=sessions, tasks=tasks, runs=runs, desc=desc
    )
    whys: dict[str, str] = {}
    column = None if labels in LABELS_OF_FILES else labels
    read = _read_all(survey, modality, column, whys)
    if column is None:
        read = [(c, _label_whole(raw, c.name.entities.get(labels, "")), notes) for c, raw, notes in read]
    order = _class_order(survey, read, classes, labels, whys)
    kept = _with_labels(read, order, survey, whys)
    name = str(survey.description.get("Name") or root.name)
    recordings = from_raws(
        [raw for _, raw, _ in kept],
        modality=modality,
        classes=order,
        subjects=[c.subject for c, *_ in kept],
        sessions=[c.session for c, *_ in kept],
        runs=_run_names([c for c, *_ in kept]),
        dataset=name,
        tmin=tmin,
        tmax=tmax,
    )
    named = [
        replace(recording, source_file=c.path.relative_to(root).as_posix(), notes=(*recording.notes, *notes))
        for recording, (c, _, notes) in zip(recordings, kept, strict=True)
    ]
    check_unique(named)
    files = [replace(file, why=file.why or whys.get(file.path, "")) for file in survey.files]
    return Loaded(named, files, **what_it_says(survey.description, root))


def from_bids(
    root: str | Path,
    *,
    modality: str,
    classes: Sequence[str] | None = None,
    subjects: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    runs: Sequence[str] | None = None,
    labels: str = "trial_type",
    tmin: float | None = None,
    tmax: float | None = None,
    desc: str | None = None,
) -> Loaded:
    """Load a BIDS data set of EEG or EMG; a recipe says the same with ``data: bids`` and ``path: root``.

    Parameters
    ----------
    root : path
        The folder with dataset_description.json and the sub-... folders; of derivatives, their own.
    modality : {"eeg", "emg"}
        Which channels to use. EMG is found in emg/ and, where one amplifier recorded both, in eeg/.
    classes : sequence of str, optional
        Labels to use, in class order. Default: the Levels of the labels' column that events.json names, or
        all values where part of the file's name is the label.
    subjects, sessions, tasks, runs : sequence of str, optional
        Which to load, as in the files' names. Default: all.
    labels : str
        Column of events.tsv that holds the labels; or "task", "session", "run" or "acquisition", which label
        all of a file by its name.
    tmin, tmax : float, optional
        Makes stretches of events: a label holds from ``tmin`` to ``tmax`` around its onset, in s, whatever
        duration is written. Give both, or none.
    desc : str, optional
        Which version, as after ``desc-``, where recordings lie there in several.

    Returns
    -------
    Loaded
        One recording per file, sorted by name: types and bad channels of channels.tsv, places of
        electrodes.tsv, line frequency of the sidecar, events of events.tsv. ``files`` has every file below
        the root, hidden ones apart, and why one is not used.

    Raises
    ------
    BiotransferError
        When there is no such data set, nothing of it fits, or a recording is not valid.

    Examples
    --------
    >>> import tempfile
    >>> from biotransfer.signals.exchange import to_bids
    >>> from biotransfer.signals.simulate import simulate_eeg
    >>> with tempfile.TemporaryDirectory() as root:
    ...     _ = to_bids(simulate_eeg(n_subjects=2, n_runs=1, seed=0), root, task="states")
    ...     [recording.subject for recording in from_bids(root, modality="eeg")]
    ['S1', 'S2']
    """
    lists = {"classes": classes, "subjects": subjects, "sessions": sessions, "tasks": tasks, "runs": runs}
    given: dict[str, Any] = {
        key: value if value is None or isinstance(value, str) else list(value) for key, value in lists.items()
    }
    return load_bids(
        None, path=str(root), modality=modality, labels=labels, tmin=tmin, tmax=tmax, desc=desc, **given
    )


Read = list[tuple[Candidate, Any, list[str]]]


def _read_all(survey: Survey, modality: str, column: str | None, whys: dict[str, str]) -> Read:
    """Read every candidate; one that cannot be used is written down with its reason."""
    read: Read = []
    for candidate in survey.candidates:
        try:
            raw, notes = read_signals(candidate, column)
        except BiotransferError as error:
            whys[_key(survey, candidate)] = " ".join(str(error).split())
            continue
        kinds = raw.get_channel_types()
        good = [kind for name, kind in zip(raw.ch_names, kinds, strict=True) if name not in raw.info["bads"]]
        if modality in good:
            read.append((candidate, raw, notes))
        else:
            whys[_key(survey, candidate)] = (
                f"has no good {modality} channel, only {', '.join(sorted(set(good))) or 'bad ones'}"
            )
    _check_some(read, survey, whys)
    return read


def _key(survey: Survey, candidate: Candidate) -> str:
    return candidate.path.relative_to(survey.root).as_posix()


def _check_some(read: Read, survey: Survey, whys: Mapping[str, str]) -> None:
    """Refuse a data set of which no file can be used, each reason once with a file that has it."""
    if read:
        return
    first = {why: path for path, why in reversed(list(whys.items()))}
    said = "; ".join(f"{path} {why}" for why, path in list(first.items())[:3])
    raise BiotransferError(
        f"path={str(survey.root)!r}: none of {len(whys)} files of signals can be used: {said}. Expected EEG "
        "or "
        "EMG that the BIDS validator passes."
    )


def _label_whole(raw: Any, label: str) -> Any:
    """Label all of a recording, its other annotations kept where they mark what no window may touch."""
    marks = raw.annotations.copy()
    marks.delete([i for i, text in enumerate(marks.description) if not is_boundary(str(text))])
    if label:
        marks.append(raw.first_time, raw.n_times / raw.info["sfreq"], label)
    return set_again(raw, marks)


def _events_of(raw: Any) -> Counter[str]:
    return Counter(span.description for span in annotation_spans(raw) if not span.is_boundary)


def _class_order(
    survey: Survey, read: Read, classes: Sequence[Any] | None, labels: str, whys: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the classes: those asked for, else those that the data set itself names in order."""
    if classes is not None:
        return check_labels(classes)
    counts: Counter[str] = Counter()
    for _, raw, _ in read:
        counts += _events_of(raw)
    check(counts, f"path={str(survey.root)!r} has no events of column {labels!r} in {len(read)} recordings.")
    if labels in LABELS_OF_FILES:
        return tuple(natural_sorted(counts))
    levels = _levels(survey, labels, counts)
    said = ", ".join(f"{name} ({n})" for name, n in counts.most_common(12))
    check(
        levels,
        f"classes is missing, and no events.json of {str(survey.root)!r} names Levels of {labels}. Its "
        "events "
        f"are: {said}. Pass classes={natural_sorted(counts)[:2]}, the labels to use in their order.",
    )
    return tuple(levels)


def _levels(survey: Survey, column: str, counts: Mapping[str, int]) -> list[str]:
    """Return the labels that the descriptions of a column beside used recordings name, in order."""
    found: dict[str, None] = {}
    for path in survey.used:
        if path.name.endswith("events.json"):
            said = read_sidecar(path).get(column)
            said = said if isinstance(said, dict) else {}
            levels, own = (said.get(key) for key in ("Levels", CLASSES))
            present = (
                [str(name) for name in levels if str(name) in counts]
                if isinstance(levels, list | dict)
                else []
            )
            found |= dict.fromkeys(map(str, own) if own and isinstance(own, list) else present)
    return [name for name in found if not is_boundary(name)]


def _with_labels(read: Read, order: Sequence[str], survey: Survey, whys: dict[str, str]) -> Read:
    """Leave recordings that hold a class; another is written down with what it holds."""
    kept: Read = []
    for candidate, raw, notes in read:
        found = _events_of(raw)
        if set(found) & set(order):
            kept.append((candidate, raw, notes))
        else:
            said = f"only {', '.join(natural_sorted(found)[:8])}" if found else "no event at all"
            whys[_key(survey, candidate)] = f"has none of the classes, {said}"
    if not kept:
        known = sorted({name for _, raw, _ in read for name in _events_of(raw)})
        raise BiotransferError(
            f"classes={list(order)}: no recording of {str(survey.root)!r} has "
            f"one.{did_you_mean(order[0], known)} "
            f"Its events are: {', '.join(known) or 'none'}. Pass other classes, or labels=, their column."
        )
    return kept


def _run_names(candidates: Sequence[Candidate]) -> list[str]:
    """Return a name per run: its own, after whatever else tells recordings apart (task, acquisition, ...)."""
    told = [e for e in _OTHER_ENTITIES if len({c.name.entities.get(e) for c in candidates}) > 1]
    return ["-".join([*(c.name.entities.get(e, "none") for e in told), c.run]) for c in candidates]


def what_it_says(description: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Return name, citation and licence of a data set out of its dataset_description.json."""
    name = str(description.get("Name") or root.name)
    authors = description.get("Authors") or []
    people = ", ".join(map(str, authors)) if isinstance(authors, list) else str(authors)
    cited = [people, name, *(str(description[key]) for key in _CITED if description.get(key))]
    citation = ". ".join(part.rstrip(".") for part in cited if part) if people or len(cited) > 2 else ""
    return {"name": name, "citation": citation, "licence": str(description.get("License") or "")}
