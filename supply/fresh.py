"""Try a wheel in fresh environments: each Python, with the lowest and the newest versions that it allows.

Needs uv, which resolves and installs; Pythons are those that it finds here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
RESOLUTIONS = ("lowest-direct", "highest")
_IMPORT_ALL = (
    "import importlib, pkgutil, biotransfer; "
    "[importlib.import_module(m.name) for m in pkgutil.walk_packages(biotransfer.__path__, 'biotransfer.')"
    " if not m.name.endswith('__main__')]"
)


def tried(wheel: Path, python: str, resolution: str, place: Path) -> str:
    """Install ``wheel`` in a new environment below ``place``; return what went wrong, or nothing."""
    environment = place / f"{python}-{resolution}"
    inside = environment / "bin" / "python"
    install = ["uv", "pip", "install", "--python", str(inside), "--resolution", resolution]
    steps = {
        "environment": ["uv", "venv", "--python", python, str(environment)],
        "install": [*install, "--only-binary", ":all:", str(wheel)],
        "import": [str(inside), "-c", _IMPORT_ALL],
        "demo": [str(inside), "-m", "biotransfer", "demo", "--out", "demo"],
    }
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    variables["BIOTRANSFER_CACHE"] = str(place / "cache")
    for name, command in steps.items():
        (environment / "work").mkdir(parents=True, exist_ok=True) if name == "demo" else None
        where = environment / "work" if name == "demo" else place
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, env=variables, check=False)
        if done.returncode:
            return f"{name} failed: {(done.stderr or done.stdout).strip()[-1500:]}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--python", action="append", choices=PYTHONS)
    parser.add_argument("--resolution", action="append", choices=RESOLUTIONS)
    arguments = parser.parse_args()
    wrong = 0
    for python in arguments.python or PYTHONS:
        for resolution in arguments.resolution or RESOLUTIONS:
            clock = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="fresh-") as folder:
                said = tried(arguments.wheel.resolve(), python, resolution, Path(folder))
            print(
                f"Python {python}, {resolution}: {said or 'works'} ({time.monotonic() - clock:.0f} s)",
                flush=True,
            )
            wrong += bool(said)
    sys.exit(min(wrong, 1))


if __name__ == "__main__":
    main()
