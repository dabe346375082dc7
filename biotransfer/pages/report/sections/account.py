"""Where every file, trial and sample went on the way to windows."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ....evidence.reading import data_label
from ....results import Results
from ....signals.account import say_account
from ....signals.windows.fates import FATES
from .. import text as write
from ..table import Row
from ..table import table as make_table
from .section import Block, Section, paragraph, table

_LOST = "lost_"
_OF_CLASS = "windows_"
_MOST_FILES = 500
_COUNTS = ("files", "files_not_used", "recordings", "sessions", "trials")


def account_section(results: Results) -> Section | None:
    """Return one table per data set with a row per person, its files folded; None for older studies."""
    people, files = results.extras.get("account"), results.extras.get("account_files")
    if people is None or files is None or people.empty:
        return None
    blocks: list[Block] = [
        paragraph(
            "Every sample of every file is in a window, or stands here with the reason why not. A sample "
            "that lies in several windows counts once; amplitudes are medians, as loaded."
        )
    ]
    for name, part in people.groupby("data", sort=False):
        own = files[files["data"] == name]
        part = part.dropna(axis=1, how="all").reset_index(drop=True)
        label = data_label(str(name))
        blocks.append(paragraph(f"{label}. {'. '.join(say_account(part, own))}."))
        blocks.append(table(_people(part, f"{label}: by person."), f"{label}: every person"))
        blocks.append(table(_files(own, label), f"{label}: every file"))
    return Section("account", "From files to windows", "Account", blocks)


def _people(part: pd.DataFrame, caption: str) -> Any:
    kinds = [str(name) for name in part if str(name).endswith("_uV")]
    classes = [str(name) for name in part if str(name).startswith(_OF_CLASS)]
    lost = [name for name in (f"{_LOST}{fate}" for fate in FATES) if name in part and (part[name] > 0).any()]
    columns = {
        "person": False, "files": True, "not used": True, "recordings": True, "sessions": True,
        "trials": True,
        **{name.removeprefix(_OF_CLASS).replace("_", " "): True for name in classes},
        "s in windows": True,
        **{f"s lost: {FATES[name.removeprefix(_LOST)]}": True for name in lost},
        "Hz": True, "channels": True, "bad channels": False,
        **{f"{name.removesuffix('_uV').upper()}, \N{MICRO SIGN}V": True for name in kinds},
        "why files are not used": False,
    }  # fmt: skip
    rows: list[Row] = [
        [
            str(row["subject"]) or "nobody",
            *(write.whole(row[key]) for key in _COUNTS),
            *(write.whole(row[name]) for name in classes),
            f"{row['seconds_in_windows']:.1f}",
            *(f"{row[name]:.1f}" for name in lost),
            str(row["sfreq"]), str(row["channels"]), str(row["bad_channels"]),
            *(write.NOTHING if row[name] != row[name] else f"{row[name]:.3g}" for name in kinds),
            str(row["why_not_used"]),
        ]
        for row in part.to_dict("records")
    ]  # fmt: skip
    return make_table(columns, rows, caption)


def _files(own: pd.DataFrame, label: str) -> Any:
    fates = [fate for fate in FATES if (own[fate] > 0).any()]
    shown = own.sort_values("used", kind="stable").head(_MOST_FILES)
    columns = {
        "file": False, "person": False, "session": False, "used": False, "windows": True, "samples": True,
        **{FATES[fate]: True for fate in fates}, "why not used": False,
    }  # fmt: skip
    rows: list[Row] = [
        [
            str(row["file"] or row["recording"]), str(row["subject"]), str(row["session"]),
            "yes" if row["used"] else "no", write.whole(row["windows"]), write.whole(row["samples"]),
            *(write.whole(row[fate]) for fate in fates), str(row["why"]),
        ]
        for row in shown.to_dict("records")
    ]  # fmt: skip
    more = (
        ""
        if len(shown) == len(own)
        else f" The first {len(shown)} of {len(own)}; all are in account_files.parquet."
    )
    return make_table(columns, rows, f"{label}: samples by file, those not used first.{more}")
