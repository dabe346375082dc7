"""Run every benchmark and print one page."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of data sets; without it only what needs none is measured")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.platform()}\n")
    benchmarks = [["bench_startup.py"], ["bench_training.py"]]
    if arguments.data:
        benchmarks += [[name, "--data", arguments.data] for name in ("bench_features.py", "bench_study.py")]
    for name, *options in benchmarks:
        print(f"\n## {name.removesuffix('.py').removeprefix('bench_')}\n", flush=True)
        subprocess.run([sys.executable, str(HERE / name), *options], check=True)


if __name__ == "__main__":
    main()
