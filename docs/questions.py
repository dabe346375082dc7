"""Say what the blocks of faq.md end in: `python docs/questions.py` writes the error texts of the page anew."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import tempfile
from pathlib import Path
from typing import Any

from biotransfer.cli import main as biotransfer
from biotransfer.errors import BiotransferError

PAGE = Path(__file__).resolve().parent / "faq.md"
_PAIR = re.compile(r"(^```(python|console)\n(.*?)^```\n\n```text\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)


def ended(kind: str, text: str, names: dict[str, Any]) -> str:
    """Return the error that a block ends in; "" where it ends well."""
    if kind == "console":
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = biotransfer(shlex.split(text.removeprefix("$ biotransfer ")))
        return said.getvalue().strip() if code else ""
    try:
        exec(compile(text, "faq.md", "exec"), names)
    except BiotransferError as error:
        return str(error)
    return ""


def page() -> str:
    """Return the page with the errors that its blocks end in; blocks run in an empty folder."""
    names: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return _PAIR.sub(
            lambda m: f"{m[1]}{ended(m[2], m[3], names)}\n{m[5]}", PAGE.read_text(encoding="utf-8")
        )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
