"""What can be typed, with an example of everything."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from typing import NoReturn

from .. import __version__
from ..errors import did_you_mean

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("biotransfer demo", "the main job on recordings within the package"),
        ("biotransfer new mine.yaml --data emg --data eeg", "a recipe for folders of your own"),
        ("biotransfer check muse_myo --data DIR", "what would run, what is wrong, how long it takes"),
        ("biotransfer run muse_myo --data DIR", "run it, or continue it"),
    ),
    "new": (("biotransfer new mine.yaml", "a commented recipe with simulated data, to start from"),),
    "check": (
        ("biotransfer check mine.yaml", "before you run it"),
        ("biotransfer check mine.yaml --set seeds=1 --json", "the same for a program to read"),
    ),
    "run": (
        ("biotransfer run mine.yaml --smoke --out first", "three people and two epochs: does it work?"),
        ("biotransfer run mine.yaml --set train.learning_rate=0.01 --smoke --out second", "one key changed"),
        (
            "biotransfer run mine.yaml --smoke --out first --quiet --log run.jsonl",
            "no bar, a log of JSON lines",
        ),
    ),
    "demo": (("biotransfer demo --smoke --out demo", "a minute's look; without --smoke the real thing"),),
    "verdicts": (
        ("biotransfer verdicts first", "the answer, and a line for every comparison"),
        ("biotransfer verdicts first --json", "verdicts.json on standard output"),
    ),
    "report": (("biotransfer report first", "report.html and methods.md, from the folder alone"),),
    "compare": (
        ("biotransfer compare first second", "recipe, data, code and results, claim by claim"),
        ("biotransfer compare first second --out compared.html", "the same as a page"),
    ),
    "index": (("biotransfer index .", "index.html: every study below this folder"),),
    "export": (("biotransfer export first --to csv --out tables", "every table as CSV"),),
    "verify": (("biotransfer verify first", "is it as it was written, do its verdicts follow?"),),
    "rerun": (("biotransfer rerun first", "run it again, aside, and compare every table"),),
    "register": (("biotransfer register registered.yaml", "hash and date, before the run"),),
    "pool": (("biotransfer pool lee cho --out pooled", "one verdict over data sets"),),
    "list": (
        ("biotransfer list levers", "every way to transfer"),
        ("biotransfer list networks --json", "names and summaries for a program to read"),
        ("biotransfer list keys", "what a recipe can hold"),
    ),
    "show": (("biotransfer show top_k", "parameters, defaults and source of one method"),),
    "fetch": (("biotransfer fetch muse-mental-state --data DIR", "download a data set, every file checked"),),
    "inspect": (
        ("biotransfer inspect mine.yaml", "all data of a recipe"),
        ("biotransfer inspect simulated --set modality=eeg --out findings.csv", "a table to decide by"),
    ),
    "features": (
        (
            "biotransfer features bird2020 subjecta-relaxed-1.csv --dataset muse-mental-state --out f.csv",
            "one row per window",
        ),
    ),
    "completion": (("biotransfer completion bash", "type: source <(biotransfer completion bash)"),),
}
"""What help shows of each command, and of all; a test types every line."""


class Parser(argparse.ArgumentParser):
    """Says what was meant when a command, choice or option is nearly right."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and a message that names the nearest."""
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if wrong is not None:
            message += did_you_mean(wrong.group(1), re.findall(r"[\w-]+", wrong.group(2)))
        unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
        if unknown is not None:
            message += did_you_mean(unknown.group(1), sorted(self.options()))
        super().error(message)

    def options(self) -> set[str]:
        """Return every option of this command and those below it."""
        found: set[str] = set()
        for action in self._actions:
            found |= {text for text in action.option_strings if text.startswith("--")}
            if isinstance(action, argparse._SubParsersAction):
                found = found.union(*(sub.options() for sub in action.choices.values()))
        return found


