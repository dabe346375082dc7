"""What can be said of a folder of one's own files: every key, its default, its check and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from ....errors import check, did_you_mean
from ....settings import (
    Reader,
    Settings,
    UnexpectedError,
    flag,
    key,
    known_keys,
    many,
    maybe,
    number,
    option,
    text,
    whole,
)
from ...recording import MODALITIES, VOLTS_PER_UNIT
from .naming import check_labels

FORMATS = ("text", "openbci", "mat", "numpy", "binary", "xdf", "mne")
SECONDS_PER_UNIT = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
ORDERS = ("samples", "channels")
TABLE_COLUMNS = ("file", "onset", "duration", "label")
NEXT = "next"


def code_text(code: Any) -> str:
    """Return a code as it is compared: whole numbers without a fraction or leading zeros.

    Examples
    --------
    >>> code_text(3.0), code_text("03"), code_text(" fist ")
    ('3', '3', 'fist')
    """
    if isinstance(code, Real) and not isinstance(code, bool):
        return f"{float(code):.15g}"
    said = str(code).strip()
    try:
        value = float(said)
    except ValueError:
        return said
    return f"{value:.15g}"


def _codes(name: Reader) -> Reader:
    """Read codes by what they mean."""

    def accept(where: str, given: Any) -> dict[str, str]:
        if not isinstance(given, Mapping) or not given:
            raise UnexpectedError
        return {code_text(code): str(name.accepts(where, value)) for code, value in given.items()}

    return Reader(f"a mapping of a code to {name.expects}", accept)


def _names() -> Reader:
    """Read a mapping of names to names."""

    def accept(_: str, given: Any) -> dict[str, str]:
        if not isinstance(given, Mapping) or not given:
            raise UnexpectedError
        return {str(name): str(value) for name, value in given.items()}

    return Reader("a mapping of names to names", accept)


def _table_columns() -> Reader:
    def accept(where: str, given: Any) -> dict[str, str]:
        names = dict(_names().accepts(where, given))
        for name in names:
            check(
                name in TABLE_COLUMNS,
                f"{where}: {name!r} is unknown.{did_you_mean(name, TABLE_COLUMNS)} "
                f"Use some of: {', '.join(TABLE_COLUMNS)}.",
            )
        return names

    return Reader(f"a mapping of {', '.join(TABLE_COLUMNS)} to the names of columns", accept)


def _column() -> Reader:
    """Read the name of a column or variable, or a position from 1 on."""

    def accept(_: str, given: Any) -> str | int:
        if isinstance(given, bool) or not isinstance(given, (str, int)) or given == "":
            raise UnexpectedError
        if isinstance(given, int) and given < 1:
            raise UnexpectedError(" is no position: columns are counted from 1")
        return given

    return Reader("a name, or a position from 1 on", accept)


def _either(first: Reader, second: Reader) -> Reader:
    def accept(where: str, given: Any) -> Any:
        try:
            return first.accepts(where, given)
        except UnexpectedError:
            return second.accepts(where, given)

    return Reader(f"{first.expects}; or {second.expects}", accept)


def _unit() -> Reader:
    def accept(_: str, given: Any) -> str | float:
        if isinstance(given, str) and given in VOLTS_PER_UNIT:
            return given
        if isinstance(given, Real) and not isinstance(given, bool) and 0 < float(given) < float("inf"):
            return float(given)
        near = [unit for unit in VOLTS_PER_UNIT if str(given).lower() == unit.lower()]
        raise UnexpectedError(f" (did you mean {near[0]!r}?)" if near else "")

    return Reader(f"one of {', '.join(VOLTS_PER_UNIT)}, or how many V one count is", accept)


def _list(reader: Reader) -> Reader:
    return maybe(many(reader, single=False))


def _any_text() -> Reader:
    """Read a name, which may look like a number."""

    def accept(_: str, given: Any) -> str:
        if isinstance(given, bool) or not isinstance(given, (str, int, float)):
            raise UnexpectedError
        return str(given)

    return Reader("a name", accept)


def _labels() -> Reader:
    def accept(_: str, given: Any) -> tuple[str, ...]:
        return check_labels(given)

    return Reader("a list of labels, in class order", accept)


@dataclass(frozen=True)
class Reading(Settings):
    """How files become recordings."""

    path: str = key("Folder with the files, in it or below.", text())
    modality: str = key("What was recorded: which channels are used.", option(MODALITIES))
    classes: tuple[str, ...] | None = key(
        "Labels in class order; what carries another one is not used. When left out: the names in labels, "
        "else all labels that are found, sorted. Needed where labels are annotations of the file.",
        maybe(_labels()),
        None,
    )
    pattern: str | None = key(
        "How paths below the folder read, such as '{subject}/day{session}/R_{run}_C_{label}_EMG.csv'. "
        "{subject}, {session}, {run}, {task} and {label} say what stands there ({run:[0-9]+} what it may "
        "be), * is any text without a slash, ** any text, [...] can be absent. Or a regular expression with "
        "groups of these names, (?P<subject>...). When left out: "
        "sub-{subject}[_ses-{session}][_task-{task}][_run-{run}], of any format that MNE reads.",
        maybe(text()),
        None,
    )
    subjects: tuple[str, ...] | None = key("Who to load. When left out: all.", _list(_any_text()), None)
    sessions: tuple[str, ...] | None = key(
        "Which sessions to load. When left out: all.", _list(_any_text()), None
    )
    format: str | None = key(
        "What the files are: text (delimited columns), openbci, mat (MATLAB, v5 and v7.3), numpy (.npy, "
        ".npz), binary, xdf, mne (EDF, BDF, GDF, BrainVision, EEGLAB, FIF, CNT, ...). When left out: as the "
        "ending of the name and the first bytes say; binary where dtype is given.",
        maybe(option(FORMATS)),
        None,
    )
    join: bool | None = key(
        "Whether the files of one person and session become one recording, with a border between two files "
        "that no window crosses. When left out: yes where plain arrays (all formats but mne and xdf) carry "
        "their label in the name.",
        maybe(flag()),
        None,
    )
    delimiter: str | None = key(
        "What stands between columns of a text: a character, or 'space' for any run of blanks. When left "
        "out: found in the file.",
        maybe(text()),
        None,
    )
    decimal: str | None = key(
        "The decimal sign of a text, '.' or ','. When left out: found in the file.",
        maybe(option((".", ","))),
        None,
    )
    header: bool | None = key(
        "Whether the first row of a text names its columns. When left out: yes where it holds text above "
        "numbers.",
        maybe(flag()),
        None,
    )
    skip_rows: int = key("Rows of a text to leave out at its begin, before the header.", whole(0), 0)
    comment: str | None = key("Lines of a text that begin with this are left out.", maybe(text()), None)
    channels: tuple[str | int, ...] | None = key(
        "Columns, variables' columns or channels to use, by name ('EMG*' for all that begin so) or by "
        "position from 1 on ('2-9' for a range). When left out: all numbers that are neither time nor label; "
        "all channels of a file that MNE reads.",
        maybe(many(_column())),
        None,
    )
    channel_names: Any = key(
        "Names for the channels used: a list in their order, or a mapping of old names to new ones. When "
        "left out: as in the file, else EMG1, EMG2, ... or EEG1, EEG2, ...",
        maybe(_either(_names(), many(_any_text(), single=False))),
        None,
    )
    channel_types: dict[str, str] | None = key(
        "Type of channels by name, as MNE calls it, such as {'EMG*': emg, ECG: ecg, A2-A1: misc}. When left "
        "out: all of the modality; as in the file where MNE reads it.",
        maybe(_names()),
        None,
    )
    montage: str | None = key(
        "Electrode positions, as MNE names them, such as standard_1020.", maybe(text()), None
    )
    unit: str | float | None = key(
        "Unit of the values, needed where the format does not say it; or how many V one count is.",
        maybe(_unit()),
        None,
    )
    sfreq: float | str | None = key(
        "Sampling rate in Hz, or the name of the variable that holds it. When left out: as the file or its "
        "time column says.",
        maybe(_either(number(above=0, unit="Hz"), text())),
        None,
    )
    line_freq: float | None = key(
        "Frequency of the mains where it was recorded, in Hz.", maybe(number(above=0, unit="Hz")), None
    )
    time_column: str | int | None = key(
        "Column that holds the time of every row: it gives the sampling rate, and shows gaps.",
        maybe(_column()),
        None,
    )
    time_unit: str = key("Unit of the time column.", option(SECONDS_PER_UNIT), "s")
    gap: float | None = key(
        "Two rows further apart than this, in s, have a gap between them. When left out: 0.1 s, or five "
        "steps of time where that is longer.",
        maybe(number(above=0, unit="seconds")),
        None,
    )
    signal: str | None = key(
        "Variable of a .mat or .npz file (data.emg for a field), or stream of an XDF file by name or type, "
        "that holds the signal. When left out: the only one that could.",
        maybe(text()),
        None,
    )
    order: str | None = key(
        "Order of an array or binary file: samples (rows are samples; interleaved) or channels (rows are "
        "channels; one after the other). When left out: the longer side of an array is time, binary files "
        "are interleaved.",
        maybe(option(ORDERS)),
        None,
    )
    dtype: str | None = key(
        "Type of the numbers in a binary file, as numpy writes it: int16, float32, '>i2' for the big end "
        "first. Little endian when that is not said.",
        maybe(text()),
        None,
    )
    n_channels: int | None = key("Channels of a binary file.", maybe(whole(1)), None)
    skip_bytes: int = key("Bytes of a binary file before its numbers begin.", whole(0), 0)
    labels: dict[str, str] | None = key(
        "What codes mean, in file names, columns, annotations or tables: {0: rest, 1: fist}.",
        maybe(_codes(_any_text())),
        None,
    )
    label_modulo: int | None = key(
        "Numbers in file names stand for a class modulo this; what is left over counts repetitions.",
        maybe(whole(2)),
        None,
    )
    label_column: str | int | None = key(
        "Column, variable or channel with the label of every sample, or with a marker where one happens "
        "(give tmax then).",
        maybe(_column()),
        None,
    )
    run_column: str | int | None = key(
        "Column or variable with the number of the repetition of every sample: its runs.",
        maybe(_column()),
        None,
    )
    ignore: tuple[str, ...] | None = key(
        "Codes that mark nothing, such as 0 between gestures.", _list(_any_text()), None
    )
    label_table: str | None = key(
        "Table (CSV, TSV) of labels, a path below the folder: one for all files, with a column that names "
        "them; or one for each, such as '{folder}/{stem}_events.tsv' ({subject}, {session}, {run}, {task} "
        "too).",
        maybe(text()),
        None,
    )
    label_table_columns: dict[str, str] | None = key(
        "What the columns of label_table are called: {file: ..., onset: ..., duration: ..., label: ...}; "
        "onset and duration in s. A table without onset labels whole files.",
        maybe(_table_columns()),
        None,
    )
    marker_stream: str | None = key(
        "Stream of an XDF file with the markers, by name or type. When left out: the only one of text.",
        maybe(text()),
        None,
    )
    tmin: float = key("Where a label begins after its marker or event, in s.", number(unit="seconds"), 0.0)
    tmax: float | str | None = key(
        "Where it ends after that, in s; 'next' for the next marker. Needed where labels mark points.",
        maybe(_either(number(unit="seconds"), option((NEXT,)))),
        None,
    )

    def agree(self) -> None:
        """Refuse what does not go together."""
        check(
            self.decimal != "," or self.delimiter != ",",
            "decimal=',' and delimiter=',' are the same sign. Give another delimiter, such as ';'.",
        )
        check(
            self.delimiter is None or self.delimiter in ("space", "tab") or len(self.delimiter) == 1,
            f"delimiter={self.delimiter!r} is no single character. Write ',', ';', 'tab' or 'space'.",
        )
        check(
            not isinstance(self.tmax, float) or self.tmax > self.tmin,
            f"tmax={self.tmax} s is not after tmin={self.tmin} s. Give a later tmax.",
        )
        check(
            self.tmin == 0 or self.tmax is not None,
            f"tmin={self.tmin} s without tmax. Say where a label ends, too: tmax.",
        )
        check(
            self.label_table is not None or self.label_table_columns is None,
            "label_table_columns names columns of no table. Give label_table, too.",
        )

    @property
    def volts(self) -> float | None:
        """How many V one of the file's units is; None where it is not said."""
        return VOLTS_PER_UNIT[self.unit] if isinstance(self.unit, str) else self.unit


