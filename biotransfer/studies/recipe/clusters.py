"""Workers elsewhere: what a recipe may say of them, and what only a cluster file of one's own may."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ...errors import check
from ...settings import (
    Reader,
    Settings,
    UnexpectedError,
    group,
    key,
    known_keys,
    many,
    maybe,
    option,
    text,
    whole,
)

SYSTEMS = ("slurm", "local")
_MOST = {"slurm": 1000, "local": 64}
_SLURM_ONLY = ("cores", "processes", "walltime", "queue", "account")
_ADDRESS = re.compile(r"[A-Za-z0-9+.-]*://.*", re.DOTALL)


def _like(expects: str, pattern: str) -> Reader:
    """Read text that a job script can hold: of the given form only."""

    def accept(_: str, given: Any) -> str:
        if not isinstance(given, str) or not re.fullmatch(pattern, given):
            raise UnexpectedError
        return given

    return Reader(expects, accept)


@dataclass(frozen=True)
class Adaptive(Settings):
    """Jobs that come and go with the work."""

    SECTION = "cluster.adaptive"

    maximum: int = key("Most jobs at a time.", whole(1, _MOST["slurm"]))
    minimum: int = key("Jobs that are kept.", whole(0, _MOST["slurm"]), 0)

    def agree(self) -> None:
        """Refuse a minimum above the maximum."""
        check(
            self.minimum <= self.maximum,
            f"{self.SECTION}.minimum={self.minimum} is more than maximum={self.maximum}. Expected less.",
        )


def _adaptive(where: str, given: Any) -> Adaptive | None:
    if given is not None and not isinstance(given, (Mapping, Adaptive)):
        raise UnexpectedError
    return None if given is None else Adaptive.read(given)


@dataclass(frozen=True)
class ClusterAsked(Settings):
    """Which workers a study asks for; no value of it is a command, a path or an address."""

    SECTION = "cluster"

    name: str = key("slurm, or local: processes of this machine.", option(SYSTEMS))
    jobs: int | None = key(
        f"How many; up to {_MOST['local']} where local.", maybe(whole(1, _MOST["slurm"])), None
    )
    adaptive: Adaptive | None = key(
        "Instead of jobs, how many at least and at most.",
        Reader("a mapping such as {minimum: 0, maximum: 20}", _adaptive, Adaptive),
        None,
    )
    cores: int | None = key("Of one job.", maybe(whole(1, 1024)), None)
    processes: int | None = key("Workers in one job.", maybe(whole(1, 1024)), None)
    memory: str | None = key(
        "Of one job; of one process where local.",
        maybe(_like("an amount such as 8GB", r"\d{1,9}(\.\d{1,3})?\s?[kKMGT]i?B")),
        None,
    )
    walltime: str | None = key(
        "After which SLURM ends a job.",
        maybe(_like('a time in quotes, such as "02:00:00"', r"(\d{1,3}-)?\d{1,4}(:\d{2}){0,2}")),
        None,
    )
    queue: str | None = key(
        "SLURM's partition.", maybe(_like("a name of letters, digits, - and _", r"[\w.@+-]{1,64}")), None
    )
    account: str | None = key(
        "To which SLURM charges.", maybe(_like("a name of letters, digits, - and _", r"[\w.@+-]{1,64}")), None
    )

    def agree(self) -> None:
        """Refuse two numbers of jobs, more than a machine can bear, and what only SLURM knows."""
        check(
            self.jobs is None or self.adaptive is None,
            f"cluster.jobs={self.jobs!r}: adaptive says how many, too. Leave one of them out.",
        )
        most = _MOST[self.name]
        asked = self.jobs or (self.adaptive.maximum if self.adaptive else 1)
        check(asked <= most, f"cluster: {asked} jobs. Expected up to {most} with name: {self.name}.")
        given = [name for name in _SLURM_ONLY if getattr(self, name) is not None]
        check(
            self.name == "slurm" or not given,
            f"cluster: {', '.join(given)} is for SLURM, and name is {self.name}. Leave it out.",
        )

    @classmethod
    def read(cls, given: Any, inside: str = "") -> Self:
        """Return the workers that a mapping describes; an address is none."""
        check(
            not (isinstance(given, str) and _ADDRESS.fullmatch(given)),
            f"cluster={given!r} is an address. Expected {{name: slurm, jobs: 4, cores: 1, memory: 8GB}}: "
            "what a recipe names would be sent the study. Type: biotransfer run RECIPE --cluster ADDRESS",
        )
        if isinstance(given, Mapping) and cls is ClusterAsked:
            own = [name for name in OwnCluster.declared() if name not in cls.declared() and name in given]
            check(
                not own,
                f"cluster.{', cluster.'.join(own)}: a recipe runs no commands and names no places of a "
                f"machine. Expected {', '.join(cls.declared())}. Put it into a file of your own and type: "
                "biotransfer run RECIPE --cluster FILE",
            )
        if not isinstance(given, ClusterAsked):
            check(
                isinstance(given, Mapping) and "name" in given,
                f"cluster={given!r} names no system. Write for example {{name: slurm, jobs: 4, cores: 1, "
                "memory: 8GB}, or give the address of a scheduler by --cluster.",
            )
            known_keys("cluster", given, list(cls.declared()))
        return super().read(given, inside)


@dataclass(frozen=True)
class OwnCluster(ClusterAsked):
    """The same by a file or mapping of one's own: it may run commands on the nodes, and name places there."""

    interface: str | None = key("Network interface.", maybe(text()), None)
    local_directory: str | None = key(
        "Where workers put aside what memory does not hold.", maybe(text()), None
    )
    log_directory: str | None = key("Where SLURM writes what jobs print.", maybe(text()), None)
    job_script_prologue: tuple[str, ...] | None = key(
        "Lines of shell that every job runs first: code of your own.", maybe(many(text(), least=0)), None
    )

    def agree(self) -> None:
        """Refuse what only SLURM knows, too."""
        super().agree()
        more = ("interface", "log_directory", "job_script_prologue")
        given = [name for name in more if getattr(self, name) is not None]
        check(
            self.name == "slurm" or not given,
            f"cluster: {', '.join(given)} is for SLURM, and name is {self.name}. Leave it out.",
        )

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``dask_jobqueue.SLURMCluster`` or ``distributed.LocalCluster``."""
        given = {name: value for name, value in self.plain().items() if value is not None}
        for name in ("name", "jobs", "adaptive"):
            given.pop(name, None)
        if self.name == "local" and "memory" in given:
            given["memory_limit"] = given.pop("memory")
        return given


def own_cluster(asked: Any) -> OwnCluster:
    """Return the workers that a cluster file, a mapping or a recipe's ``cluster`` asks for.

    Parameters
    ----------
    asked : mapping or ClusterAsked
        See :class:`OwnCluster`.

    Raises
    ------
    BiotransferError
        For keys that are not known, and values that do not fit.
    """
    if isinstance(asked, ClusterAsked):
        asked = asked.plain()
    return OwnCluster.read(asked)


CLUSTER = maybe(group(ClusterAsked))
