"""Commands that run studies, or say what they would run."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import BiotransferError
from ..errors import check as require
from ..files import make_folder
from ..studies.recipe import Recipe, load_recipe


class _Bars:
    """One tqdm bar per kind of work, on stderr."""

    def __init__(self) -> None:
        self.what = ""
        self.bar: Any = None

    def __call__(self, what: str, done: int, total: int) -> None:
        from tqdm.auto import tqdm

        stage = what.split()[0]
        if stage != self.what:
            self.close()
            self.what = stage
            self.bar = tqdm(total=total, initial=done, desc=what, file=sys.stderr, leave=True)
        self.bar.set_description(what, refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def run(arguments: argparse.Namespace) -> int:
    """Run a recipe to its report."""
    recipe = load_recipe(arguments.recipe, arguments.set, smoke=arguments.smoke)
    return _run(recipe, arguments)


def _run(recipe: Recipe, arguments: argparse.Namespace) -> int:
    from ..pages.report import LOADS, write_methods, write_report
    from ..results import page_damage
    from ..studies.running import kept_processes, run_study, share_with_processes

    bars = _Bars()
    with kept_processes(*LOADS):
        try:
            study = run_study(
                recipe,
                arguments.out,
                data_dir=arguments.data,
                workers=arguments.workers,
                cluster=arguments.cluster,
                device=arguments.device,
                progress=bars,
            )
        finally:
            bars.close()
        path, methods = study.report, study.folder / "methods.md"
        if not study.unchanged or any(page_damage(page) for page in (path, methods)):
            write_methods(study.results, methods)
            here = arguments.cluster is None and recipe.cluster is None and not study.unchanged
            several = here and arguments.workers > 1
            spread = partial(share_with_processes, workers=arguments.workers) if several else None
            write_report(study.results, path, folder=study.folder if several else None, spread=spread)
    _print_verdicts(study.results)
    for line in study.mended:
        print(f"made again: {line}")
    print(f"\nReport: {path}")
    return 0


def _print_verdicts(results: Any) -> None:
    from ..evidence.reading import compared, network_label, outcome_label
    from ..evidence.verdicts import headline

    table = results.verdicts
    for finding in results.checks:
        if finding.get("leads"):
            print(f"\n{finding['id']} {finding['severity']}: {finding['message']}")
    print()
    print(headline(results.verdict_list))
    print()
    columns = "{:<10} {:<11} {:<17} {:<16} {:>7} {:>17} {:>7}  {}".format
    header = columns("direction", "network", "protocol", "arm", "gain", "95 % CI", "p Holm", "verdict")
    print(header)
    print("-" * len(header))
    for row in table.itertuples():
        low, high = (
            f"{100 * v:+.1f}" if v is not None and v == v else "?" for v in (row.ci_low, row.ci_high)
        )
        p = f"{row.p_holm:.3f}" if row.p_holm is not None and row.p_holm == row.p_holm else "-"
        gain, interval = f"{100 * row.difference:+.1f}", f"{low} to {high}"
        where = row.protocol if row.budget == "all" else f"{row.protocol}, {row.budget} s"
        network = network_label(row.network, row.variant)
        outcome = outcome_label(row._asdict())
        print(columns(row.direction, network, where, row.arm, gain, interval, p, outcome))
    asked = compared(results)
    own = ", frozen arms over frozen random weights" if table["against"].nunique() > 1 else ""
    print(f"gain: points of {asked.metric} over {asked.against}{own}; the unit is the person")
    for finding in results.checks:
        if finding["severity"] in ("warning", "error") and not finding.get("leads"):
            print(f"{finding['id']} {finding['severity']}: {finding['message']}")


def register(arguments: argparse.Namespace) -> int:
    """Fix what a recipe registers, before it is run."""
    from ..studies.running.registering import beside, register_recipe

    recipe = load_recipe(arguments.recipe, arguments.set)
    require(
        recipe.path is not None or arguments.out is not None,
        f"register {arguments.recipe!r}: there is no file to write beside. Pass --out FILE.",
    )
    file = Path(arguments.out) if arguments.out else beside(Path(str(recipe.path)))
    kept = register_recipe(recipe, file)
    print(f"SHA-256     {kept['hash']}")
    print(f"fixed on    {kept['date']}")
    print(f"registered  {kept['registered']}")
    print(f"kept in     {file}")
    print(
        "\nA reader believes a date that others keep: commit this file and push it, or post the hash where "
        f"it gets a date (OSF, an archive) before you run. Then: biotransfer run {arguments.recipe}"
    )
    return 0


def demo(arguments: argparse.Namespace) -> int:
    """Run the main job on the recordings within the package."""
    return _run(load_recipe("quickstart", arguments.set, smoke=arguments.smoke), arguments)


def check(arguments: argparse.Namespace) -> int:
    """Say what would run, what is wrong and how long it takes."""
    from ..evidence.checks import refuse_errors, run_guards
    from ..signals.account import say_account
    from ..studies.running import (
        count_trainings,
        estimate_seconds,
        foresee,
        kept_processes,
        lay_out,
        prepare,
        rehearse,
        say_mappings,
        say_proofs,
    )

    require(arguments.workers >= 1, f"workers={arguments.workers}. Expected 1 or more.")
    recipe = load_recipe(arguments.recipe, arguments.set, smoke=arguments.smoke)
    bars = _Bars()
    try:
        with kept_processes():
            plan = prepare(recipe, arguments.data, download=False, workers=arguments.workers, progress=bars)
    finally:
        bars.close()
    rehearse(plan)
    print(f"{recipe.title}  (recipe {recipe.uid})")
    for name, side in plan.sides.items():
        facts = side.about
        print(
            f"  {name}: {facts['dataset']}, {facts['n_subjects']} people, {facts['n_windows']} windows, "
            f"classes {', '.join(facts['classes'])}"
        )
        print(f"    {facts['preprocessing_text']}")
        for decision in facts.get("decisions", ()):
            print(f"    {decision}")
        if side.account:
            for line in say_account(side.account["account"], side.account["account_files"]):
                print(f"    {line}")
        for finding in facts.get("findings", ()):
            print(f"    {finding['severity']}: {finding['kind']}: {finding['message']}")
    for (modality, protocol, network), splits in plan.splits.items():
        leaks = ", LEAKS: near copies of test windows are trained on" if splits[0].leaks else ""
        print(f"  {network} on {modality} by {protocol}: {len(splits)} folds{leaks}")
        for line in _budget_lines(plan, modality, protocol, network):
            print(f"    {line}")
    guarded = run_guards(plan)
    for item in guarded:
        if item["severity"] != "ok":
            said = f", accepted: {item['accepted']}" if item["accepted"] else ""
            print(f"  {item['id']} {item['severity']}{said}: {item['message']}")
    refuse_errors(guarded)
    foreseen = foresee(plan, arguments.spread)
    for foresight in foreseen:
        print(f"  {foresight}")
    for line in say_proofs(plan):
        print(f"  {line}")
    for line in say_mappings(plan):
        print(f"  {line}")
    seconds = estimate_seconds(plan, arguments.workers)
    print(
        f"  {count_trainings(plan)} trainings in {len(lay_out(plan))} tasks, "
        f"about {_duration(seconds)} with {arguments.workers} workers"
    )
    wrong = sum(f["severity"] == "error" for s in plan.sides.values() for f in s.about.get("findings", ()))
    said = (
        f"The study can run, but {wrong} kind{'s' * (wrong > 1)} of error in the recordings, said above, "
        "should be mended first."
        if wrong
        else "Nothing is wrong."
        if any(foresight.detectable.value is not None for foresight in foreseen)
        else "Nothing stops the study, but it can find nothing: name fewer arms, or more people."
    )
    print(f"{said} Nothing was kept of the few epochs that were tried to tell the time.")
    return 0


def _budget_lines(plan: Any, modality: str, protocol: str, network: str) -> list[str]:
    """Say how many windows every budget labels; nothing where all are labelled."""
    from ..signals.splits import ALL, budget_label

    lines = []
    for budget in plan.budgets if plan.budgets != [ALL] else []:
        folds = plan.labelled[modality, protocol, network, budget]
        counts = [
            f"{min(sizes)} to {max(sizes)} {what}"
            for what, sizes in (
                ("labelled windows", [len(fold.train) for fold in folds]),
                ("without label", [len(fold.unlabelled) for fold in folds]),
                ("tested", [len(fold.test) for fold in folds]),
            )
        ]
        lines.append(f"{budget_label(budget)}: {', '.join(counts)} per fold")
    return lines


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def rerun(arguments: argparse.Namespace) -> int:
    """Run a finished study again and compare it with itself."""
    from ..studies.running import kept_processes
    from ..studies.running.rerunning import rerun_study

    bars = _Bars()
    try:
        with kept_processes():
            found = rerun_study(
                arguments.folder,
                arguments.out,
                data_dir=arguments.data,
                workers=arguments.workers,
                device=arguments.device,
                tolerance=arguments.tolerance,
                progress=bars,
            )
    finally:
        bars.close()
    print(found)
    return 0 if found.holds else 1


def report(arguments: argparse.Namespace) -> int:
    """Write the report of a study folder again."""
    from ..pages.report import write_methods, write_report
    from ..results import load_results

    folder = Path(arguments.folder)
    results = load_results(folder)
    out = Path(arguments.out or folder)
    require(
        arguments.out is not None or os.access(folder, os.W_OK),
        f"{str(folder)!r} cannot be written. Type: biotransfer report {folder} --out FOLDER",
    )
    make_folder(out)
    try:
        write_methods(results, out / "methods.md")
        page = write_report(results, out / "report.html")
    except (BiotransferError, OSError, MemoryError):
        raise
    except Exception as error:
        raise BiotransferError(
            f"{str(folder)!r} cannot be shown ({type(error).__name__}: {str(error)[:200]}): its tables and "
            f"facts do not fit each other. Type: biotransfer verify {folder}, or run its recipe again."
        ) from error
    print(f"Report: {page}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Prove a study folder whole, and its verdicts those of its curves."""
    from ..studies.running.verifying import verify_study

    found = verify_study(arguments.folder)
    for line in (*found.damaged, *found.differing, *found.unlisted):
        print(line)
    print(found)
    return 0 if found.whole else 1


