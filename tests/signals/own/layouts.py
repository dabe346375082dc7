"""Folders of three people in the layouts in which labs and programs leave them, two classes each."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import edfio
import mne
import numpy as np
import pybv
from scipy.io import savemat

from tests.signals.own.files import write_rows

PEOPLE = ("1", "2", "3")
RATE, SECONDS = 200, 4
N = RATE * SECONDS


def signal(who: str, label: int, repetition: int = 0, n: int = N, n_chans: int = 4) -> np.ndarray:
    """Whole numbers of about 20 microvolt, shape (n, n_chans), louder in higher classes."""
    seed = int(who) * 10_000 + repetition * 100 + label
    return np.random.default_rng(seed).normal(0, 20 + 10 * label, (n, n_chans)).round()


def session(who: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signal, code and repetition of every sample: 0 between two repetitions of the classes 1 and 2."""
    parts, codes, runs = [], [], []
    for run in (1, 2):
        for label in (1, 2):
            parts += [signal(who, 0, 10 * run + label, RATE), signal(who, label, run)]
            codes += [np.zeros(RATE), np.full(N, label)]
            runs += [np.zeros(RATE), np.full(N, run)]
    return np.concatenate(parts), np.concatenate(codes), np.concatenate(runs)


def a_raw(who: str, labels: tuple[str, ...], kind: str = "eeg") -> mne.io.RawArray:
    """A Raw of as many stretches as labels."""
    data = np.concatenate([signal(who, i % 2, i) for i in range(len(labels))]).T * 1e-6
    names = ["Fz", "Cz", "C3", "C4"] if kind == "eeg" else [f"EMG{i}" for i in range(4)]
    raw = mne.io.RawArray(data, mne.create_info(names, float(RATE), kind), verbose="error")
    onset = np.arange(len(labels)) * float(SECONDS)
    return raw.set_annotations(mne.Annotations(onset, [SECONDS] * len(labels), list(labels)))


def write_edf(path: Path, raw: mne.io.RawArray, *, annotated: bool) -> None:
    """Write EDF, or EDF+ with the annotations."""
    signals = [
        edfio.EdfSignal(x * 1e6, float(RATE), label=name, physical_dimension="uV", physical_range=(-500, 500))
        for name, x in zip(raw.ch_names, raw.get_data(), strict=True)
    ]
    marks = [edfio.EdfAnnotation(a["onset"], a["duration"], a["description"]) for a in raw.annotations]
    edfio.Edf(signals, annotations=marks if annotated else None).write(path)


def csv_per_repetition(folder: Path) -> None:
    """Write one CSV per repetition, the class in its name."""
    for who in PEOPLE:
        for run in range(2):
            for label in range(2):
                write_rows(folder / f"S{who}" / f"R_{run}_C_{label}.csv", signal(who, label, run))


def tab_separated_sessions(folder: Path) -> None:
    """Write a tab-separated file per session: ms, channels, a class for every sample, 0 unmarked."""
    for who in PEOPLE:
        for day in (1, 2):
            rows, codes, _ = session(who)
            times = np.arange(len(rows)) * 1000.0 / RATE
            table = np.column_stack([times, rows * day, codes])
            write_rows(folder / who / f"{day}_raw_data.txt", table, "\t", "time\tch1\tch2\tch3\tch4\tclass")


def interleaved_binary(folder: Path) -> None:
    """Write interleaved int16 per gesture: 21 files, class = number mod 7."""
    for who in PEOPLE:
        place = folder / f"Male{who}" / "training0"
        place.mkdir(parents=True)
        for number in range(21):
            rows = signal(who, number % 7, number, n_chans=8).clip(-128, 127)
            rows.astype("<i2").tofile(place / f"classe_{number}.dat")


def ninapro(folder: Path) -> None:
    """Write .mat with emg, stimulus and repetition."""
    for who in PEOPLE:
        rows, codes, runs = session(who)
        variables = {"emg": rows, "acc": rows[:, :3], "stimulus": codes[:, None], "repetition": runs[:, None]}
        savemat(folder / f"S{who}_E1_A1.mat", {**variables, "fs": float(RATE)})


