"""Commands that run studies, or say what they would run."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from ..errors import check as require
from ..studies.recipe import Recipe, load_recipe
from .finished import print_verdicts
from .telling import Teller


def run(arguments: argparse.Namespace, teller: Teller) -> int:
    """Run a recipe to its report."""
    recipe = load_recipe(arguments.recipe, arguments.set, smoke=arguments.smoke)
    return _run(recipe, arguments, teller)


def _run(recipe: Recipe, arguments: argparse.Namespace, teller: Teller) -> int:
    from ..learning.training.warming import kernels_of, start_compiling

    teller.say(f"{recipe.title}: {recipe.question}" if recipe.question else recipe.title)
    kernels = kernels_of(network.name for network in recipe.network) if recipe.engine != "loop" else []
    if arguments.device == "cpu" and start_compiling(kernels):
        teller.say(
            "The first training here compiles its kernel (20 to 60 s, once, while the data are read); it is "
            "kept for the next time."
        )
    sys.stdout.flush()
    from ..pages.report import LOADS, write_methods, write_report
    from ..results import page_damage
    from ..studies.running import kept_processes, run_study, share_with_processes

    with kept_processes(*LOADS):
        study = run_study(
            recipe,
            arguments.out,
            data_dir=arguments.data,
            workers=arguments.workers,
            cluster=arguments.cluster,
            device=arguments.device,
            progress=teller.progress,
        )
        path, methods = study.report, study.folder / "methods.md"
        if not study.unchanged or any(page_damage(page) for page in (path, methods)):
            teller.progress("report", 0, 1)
            write_methods(study.results, methods)
            here = arguments.cluster is None and recipe.cluster is None and not study.unchanged
            several = here and arguments.workers > 1
            spread = partial(share_with_processes, workers=arguments.workers) if several else None
            write_report(study.results, path, folder=study.folder if several else None, spread=spread)
            teller.progress("report", 1, 1)
        teller.close()
    print_verdicts(study.results, teller)
    for line in study.mended:
        teller.say(f"made again: {line}")
    if teller.quiet:
        teller.answer(path)
    teller.say(f"\nReport: {path}")
    teller.note(event="done", folder=str(study.folder), report=str(path), unchanged=study.unchanged)
    return 0


def register(arguments: argparse.Namespace, teller: Teller) -> int:
    """Fix what a recipe registers, before it is run."""
    from ..studies.running.registering import beside, register_recipe

    recipe = load_recipe(arguments.recipe, arguments.set)
    require(
        recipe.path is not None or arguments.out is not None,
        f"register {arguments.recipe!r}: there is no file to write beside. Pass --out FILE.",
    )
    file = Path(arguments.out) if arguments.out else beside(Path(str(recipe.path)))
    kept = register_recipe(recipe, file)
    teller.answer(f"SHA-256     {kept['hash']}")
    teller.answer(f"fixed on    {kept['date']}")
    teller.answer(f"registered  {kept['registered']}")
    teller.answer(f"kept in     {file}")
    teller.answer(
        "\nA reader believes a date that others keep: commit this file and push it, or post the hash where "
        f"it gets a date (OSF, an archive) before you run. Then: biotransfer run {arguments.recipe}"
    )
    return 0


def demo(arguments: argparse.Namespace, teller: Teller) -> int:
    """Run the main job on the recordings within the package."""
    return _run(load_recipe("quickstart", arguments.set, smoke=arguments.smoke), arguments, teller)


def check(arguments: argparse.Namespace, teller: Teller) -> int:
    """Say what would run, what is wrong and how long it takes."""
    from ..studies.running.checking import check_study

    found = check_study(
        arguments.recipe,
        data_dir=arguments.data,
        overrides=arguments.set,
        workers=arguments.workers,
        smoke=arguments.smoke,
        spread=arguments.spread,
        progress=teller.progress,
    )
    teller.close()
    teller.plain(found.plain())
    teller.answer(*([found.outcome] if teller.quiet else found.lines()))
    found.refuse()
    return 0


def rerun(arguments: argparse.Namespace, teller: Teller) -> int:
    """Run a finished study again and compare it with itself."""
    from ..studies.running import kept_processes
    from ..studies.running.rerunning import rerun_study

    with kept_processes():
        found = rerun_study(
            arguments.folder,
            arguments.out,
            data_dir=arguments.data,
            workers=arguments.workers,
            device=arguments.device,
            tolerance=arguments.tolerance,
            progress=teller.progress,
        )
    teller.close()
    teller.answer(found)
    return 0 if found.holds else 1
