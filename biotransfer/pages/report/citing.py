"""How to cite the software that made a report."""

from __future__ import annotations

import re
from datetime import date


def bibtex(version: str, started: str) -> str:
    """Return the BibTeX entry of the software.

    Parameters
    ----------
    version : str
        Of the package that ran the study; "" where it is not known.
    started : str
        When the study was run, ISO 8601; "" where it is not known.

    Examples
    --------
    >>> print(bibtex("0.2.0", "2026-01-31").splitlines()[0])
    @software{biotransfer,
    """
    year = found.group() if (found := re.match(r"\d{4}", started)) else str(date.today().year)
    fields = {
        "title": "{biotransfer}: does what a network learns on one biosignal help it on another?",
        "author": "{The biotransfer developers}",
        "year": year,
        **({"version": version} if version else {}),
        "license": "BSD-3-Clause",
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
    return "@software{biotransfer,\n" + ",\n".join(lines) + "\n}"
