"""What an arm adds to plain training: low-rank products, an anchor, a penalty. For both engines.

Every tensor here has a leading model axis; the loop engine passes one model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ...errors import BiotransferError
from ..networks.modules import first_of_head, load_module
from ..networks.network import Network
from .arm import Arm, Penalty
from .context import Context, Others
from .penalties import PENALTIES
from .schedule import Schedule

Stacked = dict[str, torch.Tensor]
Outputs = Callable[[Network, Stacked, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def stack_arrays(values: Sequence[np.ndarray], like: torch.Tensor | None = None) -> torch.Tensor:
    """Return the arrays of several models as one tensor, of the device and precision of ``like``."""
    stacked = torch.from_numpy(np.stack(values))
    return stacked if like is None else stacked.to(like)


class LowRank:
    """Products of thin matrices beside dense weights; models of one stack share names and ranks.

    Parameters
    ----------
    arms : sequence of Arm
        One per model.
    like : Tensor
        Gives device and precision.

    Attributes
    ----------
    factors : dict of str to (Tensor, Tensor)
        A of shape (n_models, r, n_in) and B of shape (n_models, n_out, r), by the weight's name: they train.

    Notes
    -----
    Source: Hu et al. 2022, arXiv:2106.09685, equation 3.
    """

    def __init__(self, arms: Sequence[Arm], like: torch.Tensor):
        self.factors: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        self.scales: Stacked = {}
        for name in arms[0].low_rank:
            parts = [arm.low_rank[name] for arm in arms]
            self.factors[name] = (
                stack_arrays([p[0] for p in parts], like),
                stack_arrays([p[1] for p in parts], like),
            )
            self.scales[name] = (
                torch.tensor([p[2] for p in parts], dtype=torch.float64).to(like).reshape(-1, 1, 1)
            )

    def merge(self, tensors: Mapping[str, torch.Tensor]) -> Stacked:
        """Return all tensors, each weight with its product added."""
        merged = dict(tensors)
        for name, (a, b) in self.factors.items():
            merged[name] = tensors[name] + self.scales[name] * torch.bmm(b, a)
        return merged


class Anchors:
    """Pull tensors towards references: strength / 2 * ||tensor - reference||^2, model by model.

    Parameters
    ----------
    arms : sequence of Arm
        One per model.
    like : Tensor
        Gives device and precision.

    Notes
    -----
    Source: Li et al. 2018, arXiv:1802.01483, equation 3.
    """

    def __init__(self, arms: Sequence[Arm], like: torch.Tensor):
        self.parts: list[tuple[str, torch.Tensor, torch.Tensor, torch.Tensor]] = []
        for name in dict.fromkeys(name for arm in arms for name in arm.anchor):
            held = [i for i, arm in enumerate(arms) if name in arm.anchor]
            references = stack_arrays([arms[i].anchor[name][0] for i in held], like)
            shape = (-1,) + (1,) * (references.ndim - 1)
            strengths = torch.tensor([arms[i].anchor[name][1] for i in held], dtype=torch.float64)
            where = torch.tensor(held, device=like.device)
            self.parts.append((name, where, references, strengths.to(like).reshape(shape)))

    def loss(self, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the term of every model."""
        first = next(iter(tensors.values()))
        total = first.new_zeros(len(first))
        for name, held, references, strengths in self.parts:
            term = 0.5 * strengths * (tensors[name][held] - references).square()
            total = total.index_add(0, held, term.flatten(1).sum(dim=1))
        return total

    @torch.no_grad()
    def add_gradients(self, gradients: Stacked, tensors: Stacked) -> None:
        """Add the term's gradient, strength * (tensor - reference); ``gradients`` are named "tensor/0"."""
        for name, held, references, strengths in self.parts:
            pull = strengths * (tensors[name].detach()[held] - references)
            gradients[f"{name}/0"].index_add_(0, held, pull)