def read_keys(given: Mapping[str, Any]) -> Reading:
    """Return what keys say.

    Raises
    ------
    BiotransferError
        For unknown or missing keys, and for values that do not fit.
    """
    known = known_keys("folder", given, list(Reading.declared()))
    absent = [name for name in Reading.declared() if name not in Reading.defaults() and name not in known]
    check(not absent, f"folder needs {', '.join(absent)}. Type: biotransfer show folder")
    return Reading(**known)


def documented(function: Any, head: str, tail: str) -> None:
    """Give a function of ``**keys`` the signature and the docstring that the keys declare.

    Parameters
    ----------
    function : callable
        Takes the keys by name.
    head, tail : str
        The docstring before and after the keys.
    """
    import inspect

    parameters, lines = list(inspect.signature(function).parameters.values())[:-1], []
    given = {p.name for p in parameters}
    defaults = Reading.defaults()
    for name, item in Reading.declared().items():
        default = defaults.get(name, inspect.Parameter.empty)
        if name not in given:
            kind = inspect.Parameter.KEYWORD_ONLY
            parameters.append(inspect.Parameter(name, kind, default=default))
        expects = item.metadata["read"].expects
        lines += [f"{name} : {expects}", f"    {item.metadata['doc']}"]
    function.__signature__ = inspect.Signature(parameters)
    function.__doc__ = f"{head}\n\nParameters\n----------\n" + "\n".join(lines) + f"\n\n{tail}"