def pool(arguments: argparse.Namespace) -> int:
    """Join finished studies and write their page."""
    from ..evidence.pooling import pool_studies
    from ..evidence.reading import network_label
    from ..pages.report import write_pooled

    pooled = pool_studies(arguments.folders)
    page = write_pooled(pooled, arguments.out)
    for claim in pooled.claim_list:
        print(f"{claim['sentence']}\n")
    columns = "{:<10} {:<11} {:<17} {:<16} {:>4} {:>6} {:>7} {:>17} {:>7}  {}".format
    header = columns(
        "direction", "network", "protocol", "arm", "sets", "people", "gain", "95 % CI", "p Holm", "verdict"
    )
    print(header)
    print("-" * len(header))
    for claim in pooled.claim_list:
        interval = "?"
        if claim["ci_low"] is not None:
            interval = f"{100 * claim['ci_low']:+.1f} to {100 * claim['ci_high']:+.1f}"
        where = claim["protocol"] if claim["budget"] == "all" else f"{claim['protocol']}, {claim['budget']} s"
        print(
            columns(
                claim["direction"], network_label(claim["network"], claim["variant"]), where, claim["arm"],
                claim["n_data_sets"], claim["n_people"], f"{100 * claim['difference']:+.1f}", interval,
                f"{claim['p_holm']:.3f}", claim["verdict"],
            )
        )  # fmt: skip
    print("gain: the mean over data sets; everyone counts once")
    for note in pooled.notes:
        print(note)
    if pooled.left_out:
        print(f"{len(pooled.left_out)} not pooled, such as {pooled.left_out[0]}")
    print(f"\nPage: {page}")
    return 0
