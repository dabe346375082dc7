"""Many trainings of one shape at once: every tensor carries a leading model axis.

The models never mix, and results are those of the loop engine up to rounding. On a CPU the kernel trains
those that it knows; images, augmented windows, arms that add more than an anchor to the loss, and everything
on a GPU torch trains, by one loss that is the sum over the models.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Hashable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..networks.network import Network
from ..networks.reading import layers_of
from .arm import Arm
from .augmentations import Augment, make_augment
from .curves import Curves, join_curves
from .forward import can_stack
from .job import Job, shared_tensor
from .loop import train_loop
from .models import Models
from .recorder import Recorder
from .stopping import BestEpochs

if TYPE_CHECKING:
    from .compiled import CompiledModels

_STACK_BYTES, _READ_BYTES = 12 * 2**20, 2**29
_FEWEST, _MOST_READ = 4, 8
"""Where a library's layers are wide, torch runs a few models after the other: a stack may be larger."""


def models_per_stack(network: Network, batch_size: int, device: str = "cpu") -> int:
    """How many models keep weights, gradients, moments and a batch inside the memory planned for a stack.

    On a CPU that is about what its caches hold: a larger stack trains no more models in a second; of a
    library's model it is more. On a GPU it is a quarter of what is free there.

    Parameters
    ----------
    network : Network
        Of all models.
    batch_size : int
        Windows per update.
    device : str
        A torch device.
    """
    values = float(np.prod(network.input_shape))
    shape = tuple(network.input_shape)
    read = network.build is not None and can_stack(network) and not has_kernel(network)
    for layer in (layers_of(network) if read else None) or network.layers:
        if device != "cpu":
            values += layer.record.patches(layer.options, shape)
        shape = layer.output_shape(shape)
        values += float(np.prod(shape))
    per_model = 4 * (4 * network.n_parameters + 2 * batch_size * values)
    if device == "cpu" and read:
        return min(max(_FEWEST, int(_READ_BYTES // per_model)), _MOST_READ)
    memory = _STACK_BYTES if device == "cpu" else torch.cuda.mem_get_info(device)[0] / 4
    return max(_FEWEST, int(memory // per_model))


def train_stacked(job: Job, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Curves:
    """Train all arms of ``job`` together, in as many stacks as memory and the arms' nature ask for.

    Parameters
    ----------
    job : Job
        What to train; its network must have a stacked form.
    device : str
        A torch device.
    dtype : torch.dtype
        Precision.
    """
    X = shared_tensor(job.X).to(device=device, dtype=dtype)
    y = shared_tensor(job.y).to(device)
    stacks = plan_stacks(job, device)
    augment = make_augment(job.schedule.augment, job.sfreq) if job.schedule.augment != "none" else None
    own = job.network.build is None
    parts = [
        _train_stack(job.take(stack), X, y, augment)
        if own or _plain(job.take(stack), X, augment)
        else replace(train_loop(job.take(stack), device, dtype), engine="stacked")
        for stack in stacks
    ]
    return join_curves(parts, np.concatenate(stacks))


def plan_stacks(job: Job, device: str = "cpu") -> list[np.ndarray]:
    """Return which arms train together: of one nature, like next to like, and no more than memory is for."""
    natures: dict[Hashable, list[int]] = {}
    for a, arm in enumerate(job.arms):
        said = job.labels_of(a)
        natures.setdefault((_nature(arm), said.ratio if said else 0), []).append(a)
    size = models_per_stack(job.network, job.schedule.batch_size, device)
    stacks: list[np.ndarray] = []
    for members in natures.values():
        members = sorted(members, key=lambda a: _moves(job.arms[a]))
        n_stacks = -(-len(members) // size)
        stacks += np.array_split(np.array(members), n_stacks)
    return stacks


def _nature(arm: Arm) -> Hashable:
    """Return what the models of a stack must have in common."""
    penalty: Hashable = None
    if arm.penalty is not None:
        record = arm.penalty.network.describe() if arm.penalty.network else None
        shapes = {name: list(np.shape(value)) for name, value in arm.penalty.tensors.items()}
        learned = {name: list(np.shape(value)) for name, value in arm.penalty.learns.items()}
        facts = [arm.penalty.name, dict(arm.penalty.options), record, shapes, learned, arm.penalty.others]
        penalty = json.dumps(facts, sort_keys=True)
    ranks = tuple((name, len(a)) for name, (a, _, _) in arm.low_rank.items())
    return penalty, ranks, arm.stochastic_norm, arm.teacher is not None


def _moves(arm: Arm) -> tuple[tuple[float, float], ...]:
    """Return rate and beginning of every tensor: neighbours that agree are updated as one."""
    return tuple((rate, arm.thaw.get(name, 0.0)) for name, rate in arm.lr_scale.items())


def _train_stack(job: Job, X: torch.Tensor, y: torch.Tensor, augment: Augment | None) -> Curves:
    recorder, models = Recorder(job, X, y), _models(job, X, y, augment)
    recorder.curves.path[:] = models.path
    best = BestEpochs(job, recorder.curves, models.leaves, slice(0, len(job.arms)))
    recorder.evaluate(models, 0)
    for epoch in range(1, job.schedule.epochs + 1):
        models.train_epoch(epoch, recorder)
        recorder.evaluate(models, epoch)
        if best.watch(epoch):
            break
    recorder.finish()
    if job.schedule.patience:
        best.restore()
        recorder.evaluate(models, job.schedule.epochs)
    final = {name: tensor.detach().cpu().numpy() for name, tensor in models.merged.items()}
    for a, tensors in enumerate(recorder.curves.tensors):
        tensors.update({name: value[a].copy() for name, value in final.items()})
    return recorder.curves


def has_kernel(network: Network, device: str = "cpu") -> bool:
    """Whether the kernel of maps over time trains a library's model."""
    from .compiled_maps import can_map

    return device == "cpu" and can_map(network)


def _plain(job: Job, X: torch.Tensor, augment: Augment | None) -> bool:
    """Whether a stack of a library's model trains at once; the loop trains the others of its network."""
    arm = job.arms[0]
    plain = not (arm.penalty or arm.low_rank or arm.stochastic_norm or job.labels_of(0))
    if not plain or X.is_cuda or augment:
        return False
    return not (has_kernel(job.network) and why_no_kernel(str(X.dtype).removeprefix("torch."), maps=True))


def _models(job: Job, X: torch.Tensor, y: torch.Tensor, augment: Augment | None) -> Models | CompiledModels:
    """Return what trains a stack: the kernel where it can."""
    if has_kernel(job.network):
        from .compiled_maps import CompiledMaps

        return CompiledMaps(job, X, y)
    if job.network.build is not None:
        return Models(job, X, y, augment)
    arm, taught = job.arms[0], job.labels_of(0) is not None
    if X.is_cuda or job.schedule.precision != "full" or augment or taught or arm.penalty or arm.low_rank:
        return Models(job, X, y, augment)
    if why_no_kernel(str(X.dtype).removeprefix("torch.")):
        return Models(job, X, y, augment)
    from .compiled import CompiledModels, can_compile

    return CompiledModels(job, X, y) if can_compile(job.network) else Models(job, X, y, augment)


@cache
def why_no_kernel(dtype: str, maps: bool = False) -> str:
    """Return why nothing can be compiled on this machine, "" where it can; a warning says it once.

    Torch trains then: ``Curves.path`` names what did, and last bits are others.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Precision.
    maps : bool
        Whether the kernel of maps over time is asked for, and not that of dense networks.
    """
    try:
        if maps:
            from .compiled_maps import compile_maps

            compile_maps(dtype)
        else:
            from .compiled import compile_kernel

            compile_kernel(dtype)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        warnings.warn(
            f"the kernel cannot be compiled here ({reason[:200]}): torch trains instead, slower and with "
            "other last bits. Reinstall numba, or set NUMBA_CACHE_DIR to a folder that can be written.",
            RuntimeWarning,
            stacklevel=2,
        )
        return reason
    return ""
