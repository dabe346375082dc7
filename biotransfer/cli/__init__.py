"""The command line: the only part that prints. Exit codes: 0 done, 1 the study failed, 2 wrong request."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

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
    "report": "studies.report",
    "verify": "studies.verify",
    "pool": "studies.pool",
    "list": "browse.list_entries",
    "show": "browse.show",
    "fetch": "browse.fetch",
    "inspect": "inspecting.inspect",
    "features": "browse.features",
    "new": "browse.new",
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
    module, _, function = COMMANDS[arguments.command].partition(".")
    try:
        for methods in arguments.methods:
            import_methods(methods)
        return int(getattr(import_module(f".{module}", __name__), function)(arguments))
    except BiotransferError as error:
        if arguments.debug:
            raise
        print(f"biotransfer: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("biotransfer: stopped. The same command continues where it was.", file=sys.stderr)
        return 1
    except Exception as error:
        if arguments.debug:
            raise
        print(
            f"biotransfer: failed: {type(error).__name__}: {error}. What was finished is kept; "
            "the same command continues. Add --debug to see where.",
            file=sys.stderr,
        )
        return 1
