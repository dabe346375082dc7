"""An update as one launch on a GPU: recorded once as a CUDA graph, replayed from then on.

An update of small models is a few dozen kernels of microseconds each; launched one by one they take longer
to launch than to run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

Update = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A graph with the memory that it reads from and writes to."""

    graph: torch.cuda.CUDAGraph
    given: tuple[torch.Tensor, torch.Tensor]
    found: tuple[torch.Tensor, torch.Tensor]


class Replays:
    """Calls ``update``, from the second call of a batch size on by replaying what it did.

    Parameters
    ----------
    update : callable
        ``(rows, targets) -> (loss, hits)``; it must do the same kernels in every call until :meth:`forget`.
    """

    def __init__(self, update: Update):
        self.update = update
        self._recorded: dict[int, _Recorded] = {}
        self._seen: set[int] = set()

    def forget(self) -> None:
        """Record anew: what an update does has changed."""
        self._recorded.clear()
        self._seen.clear()

    def __call__(self, rows: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Update once; the tensors that are returned are overwritten by the next call."""
        size = rows.shape[1]
        if size not in self._seen:
            self._seen.add(size)
            return self._warm_up(rows, targets)
        if size not in self._recorded:
            self._recorded[size] = self._record(rows, targets)
        recorded = self._recorded[size]
        for held, value in zip(recorded.given, (rows, targets), strict=True):
            held.copy_(value)
        recorded.graph.replay()
        return recorded.found

    def _warm_up(self, rows: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Update off the main stream, as a recording needs it done before: libraries set themselves up."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            found = self.update(rows, targets)
        torch.cuda.current_stream().wait_stream(stream)
        return found

    def _record(self, rows: torch.Tensor, targets: torch.Tensor) -> _Recorded:
        """Record without running."""
        given = rows.clone(), targets.clone()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = self.update(*given)
        return _Recorded(graph, given, found)
