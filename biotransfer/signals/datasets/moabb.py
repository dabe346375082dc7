"""Data sets of MOABB as recordings: trials are labels over their interval, sessions and runs stay.

Source: Jayaram and Barachant, doi:10.1088/1741-2552/aadea0; Chevallier et al., doi:10.48550/arXiv.2404.15319.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mne

from ...catalog import Entry
from ...errors import BiotransferError, a_kind, check, check_option
from ..recording import MODALITIES
from .common import choose, choose_classes
from .loaded import Loaded
from .own.raws import from_raws


def load_moabb(
    folder: Path | None,
    *,
    dataset: str,
    modality: str,
    classes: list | None = None,
    subjects: list | None = None,
    sessions: list | None = None,
    tmin: float | None = None,
    tmax: float | None = None,
    options: dict | None = None,
) -> Loaded:
    """Load a data set of MOABB by its name; MOABB downloads what is missing.

    Parameters
    ----------
    folder : None
        Not used: MOABB keeps its files itself, in the MNE data directory.
    dataset : str
        Its name in ``moabb.datasets``, such as BNCI2014_001.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : list of str, optional
        Events that are labels, in class order. Default: all that the data set names.
    subjects, sessions : list, optional
        Who and which to load, by MOABB's names. Default: all.
    tmin, tmax : float, -3600 to 3600, optional
        From when until when after the cue a trial's label holds, in s. Default: the data set's interval.
    options : dict, optional
        Further arguments of the data set's own class.

    Returns
    -------
    Loaded
        One recording per subject, session and run.

    Raises
    ------
    BiotransferError
        For a name that MOABB does not have, options that it refuses, or what :func:`from_moabb` refuses.
    """
    check(
        options is None or isinstance(options, dict),
        f"options={options!r} is no mapping. Expected arguments of {dataset}. Write options: "
        f"{{NAME: VALUE}}.",
    )
    given = {"return_all_modalities": True, **(options or {})} if modality != "eeg" else dict(options or {})
    return from_moabb(
        _make(dataset, given),
        modality=modality,
        classes=classes,
        subjects=subjects,
        sessions=sessions,
        tmin=tmin,
        tmax=tmax,
    )


def from_moabb(
    dataset: Any,
    *,
    modality: str = "eeg",
    classes: Sequence[str] | None = None,
    subjects: Sequence[Any] | None = None,
    sessions: Sequence[Any] | None = None,
    paradigm: Any = None,
    tmin: float | None = None,
    tmax: float | None = None,
) -> Loaded:
    """Load a data set of MOABB; a recipe says the same with ``data: moabb`` and ``dataset: NAME``.

    Parameters
    ----------
    dataset : moabb.datasets.base.BaseDataset, or str
        One of MOABB's data sets, or its name, such as "BNCI2014_001".
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : sequence of str, optional
        Events that are labels, in class order. Default: all that the data set, or the paradigm, names.
    subjects, sessions : sequence, optional
        Who and which to load, by MOABB's names. Default: all.
    paradigm : moabb.paradigms.base.BaseParadigm, optional
        Chooses events and the stretch of a trial. Its filters are not used: ``preprocess`` has them.
    tmin, tmax : float, optional
        From when until when after the cue a trial's label holds, in s. Default: the data set's interval.

    Returns
    -------
    Loaded
        One recording per subject, session and run; name, citation and licence where MOABB has them. Files are
        MOABB's own matter: ``files`` is empty.

    Raises
    ------
    BiotransferError
        When MOABB is not installed, knows no such data set, or cannot load it; for a paradigm that does not
        fit, subjects, sessions or classes that are not there, or recordings that are not valid.

    Notes
    -----
    Trials of event-related potentials follow each other faster than their interval lasts; labels overlap
    then, and windows cannot be cut. Pass tmin and tmax that fit between two cues.

    Examples
    --------
    >>> from_moabb("BNCI2014_001", subjects=[1], classes=["left_hand", "right_hand"])  # doctest: +SKIP
    """
    check_option("modality", modality, MODALITIES)
    source = _make(dataset, {}) if isinstance(dataset, str) else dataset
    check(
        callable(getattr(source, "get_data", None)) and hasattr(source, "subject_list"),
        f"dataset is {a_kind(dataset)}. Expected a data set of MOABB, or its name, such as "
        "from_moabb('BNCI2014_001').",
    )
    name = str(source.code)
    begin, end = (float(at) for at in source.interval)
    events = [str(event) for event in source.event_id]
    if paradigm is not None:
        check(
            paradigm.is_valid(source),
            f"paradigm={type(paradigm).__name__} does not fit {name!r}, which is {source.paradigm}. Leave "
            "it out.",
        )
        events = [str(event) for event in paradigm.used_events(source)]
        tmin = begin + float(paradigm.tmin) if tmin is None else tmin
        tmax = (end if paradigm.tmax is None else begin + float(paradigm.tmax)) if tmax is None else tmax
    labels = choose_classes(name, classes, events)
    people = {str(subject): subject for subject in source.subject_list}
    raws, keys, notes = [], [], []
    for person in choose(f"subjects of {name!r}", subjects, people):
        data, said = _load(source, people[person])
        notes += said
        for session in choose(f"sessions of {name!r}", sessions, data):
            for run, raw in data[session].items():
                raws.append(_with_line_frequency(raw, source))
                keys.append((person, str(session), str(run)))
    around = None if tmin is None and tmax is None else (begin, end)
    recordings = from_raws(
        raws,
        modality=modality,
        classes=labels,
        subjects=[key[0] for key in keys],
        sessions=[key[1] for key in keys],
        runs=[key[2] for key in keys],
        dataset=name,
        tmin=None if around is None else (begin if tmin is None else tmin) - begin,
        tmax=None if around is None else (end if tmax is None else tmax) - begin,
    )
    told = tuple(dict.fromkeys(notes))
    told_of = [replace(r, notes=(*r.notes, *told)) for r in recordings]
    return Loaded(told_of, (), **_what_it_says(source, name))


def need_moabb() -> Any:
    """Import and return moabb and its data sets.

    Raises
    ------
    BiotransferError
        When it is not installed.
    """
    try:
        with warnings.catch_warnings(), mne.utils.use_log_level("ERROR"):
            warnings.simplefilter("ignore")
            import moabb
            import moabb.datasets
            import moabb.datasets.fake
    except ModuleNotFoundError as error:
        raise BiotransferError(
            f"moabb cannot be imported: {error}. Type: pip install 'biotransfer[moabb]'"
        ) from error
    return moabb


def _make(name: str, options: dict[str, Any]) -> Any:
    """Return a data set of MOABB by name."""
    moabb = need_moabb()
    base = moabb.datasets.base.BaseDataset
    known = {
        key: kind
        for module in (moabb.datasets.fake, moabb.datasets)
        for key, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base
    }
    check_option("dataset", name, sorted(known))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return known[name](**options)
    except TypeError as error:
        raise BiotransferError(
            f"options={options!r}: {name} does not take them ({error}). Expected arguments of its class."
        ) from error


def _load(source: Any, subject: Any) -> tuple[dict[str, Any], list[str]]:
    """Return sessions and runs of a person, and what was warned of meanwhile, a sentence each."""
    with warnings.catch_warnings(record=True) as said, mne.utils.catch_logging("WARNING"):
        warnings.simplefilter("always")
        try:
            data = source.get_data(subjects=[subject])[subject]
        except Exception as error:
            raise BiotransferError(
                f"subject {subject} of {source.code!r} cannot be loaded by MOABB ({type(error).__name__}: "
                f"{error}). "
                f"Expected that this works: moabb.datasets.{type(source).__name__}().get_data([{subject!r}])."
            ) from error
    kinds = (UserWarning, RuntimeWarning)
    texts = [" ".join(str(w.message).split()) for w in said if issubclass(w.category, kinds)]
    return data, [f"subject {subject}: {text}" for text in dict.fromkeys(texts)]


def _with_line_frequency(raw: Any, source: Any) -> Any:
    """Give a Raw that MOABB has just made the line frequency that MOABB knows of."""
    known = getattr(getattr(getattr(source, "metadata", None), "acquisition", None), "line_freq", None)
    if raw.info["line_freq"] is None and known is not None:
        raw.info["line_freq"] = float(known)
    return raw


def _what_it_says(source: Any, name: str) -> dict[str, str]:
    """Return name, citation and licence of a data set, as far as MOABB's metadata have them."""
    said = getattr(getattr(source, "metadata", None), "documentation", None)
    doi = getattr(source, "doi", None) or getattr(said, "doi", None)
    people = ", ".join(getattr(said, "investigators", None) or [])
    year = getattr(said, "publication_year", None)
    parts = [people, str(year or ""), name if people or doi else "", f"doi:{doi}" if doi else ""]
    return {
        "name": name,
        "citation": ". ".join(part for part in parts if part),
        "licence": str(getattr(said, "license", None) or ""),
    }


def _code_of_moabb(**_: Any) -> tuple[Path, list[Path]]:
    """Return what decides the recordings beside a recipe: MOABB's own readers, in their version."""
    found = find_spec("moabb")
    folder = Path(found.origin).parent if found is not None and found.origin else Path()
    return folder, sorted((folder / "datasets").rglob("*.py")) if found is not None else []


def _words_of(*, dataset: str, options: dict | None = None, **_: Any) -> dict[str, str]:
    source = _make(dataset, dict(options or {}))
    return _what_it_says(source, str(source.code))


ENTRY = Entry(
    name="moabb",
    summary="A data set of MOABB by its name; trials are labels over their interval.",
    function=load_moabb,
    source="MOABB, doi:10.1088/1741-2552/aadea0",
    facts={
        "size_mb": 0,
        "license": "as MOABB says of the data set",
        "origin": "where MOABB downloads it from",
        "reads": _code_of_moabb,
        "says": _words_of,
        "packages": ("moabb",),
        "extra": "moabb",
    },
)
