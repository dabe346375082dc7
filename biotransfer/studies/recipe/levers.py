"""The levers of transfer as a recipe says them: how the source is pretrained, what the arms start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import check, check_option
from ...transfer.carry import ArmRequest, resolve_arms
from .keys import DEFAULTS

_OWN = ("held_out", "noise")


def resolve_pretrain(given: Any) -> dict[str, Any]:
    """Return the study's method of pretraining with its parameters, ``held_out`` and ``noise``.

    Raises
    ------
    BiotransferError
        On an unknown method or parameter.
    """
    from ...transfer.pretrain import METHODS

    given = {"name": given} if isinstance(given, str) else given
    check(
        isinstance(given, Mapping),
        f"pretrain={given!r} is neither a name nor a mapping. Write pretrain: {{name: supervised}}.",
    )
    defaults = DEFAULTS["pretrain"]
    entry, parameters = METHODS.resolve(
        {"name": defaults["name"], **{k: v for k, v in given.items() if k not in _OWN}}
    )
    own = {key: given.get(key, defaults[key]) for key in _OWN}
    check_option("pretrain.noise", own["noise"], ("gaussian", "phase"))
    share = own["held_out"]
    check(
        isinstance(share, (int, float)) and not isinstance(share, bool) and 0 < share <= 0.5,
        f"pretrain.held_out={share!r}. Expected a share up to 0.5, such as 0.2.",
    )
    return {"name": entry.name, **parameters, **own}


def resolve_requests(given: Sequence[Any], pretrain: Mapping[str, Any]) -> list[ArmRequest]:
    """Return the arms, those that name a method of pretraining with all of its parameters.

    Parameters
    ----------
    given : sequence
        ``arms`` as written.
    pretrain : mapping
        The study's method, resolved.

    Raises
    ------
    BiotransferError
        On unknown names, and where method and arm do not fit (see ``pretraining.why_not``).
    """
    from ...transfer.pretrain import METHODS, why_not

    usual = method_of(pretrain)
    requests = []
    for request in resolve_arms(given):
        if request.pretrain is not None:
            entry, parameters = METHODS.resolve(request.pretrain)
            spec = {"name": entry.name, **parameters}
            request = replace(request, pretrain=None if spec == usual else spec)
        kind = request.starts_from
        if kind is not None:
            entry = METHODS[(request.pretrain or usual)["name"]]
            reason = why_not(entry, kind=kind, needs=request.entry.facts["needs"])
            check(reason is None, f"arm {request.label!r}: {reason}")
        requests.append(request)
    return requests


def method_of(pretrain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the method alone of a resolved ``pretrain``."""
    return {k: v for k, v in pretrain.items() if k not in _OWN}
