"""Draw the pictures of the pages and of the gallery from finished studies: `make pictures` runs those first."""

from __future__ import annotations

import argparse
import inspect
import json
from pathlib import Path

import biotransfer as bt
from biotransfer.pages import figures

FOLDER = Path(__file__).resolve().parent / "pictures"
RUNS = ("biotransfer run quickstart --out STUDY; biotransfer run quickstart --out MORE --set seeds=3 --set moved=true "
        "--set budget.seconds=[2,12] --set "
        "arms=[scratch,transferred,frozen_body,permuted,shuffled_source,noise_source]")  # fmt: skip

LOADED = 'recordings = bt.load_dataset("excerpt", modality="eeg")'
VERDICT = "row = next(row for row in study.verdict_list if row['direction'] == 'emg->eeg' and row['arm'] == 'transferred')"
PICTURES = {
    "recording": ("plot_recording(recordings[0], seconds=6)", LOADED),
    "before_after": ('plot_before_after(recordings[0], steps="eeg")', LOADED),
    "psd": ("plot_psd(recordings[0])", LOADED),
    "signals": ('plot_signals(study, "emg")', ""),
    "spectra": ('plot_spectra(study, "eeg")', ""),
    "looks": ('plot_looks(study, "eeg")', ""),
    "contest": ("plot_contest(study, row)", VERDICT),
    "gains": ('plot_gains(study, "emg->eeg")', ""),
    "curve_gains": ('plot_curve_gains(study, "emg->eeg")', ""),
    "learning_curves": ('plot_learning_curves(study, "emg->eeg")', ""),
    "subjects": ('plot_subjects(study, "emg->eeg")', ""),
    "confusion": ('plot_confusion(study, "emg->eeg")', ""),
    "ledger": ('plot_ledger(study, "emg->eeg")', ""),
    "nuisance": ('plot_nuisance(study, "eeg")', ""),
    "mains": ('plot_mains(study, "eeg")', ""),
    "calibration": ('plot_calibration(more, "eeg->emg")', ""),
    "moved": ('plot_moved(more, "emg->eeg")', ""),
}
"""Name of a picture: the call that draws it, and the lines before it."""


def main() -> None:
    """Draw every picture, and write what the gallery says of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="a finished study of quickstart")
    parser.add_argument("more", type=Path, help="one with budgets, scores and what moved")
    arguments = parser.parse_args()
    names = {
        "bt": bt,
        "study": bt.load_results(arguments.study),
        "more": bt.load_results(arguments.more),
        **vars(figures),
    }
    FOLDER.mkdir(exist_ok=True)
    told = {}
    for name, (call, before) in PICTURES.items():
        exec(before, names)
        figure = eval(call, names)
        figure.savefig(
            FOLDER / f"{name}.png",
            dpi=70 if name == "looks" else 100,
            bbox_inches="tight",
            metadata={"Software": None},
        )
        function = getattr(figures, call.partition("(")[0])
        told[name] = {
            "function": function.__name__,
            "summary": " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split()),
            "code": "\n".join(filter(None, [before, f"figures.{call}"])),
        }
    facts = {"made by": RUNS, "pictures": told}
    (FOLDER / "captions.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
