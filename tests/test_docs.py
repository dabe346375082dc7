"""Pages of docs/ whose blocks say that they run as they stand, in their order, do so."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT

PAGES = ["own_data"]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = _BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))
    assert {kind for kind, _ in blocks} <= {"python", "yaml", "console"}
    names: dict[str, object] = {}
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, f"{page}.md", "exec"), names)
        elif kind == "yaml":
            file = text.split("\n", 1)[0].removeprefix("# ")
            Path(file).write_text(text, encoding="utf-8")
        else:
            for line in text.splitlines():
                words = shlex.split(line.removeprefix("$ "))
                assert words[0] == "biotransfer"
                done = subprocess.run(
                    [sys.executable, "-m", *words], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
