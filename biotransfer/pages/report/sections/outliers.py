"""The section on people who stand out."""

from __future__ import annotations

from ....evidence.outliers import find_outliers
from ....evidence.reading import data_label
from ....results import Results
from .. import text as write
from ..table import Row
from ..table import table as make_table
from .section import Section, paragraph, table


def outlier_section(results: Results) -> Section | None:
    """Name people at chance in every arm, with labels that look exchanged, or who make a verdict."""
    found = find_outliers(results)
    if found.empty:
        return None
    n_people = found["subject"].nunique()
    stand = "stands" if n_people == 1 else "stand"
    lead = (
        f"{write.counted(n_people, 'person')} {stand} out. Exchanged labels and people at chance are reason "
        "to look at recordings. Nobody is left out for it: exclusions are fixed before a study is run."
    )
    rows: list[Row] = [
        [data_label(str(row["target"])), str(row["subject"]), str(row["kind"]), str(row["sentence"])]
        for row in found.to_dict("records")
    ]
    caption = "People who stand out, with the most labels of the study's budgets."
    columns = {"target": False, "person": False, "kind": False, "what was seen": False}
    blocks = [paragraph(lead), table(make_table(columns, rows, caption))]
    return Section("outliers", "People who stand out", "Outliers", blocks)
