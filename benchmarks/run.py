"""Run every benchmark and write the page ``results.md`` with its plot; --quick takes smaller points."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = ("numpy", "scipy", "numba", "torch", "mne", "pandas", "scikit-learn")
BENCHMARKS: dict[str, tuple[bool, list[str], list[str]]] = {
    # name: needs data, options, options of --quick
    "startup": (False, [], []),
    "loading": (True, [], ["--rounds", "1"]),
    "features": (True, [], ["--repeat", "1"]),
    "training": (False, [], ["--rounds", "1"]),
    "study": (True, [], ["--recipe", "simulated_pair", "--rounds", "1"]),
    "scale": (False, [], ["--quick"]),
    "truth": (False, ["--share", "0.1"], ["--share", "0.02"]),
}


def machine() -> str:
    """Describe this machine in one paragraph."""
    cpu, memory = platform.processor() or platform.machine(), ""
    if sys.platform == "linux":
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        cpu = found[1] if found else cpu
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    load = f", load average {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores of {cpu}{memory}{load}; "
        f"Python {platform.python_version()}, {platform.platform()}; {packages}; biotransfer "
        f"{version('biotransfer')}."
    )


def rows(text: str, title: str) -> list[list[str]]:
    """Return the cells of the table lines of a section whose first cell is ``title``."""
    lines = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip(" |") for cell in cells] for cells in lines if cells[0].strip() == title]


def plot(text: str, path: Path) -> None:
    """Draw how processor time and own memory grow with the number of windows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    points = [[float(cells[i].replace(",", "")) for i in (1, 2, 5)] for cells in rows(text, "windows")]
    if not points:
        return
    n, seconds, memory = zip(*points, strict=True)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    axes[0].loglog(n, seconds, "o-", label="measured")
    axes[0].loglog(n, [seconds[-1] * x / n[-1] for x in n], "--", color="0.6", label="linear")
    axes[0].set(xlabel="windows", ylabel="processor time, s", title="Cut, featurise, store, train one epoch")
    axes[0].legend(frameon=False)
    axes[1].semilogx(n, memory, "o-")
    axes[1].axhline(2048, ls="--", color="0.6")
    axes[1].set(xlabel="windows", ylabel="own memory, MiB", title="Memory", ylim=(0, None))
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of data sets; without it only what needs none is measured")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller points")
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), help="some of them; no page")
    parser.add_argument("--out", default=str(HERE / "results.md"), help="page to write")
    arguments = parser.parse_args()
    page = [f"# Results of `make bench`{' (quick)' if arguments.quick else ''}\n\n{machine()}\n"]
    print(page[0], flush=True)
    for name, (needs_data, whole, quick) in BENCHMARKS.items():
        script = HERE / f"bench_{name}.py"
        wanted = name in (arguments.only or BENCHMARKS)
        if not wanted or not script.is_file() or (needs_data and not arguments.data):
            continue
        options = ["--data", arguments.data] if needs_data else []
        command = [sys.executable, str(script), *options, *(quick if arguments.quick else whole)]
        clock = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        page.append(
            f"## {name}\n\n{done.stdout.strip()}\n\nMeasured in {time.perf_counter() - clock:.0f} s.\n"
        )
        print(page[-1], flush=True)
    if arguments.only:
        return
    out = Path(arguments.out)
    image = out.with_suffix(".png")
    plot("\n".join(page), image)
    if image.is_file():
        page.insert(1, f"![growth of time and memory with windows]({image.name})\n")
    out.write_text("\n".join(page), encoding="utf-8")
    print(f"Page: {out}")


if __name__ == "__main__":
    main()
