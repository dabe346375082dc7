"""How long the package takes to import and the command line to answer: medians of fresh processes."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import biotransfer": [sys.executable, "-c", "import biotransfer"],
    "biotransfer --help": [sys.executable, "-m", "biotransfer", "--help"],
    "biotransfer list": [sys.executable, "-m", "biotransfer", "list"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=9)
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(arguments.repeat + 1):
        for name, command in COMMANDS.items():
            clock = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - clock)
    print(f"| command | seconds, median of {arguments.repeat} |\n|---|---|")
    for name, values in seconds.items():
        print(f"| `{name}` | {statistics.median(values[1:]):.2f} |")


if __name__ == "__main__":
    main()