def _examples(command: str) -> str:
    lines = EXAMPLES.get(command, ())
    width = max((len(typed) for typed, _ in lines), default=0)
    return "examples:\n" + "\n".join(f"  {typed:<{width}}  {meaning}" for typed, meaning in lines)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="biotransfer",
        description="Does what a network learns on one biosignal help it on another?",
        epilog=_examples(""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"biotransfer {__version__}")
    _everywhere(parser, {"debug": False, "quiet": False, "log": None})
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=_examples(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _everywhere(sub)
        sub.add_argument(
            "--methods",
            action="append",
            default=[],
            metavar="MODULE",
            help="a module of your own, here or on the path, that registers methods (biotransfer.register)",
        )
        return sub

    _add_running(command)
    _add_finished(command)
    _add_browsing(command)
    return parser


def _everywhere(parser: argparse.ArgumentParser, defaults: dict[str, object] | None = None) -> None:
    """Add what every command takes, before or after its name."""

    def default(name: str) -> object:
        return argparse.SUPPRESS if defaults is None else defaults[name]

    parser.add_argument(
        "--debug", action="store_true", default=default("debug"), help="show the traceback of an error, too"
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        default=default("quiet"),
        help="no progress, no explanations: only what was asked for",
    )
    parser.add_argument(
        "--log",
        metavar="FILE",
        default=default("log"),
        help="append progress, end and errors there, as JSON lines",
    )


Adder = Callable[[str, str], argparse.ArgumentParser]
_SET = {"action": "append", "default": [], "metavar": "KEY=VALUE"}


def _with_json(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="one JSON value on standard output, nothing else")


def _with_data(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--data", metavar="DIR", help="folder of data sets (else BIOTRANSFER_DATA, MNE's folder)"
    )


def _with_progress(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--progress",
        default="bar",
        choices=["bar", "json", "none"],
        help="how work in progress is shown on stderr (default: bar)",
    )


def _with_workers(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    _with_progress(sub)


def _with_device(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where to train")


def _with_recipe(sub: argparse.ArgumentParser) -> None:
    _with_data(sub)
    _with_workers(sub)
    sub.add_argument("--set", help="override the recipe", **_SET)  # type: ignore[arg-type]
    sub.add_argument("--smoke", action="store_true", help="three people, one seed, two epochs")


def _with_run(sub: argparse.ArgumentParser) -> None:
    _with_recipe(sub)
    sub.add_argument("--out", metavar="DIR", help="study folder (default: studies/RECIPE-UID)")
    sub.add_argument(
        "--cluster", metavar="ADDRESS", help="Dask scheduler (tcp://host:8786), or YAML that starts one"
    )
    _with_device(sub)


def _add_running(command: Adder) -> None:
    run = command("run", "run a recipe, or continue it; stop it at any moment")
    run.add_argument("recipe", help="YAML file, or the name of a shipped recipe")
    _with_run(run)
    demo = command("demo", "run the main job on the recordings within the package, to a report")
    _with_run(demo)
    check = command("check", "say what would run, what is wrong and how long it takes; keep nothing")
    check.add_argument("recipe", help="YAML file, or the name of a shipped recipe")
    _with_recipe(check)
    _with_json(check)
    check.add_argument(
        "--spread",
        metavar="SHARE|DIR",
        help="standard deviation of gains between people, or an earlier study",
    )
    register = command("register", "fix a recipe before it is run: print and keep its hash and date")
    register.add_argument("recipe", help="YAML file with a block preregistration")
    register.add_argument("--set", help="override the recipe", **_SET)  # type: ignore[arg-type]
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
    _with_workers(again)
    _with_device(again)
    _with_data(again)


def _add_finished(command: Adder) -> None:
    verdicts = command("verdicts", "print what a finished study found")
    verdicts.add_argument("folder", help="study folder")
    _with_json(verdicts)
    report = command("report", "write the report of a study folder again")
    report.add_argument("folder", help="study folder")
    report.add_argument("--out", metavar="DIR", help="folder to write (default: the study folder)")
    compare = command("compare", "say what differs between two finished studies, claim by claim")
    compare.add_argument("first", help="study folder")
    compare.add_argument("second", help="study folder")
    compare.add_argument("--out", metavar="HTML", help="write it as a page, too")
    _with_json(compare)
    index = command("index", "write a page that lists every study below a folder")
    index.add_argument("folder", help="folder of study folders")
    index.add_argument("--out", metavar="HTML", help="file to write (default: index.html in the folder)")
    _with_json(index)
    export = command("export", "hand a finished study to MLflow, TensorBoard, or any tool that reads tables")
    export.add_argument("folder", help="study folder")
    export.add_argument(
        "--to", required=True, choices=["csv", "parquet", "mlflow", "tensorboard"], help="which tool"
    )
    export.add_argument(
        "--out", required=True, metavar="DIR|URI", help="folder to write; of MLflow a tracking address"
    )
    verify = command("verify", "prove a study folder whole, and its verdicts those of its curves")
    verify.add_argument("folder", help="study folder")
    pool = command("pool", "join finished studies: a meta-analysis over data sets, everyone counted once")
    pool.add_argument("folders", nargs="+", metavar="STUDY", help="study folder")
    pool.add_argument("--out", default="pooled", metavar="DIR", help="folder to write (default: pooled)")


def _add_browsing(command: Adder) -> None:
    listing = command("list", "list what recipes can name")
    listing.add_argument(
        "kind",
        nargs="?",
        help="keys (of a recipe), toolkits, datasets, networks, levers, select, align, arms, ...",
    )
    listing.add_argument("--markdown", action="store_true", help="keys or toolkits as their page of docs/")
    _with_json(listing)
    show = command("show", "show one entry, or a weights file, with its parameters and source")
    show.add_argument("name", help="name of an entry, a recipe, or a .safetensors file")
    _with_json(show)
    fetch = command("fetch", "download data sets")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="data sets")
    fetch.add_argument(
        "--subjects", nargs="+", metavar="WHO", help="only their files, where a data set's files have owners"
    )
    _with_data(fetch)
    inspect = command("inspect", "say what is wrong with recordings")
    inspect.add_argument("what", help="data set, recipe, file or folder")
    inspect.add_argument("--all", action="store_true", help="every finding by itself, not in groups")
    inspect.add_argument("--out", metavar="CSV", help="write the findings there, to be edited and replayed")
    inspect.add_argument(
        "--set",
        help="what a folder holds, as for data: folder; a parameter of the data set; or override the recipe",
        **_SET,  # type: ignore[arg-type]
    )
    _with_data(inspect)
    _with_json(inspect)
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
    completion = command("completion", "print what makes a shell complete commands and options")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"], help="which shell")
