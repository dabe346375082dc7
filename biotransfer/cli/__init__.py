"""The command line: the only part that prints. Exit codes: 0 done, 1 the study failed, 2 wrong request."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

from .. import __version__
from ..errors import BiotransferError
from ..registry import import_methods
from .parser import build_parser

__all__ = ["build_parser", "main"]


COMMANDS = {
    "run": "studies.run",
    "demo": "studies.demo",
    "check": "studies.check",
    "register": "studies.register",
    "rerun": "studies.rerun",
    "report": "finished.report",
    "verdicts": "finished.verdicts",
    "verify": "finished.verify",
    "compare": "finished.compare",
    "index": "finished.index",
    "export": "finished.export",
    "pool": "finished.pool",
    "list": "browse.list_entries",
    "show": "browse.show",
    "fetch": "browse.fetch",
    "inspect": "inspecting.inspect",
    "features": "browse.features",
    "new": "browse.new",
    "completion": "browse.completion",
}
"""Where each command is; a module is loaded when one of its commands is asked for."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process when not given.
    """
    arguments = build_parser().parse_args(argv)
    from .telling import teller_of

    module, _, function = COMMANDS[arguments.command].partition(".")
    try:
        with teller_of(arguments) as teller:
            teller.note(event="start", command=arguments.command, version=__version__)
            try:
                for methods in arguments.methods:
                    import_methods(methods)
                called = getattr(import_module(f".{module}", __name__), function)
                code = int(called(arguments, teller))
            except BaseException as error:
                teller.note(event="end", code=_code(error), error=f"{type(error).__name__}: {error}")
                raise
            teller.note(event="end", code=code)
            return code
    except BaseException as error:
        if isinstance(error, (SystemExit, GeneratorExit)):
            raise
        if arguments.debug:
            traceback.print_exc()
        if isinstance(error, BrokenPipeError):
            sys.stderr.close()
        elif said := _said(error):
            print(f"biotransfer: {said}", file=sys.stderr)
        return _code(error)


def _code(error: BaseException) -> int:
    return 2 if isinstance(error, BiotransferError) else 0 if isinstance(error, BrokenPipeError) else 1


def _said(error: BaseException) -> str:
    if isinstance(error, BiotransferError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "stopped. The same command continues where it was."
    return (
        f"failed: {type(error).__name__}: {error}. What was finished is kept; the same command continues. "
        "Add --debug to see where."
    )