def muse_lsl(folder: Path) -> None:
    """Write what MuseLSL records: time stamps, electrodes, markers at single samples."""
    for who in PEOPLE:
        rows = np.concatenate([signal(who, i % 2, i) for i in range(4)])
        marks = np.zeros(len(rows))
        marks[::N] = [1, 2, 1, 2]
        times = 1.6e9 + np.arange(len(rows)) / RATE
        table = np.column_stack([times, rows, np.zeros(len(rows)), marks])
        header = "timestamps,TP9,AF7,AF8,TP10,Right AUX,Marker0"
        write_rows(folder / f"subject{who}_session1.csv", table, header=header, fmt="%.3f")


def openbci(folder: Path) -> None:
    """Write what the OpenBCI program records, a file for each condition."""
    for who in PEOPLE:
        for label, condition in enumerate(("rest", "task")):
            top = "%OpenBCI Raw EXG Data\n%Number of channels = 4\n%Sample Rate = 200 Hz\n%Board = Ganglion\n"
            columns = ", ".join(["Sample Index", *[f"EXG Channel {i}" for i in range(4)], "Timestamp"])
            rows = [
                f"{i % 256}, {', '.join(f'{v:.4f}' for v in row)}, {1.6e9 + i / RATE:.6f}"
                for i, row in enumerate(signal(who, label))
            ]
            (folder / f"P{who}_{condition}.txt").write_text(top + "\n".join([columns, *rows]) + "\n")


def edf_per_condition(folder: Path) -> None:
    """Write one EDF for each condition."""
    for who in PEOPLE:
        for label in range(2):
            path = folder / f"Subject0{who}_{label + 1}.edf"
            raw = a_raw(who, ("x",))
            raw = mne.io.RawArray(signal(who, label).T * 1e-6, raw.info, verbose="error")
            write_edf(path, raw, annotated=False)


def annotated_edf(folder: Path) -> None:
    """Write EDF+ with annotations."""
    for who in PEOPLE:
        write_edf(folder / f"subject-{who}.edf", a_raw(who, ("rest", "task") * 2), annotated=True)


def brainvision(folder: Path) -> None:
    """Write BrainVision with markers that are points."""
    for who in PEOPLE:
        raw = a_raw(who, ("1", "2") * 2)
        events = np.array([[i * N, 1 + i % 2] for i in range(4)])
        pybv.write_brainvision(
            data=raw.get_data(), sfreq=RATE, ch_names=raw.ch_names, fname_base=f"vp{who}",
            folder_out=str(folder), events=events, unit="µV",
        )  # fmt: skip


class Layout(NamedTuple):
    """How a folder is written, and what is right of it."""

    write: Callable[[Path], None]
    modality: str
    n_classes: int
    seconds: float
    rate_said: bool = True


LAYOUTS = {
    "a CSV per repetition": Layout(csv_per_repetition, "emg", 2, 4 * SECONDS, rate_said=False),
    "tab-separated sessions": Layout(tab_separated_sessions, "emg", 2, 8 * SECONDS),
    "interleaved binary": Layout(interleaved_binary, "emg", 7, 21 * SECONDS),
    "Ninapro": Layout(ninapro, "emg", 2, 4 * SECONDS),
    "MuseLSL": Layout(muse_lsl, "eeg", 2, 4 * SECONDS),
    "OpenBCI": Layout(openbci, "eeg", 2, 2 * SECONDS),
    "an EDF per condition": Layout(edf_per_condition, "eeg", 2, 2 * SECONDS),
    "EDF+": Layout(annotated_edf, "eeg", 2, 4 * SECONDS),
    "BrainVision": Layout(brainvision, "eeg", 2, 4 * SECONDS),
}
"""Seconds are those of all labels of one person."""
