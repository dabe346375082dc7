"""Build the wheel and the source archive twice, in two places, at two times: both must be the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_ASKED = ("git", "log", "-1", "--format=%ct")
_FILES = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")


def moment() -> str:
    """Return when the last commit was made, in seconds: what the files in the archives are dated by."""
    return subprocess.run(_ASKED, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def built(place: Path, *options: str) -> dict[str, str]:
    """Copy what git knows to ``place``, build there, and return sha256 by file name."""
    listed = subprocess.run(_FILES, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        target = place / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    command = [sys.executable, "-m", "build", *options, "--outdir", str(place / "dist"), "."]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": moment()}
    subprocess.run(command, cwd=place / "source", check=True, env=environment, stdout=subprocess.DEVNULL)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (place / "dist").iterdir()}


def main() -> None:
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="twice-") as folder:
        one = built(Path(folder) / "one", *sys.argv[1:])
        time.sleep(2.1)  # the resolution of times in zip files
        other = built(Path(folder) / "the other place", *sys.argv[1:])
    for name, sha256 in sorted(one.items()):
        print(f"{'same' if other.get(name) == sha256 else 'DIFFERS'}  {sha256}  {name}")
    raise SystemExit(0 if one == other and one else 1)


if __name__ == "__main__":
    main()