class Penalties:
    """The penalty that all models of a stack share, each with its own reference tensors.

    Parameters
    ----------
    arms : sequence of Arm
        One per model.
    like : Tensor
        Gives device and precision.
    outputs : callable
        ``(network, tensors, x) -> (features, logits)``: how the engine runs the reference network.
    run : callable
        ``(tensors, x) -> (features, logits)``: how it runs the network that is trained.
    schedule : Schedule
        At whose rate the penalty's own tensors train.

    Attributes
    ----------
    leaves : dict of str to Tensor, shape (n_models, *shape)
        What trains beside the network.
    """

    def __init__(
        self,
        arms: Sequence[Arm],
        like: torch.Tensor,
        outputs: Outputs,
        run: Callable[[Stacked, torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
        schedule: Schedule,
    ):
        first = arms[0].penalty
        assert first is not None
        entry, self.options = PENALTIES.resolve({"name": first.name, **first.options})
        self.function = entry.function
        self.network = first.network
        self.outputs = outputs
        given: list[Penalty] = [arm.penalty for arm in arms if arm.penalty is not None]
        self.reference = {
            name: stack_arrays([np.asarray(penalty.tensors[name]) for penalty in given], like)
            for name in first.tensors
        }
        self.leaves = {
            name: stack_arrays([np.asarray(penalty.learns[name]) for penalty in given], like).requires_grad_()
            for name in first.learns
        }
        self.run, self.others = run, first.others
        self.memory: dict[str, Any] = {}
        rate, decay = schedule.learning_rate, schedule.weight_decay
        leaves = list(self.leaves.values())
        self._optimizer = (
            torch.optim.AdamW(leaves, lr=rate, weight_decay=decay, fused=True) if leaves else None
        )

    def begin(self) -> None:
        """Forget the gradients of what trains beside the network."""
        if self._optimizer is not None:
            self._optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Update what trains beside the network, by its gradients."""
        if self._optimizer is not None:
            self._optimizer.step()

    def loss(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        features: torch.Tensor,
        logits: torch.Tensor,
        tensors: Mapping[str, torch.Tensor],
        progress: float,
        *,
        labelled: torch.Tensor,
        others: Others | None = None,
        seeds: Sequence[int] = (),
    ) -> torch.Tensor:
        """Return the term of every model; see :class:`.Context`."""

        def reference_outputs() -> tuple[torch.Tensor, torch.Tensor]:
            assert self.network is not None
            own = {name: self.reference[name] for name in self.network.tensor_shapes}
            with torch.no_grad():
                return self.outputs(self.network, own, x)

        context = Context(
            x,
            y,
            features,
            logits,
            tensors,
            self.reference,
            reference_outputs,
            progress,
            labelled=labelled,
            others=others,
            learned=self.leaves,
            run=self.run,
            seeds=seeds,
            memory=self.memory,
        )
        result: torch.Tensor = self.function(context, **self.options)
        return result


def watch_head(network: Network, module: nn.Module) -> list[torch.Tensor]:
    """Return a list that every forward pass fills with what entered the head, shape (n_windows, n_units)."""
    seen: list[torch.Tensor] = []

    def remember(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        seen[:] = [given[0].flatten(1)]

    head = first_of_head(network, module)
    if head is None:
        raise BiotransferError(
            f"the head of network {network.name!r} is loose tensors, so what enters it cannot be penalised. "
            "Use another network, such as EEGNet."
        )
    head.register_forward_pre_hook(remember)
    return seen


class ModuleOutputs:
    """Run reference networks of one model as torch modules, built once."""

    def __init__(self) -> None:
        self._built: tuple[nn.Module, list[torch.Tensor]] | None = None

    def __call__(
        self, network: Network, tensors: Stacked, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features and logits, each with a model axis of one."""
        if self._built is None:
            own = {name: value[0].cpu().numpy() for name, value in tensors.items()}
            module = load_module(network, own, x.dtype).to(x.device)
            self._built = module, watch_head(network, module)
        module, seen = self._built
        logits = module(x[0])
        return seen[0].unsqueeze(0), logits.unsqueeze(0)
