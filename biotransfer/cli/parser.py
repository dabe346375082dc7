"""What can be typed."""

from __future__ import annotations

import argparse
import os

from .. import __version__

_EPILOG = """\
examples:
  biotransfer demo                                     the main job on recordings within the package
  biotransfer check pipelines/muse_myo.yaml            what would run, what is wrong, how long it takes
  biotransfer run pipelines/muse_myo.yaml --data DIR   run it, or continue it
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="biotransfer",
        description="Does what a network learns on one biosignal help it on another?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"biotransfer {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback")
        sub.add_argument(
            "--methods",
            action="append",
            default=[],
            metavar="MODULE",
            help="a module of your own, here or on the path, that registers methods (biotransfer.register)",
        )
        return sub

    def with_data(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--data", metavar="DIR", help="folder of data sets (else BIOTRANSFER_DATA, MNE's folder)"
        )

    def with_recipe(sub: argparse.ArgumentParser) -> None:
        with_data(sub)
        sub.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
        sub.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="override the recipe"
        )
        sub.add_argument("--smoke", action="store_true", help="three people, one seed, two epochs")

    def with_run(sub: argparse.ArgumentParser) -> None:
        with_recipe(sub)
        sub.add_argument("--out", metavar="DIR", help="study folder (default: studies/RECIPE-UID)")
        sub.add_argument(
            "--cluster",
            metavar="ADDRESS",
            help="Dask scheduler (tcp://host:8786), or YAML that starts one",
        )
        sub.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where to train")

    run = command("run", "run a recipe, or continue it; stop it at any moment")
    run.add_argument("recipe", help="YAML file, or the name of a shipped recipe")
    with_run(run)
    demo = command("demo", "run the main job on the recordings within the package, to a report")
    with_run(demo)
    check = command("check", "say what would run, what is wrong and how long it takes; keep nothing")
    check.add_argument("recipe", help="YAML file, or the name of a shipped recipe")
    with_recipe(check)
    check.add_argument(
        "--spread",
        metavar="SHARE|DIR",
        help="standard deviation of gains between people, or an earlier study",
    )
    register = command("register", "fix a recipe before it is run: print and keep its hash and date")
    register.add_argument("recipe", help="YAML file with a block preregistration")
    register.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override the recipe"
    )
    register.add_argument(
        "--out", metavar="FILE", help="file to write (default: beside the recipe, NAME.registration.json)"
    )
    again = command("rerun", "run a finished study again, aside, and compare every table with the stored one")
    again.add_argument("folder", help="study folder; nothing in it is changed")
    again.add_argument("--out", metavar="DIR", help="where to run it (default: a temporary folder)")
    again.add_argument(
        "--tolerance",
        type=float,
        metavar="SHARE",
        help="what may differ (default: nothing; on another machine 0.05 of the rows by 0.05)",
    )
    again.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    again.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where to train")
    with_data(again)
    report = command("report", "write the report of a study folder again")
    report.add_argument("folder", help="study folder")
    report.add_argument("--out", metavar="DIR", help="folder to write (default: the study folder)")
    verify = command("verify", "prove a study folder whole, and its verdicts those of its curves")
    verify.add_argument("folder", help="study folder")
    pool = command("pool", "join finished studies: a meta-analysis over data sets, everyone counted once")
    pool.add_argument("folders", nargs="+", metavar="STUDY", help="study folder")
    pool.add_argument("--out", default="pooled", metavar="DIR", help="folder to write (default: pooled)")
    listing = command("list", "list what recipes can name")
    listing.add_argument(
        "kind", nargs="?", help="keys (of a recipe), datasets, networks, levers, select, align, arms, ..."
    )
    listing.add_argument("--markdown", action="store_true", help="the keys as the page docs/recipe.md")
    show = command("show", "show one entry, or a weights file, with its parameters and source")
    show.add_argument("name", help="name of an entry, a recipe, or a .safetensors file")
    fetch = command("fetch", "download data sets")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="data sets")
    fetch.add_argument(
        "--subjects", nargs="+", metavar="WHO", help="only their files, where a data set's files have owners"
    )
    with_data(fetch)
    inspect = command("inspect", "say what is wrong with recordings")
    inspect.add_argument("what", help="data set, recipe, file or folder")
    inspect.add_argument("--all", action="store_true", help="every finding by itself, not in groups")
    inspect.add_argument("--out", metavar="CSV", help="write the findings there, to be edited and replayed")
    inspect.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what a folder holds, as for data: folder; a parameter of the data set; or override the recipe",
    )
    with_data(inspect)
    features = command("features", "extract features of one file into a CSV")
    features.add_argument(
        "features", help="feature set, such as bird2020, or in YAML a mapping or a list of sets"
    )
    features.add_argument("file", help="recording")
    features.add_argument(
        "--dataset", required=True, metavar="NAME", help="data set whose format the file has"
    )
    features.add_argument("--out", required=True, metavar="CSV", help="file to write")
    new = command("new", "write a commented recipe to start from")
    new.add_argument("file", nargs="?", default="my_study.yaml", help="file to write")
    new.add_argument(
        "--data",
        metavar="FOLDER",
        action="append",
        default=[],
        help="folder of your own recordings: guess how it reads; once for each modality",
    )
    return parser
