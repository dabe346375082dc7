"""Gradients of many dense networks at once, written out: no graph, no memory taken while training.

The same numbers as autograd's, which the tests hold beside these. A GPU trains by them; a CPU by the kernel.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import torch

from ..layers.dense import LINEAR, RELU
from ..networks.network import Network
from .extras import Stacked


def written_out(network: Network) -> bool:
    """Whether the network is dense layers, each but the last with a ReLU behind it or not."""
    kinds = [layer.record for layer in network.layers]
    doubled = any(a is b is RELU for a, b in pairwise(kinds))
    ends = kinds[0] is kinds[-1] is LINEAR
    return ends and not doubled and all(kind in (LINEAR, RELU) for kind in kinds)


@dataclass(frozen=True)
class _Block:
    """A dense layer by the names of its weight and bias, and whether a ReLU follows."""

    weight: str
    bias: str
    relu: bool


class _Buffers:
    """What one size of batch computes: (n_models, width, n_windows) multiplies fastest."""

    def __init__(self, widths: list[int], n_models: int, n_windows: int, like: torch.Tensor):
        self.windows = like.new_empty((n_models, n_windows, widths[0]))
        self.values = [self.windows.transpose(1, 2)]
        self.values += [like.new_empty((n_models, width, n_windows)) for width in widths[1:]]
        self.slopes = [torch.empty_like(value) for value in self.values[1:]]
        self.log_p = torch.empty_like(self.values[-1])


class DenseGradients:
    """Loss, hits and gradients of one batch per model.

    Parameters
    ----------
    network : Network
        For which :func:`written_out` holds.
    tensors : dict of str to Tensor, shape (n_models, *shape)
        Weights, read anew in every call.
    n_models : int
        How many.
    """

    def __init__(self, network: Network, tensors: Stacked, n_models: int):
        self.tensors, self.n_models = tensors, n_models
        layers = network.layers
        self.blocks = [
            _Block(f"{layer.name}.weight", f"{layer.name}.bias", following.record is RELU)
            for layer, following in zip(layers, [*layers[1:], layers[-1]], strict=True)
            if layer.record is LINEAR
        ]
        self.widths = [network.input_shape[0], *(tensors[b.bias].shape[1] for b in self.blocks)]
        self.gradients = {f"{name}/0": torch.empty_like(tensor) for name, tensor in tensors.items()}
        self.minus_one = tensors[self.blocks[0].bias].new_full((), -1.0)
        self._buffers: dict[int, _Buffers] = {}

    @torch.no_grad()
    def __call__(
        self,
        X: torch.Tensor,
        rows: torch.Tensor,
        labels: torch.Tensor,
        training: Collection[str],
        weights: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Fill in ``gradients`` and return loss and hits.

        Parameters
        ----------
        X : Tensor, shape (n_pool, n_features)
            All windows.
        rows, labels : Tensor, shape (n_models, n_windows), int64
            The batch of each model.
        training : collection of str
            Names of the gradients that are asked for.
        weights : Tensor, shape (n_models, n_windows), optional
            What each window counts in them.

        Returns
        -------
        loss : Tensor, shape (n_models,)
            Mean cross-entropy.
        hits : Tensor, shape (n_models,), int64
            Windows whose most probable class is their label.
        """
        n = rows.shape[1]
        if n not in self._buffers:
            self._buffers[n] = _Buffers(self.widths, self.n_models, n, X)
        buffers = self._buffers[n]
        logits = self._forward(X, rows, buffers)
        torch.log_softmax(logits, 1, out=buffers.log_p)
        index = labels.unsqueeze(1)
        said = buffers.log_p.gather(1, index)
        hits = (said >= buffers.log_p.amax(1, keepdim=True)).sum(dim=(1, 2))
        slope = torch.exp(buffers.log_p, out=buffers.slopes[-1])
        slope.scatter_add_(1, index, self.minus_one.expand_as(said)).div_(n)
        if weights is not None:
            slope.mul_(weights.unsqueeze(1))
        self._backward(buffers, training)
        return said.mean(dim=(1, 2)).neg_(), hits

    def _forward(self, X: torch.Tensor, rows: torch.Tensor, buffers: _Buffers) -> torch.Tensor:
        torch.index_select(X, 0, rows.reshape(-1), out=buffers.windows.flatten(0, 1))
        for i, block in enumerate(self.blocks):
            weight, bias = self.tensors[block.weight], self.tensors[block.bias].unsqueeze(2)
            value = torch.baddbmm(bias, weight, buffers.values[i], out=buffers.values[i + 1])
            if block.relu:
                value.relu_()
        return buffers.values[-1]

    def _backward(self, buffers: _Buffers, training: Collection[str]) -> None:
        """Go from the logits' slope down to the lowest layer whose gradient is asked for."""
        wanted = [
            i for i, b in enumerate(self.blocks) if {f"{b.weight}/0", f"{b.bias}/0"}.intersection(training)
        ]
        for i in range(len(self.blocks) - 1, min(wanted, default=len(self.blocks)) - 1, -1):
            block, slope = self.blocks[i], buffers.slopes[i]
            if i in wanted:
                torch.bmm(slope, buffers.values[i].transpose(1, 2), out=self.gradients[f"{block.weight}/0"])
                torch.sum(slope, 2, out=self.gradients[f"{block.bias}/0"])
            if i > min(wanted):
                lower = buffers.slopes[i - 1]
                torch.bmm(self.tensors[block.weight].transpose(1, 2), slope, out=lower)
                if self.blocks[i - 1].relu:
                    torch.ops.aten.threshold_backward.grad_input(
                        lower, buffers.values[i], 0, grad_input=lower
                    )
