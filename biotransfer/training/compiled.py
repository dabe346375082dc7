"""Models of a stack that the kernel trains: dense networks on a CPU, with nothing but AdamW and anchors."""

from __future__ import annotations

import numpy as np
import torch

from .dense import dense_blocks
from .extras import Stacked
from .job import Job
from .kernel import Shape, State, find_logits, make_scratch, train_epoch
from .recorder import Recorder


class CompiledModels:
    """Weights of a stack's models, and the epochs that move them; the numbers of :class:`Models`.

    Parameters
    ----------
    job : Job
        Of arms without penalty, low-rank pair or teacher, on a network for which
        :func:`biotransfer.training.dense.written_out` holds.
    X : Tensor, shape (n_pool, n_features)
        All windows, on the CPU; gives the precision.
    y : Tensor, shape (n_pool,)
        Labels.

    Attributes
    ----------
    leaves : dict of str to Tensor, shape (n_models, *shape)
        Views of what trains, "tensor/0".
    merged : dict of str to Tensor, shape (n_models, *shape)
        The same by the network's names.
    """

    def __init__(self, job: Job, X: torch.Tensor, y: torch.Tensor):
        self.job, self.X, self.y = job, X, y
        blocks, arms, schedule, dtype = dense_blocks(job.network), job.arms, job.schedule, X.numpy().dtype
        n_train = job.train_rows.shape[1]
        self.names = [name for block in blocks for name in (block.weight, block.bias)]
        sizes = [int(np.prod(job.network.tensor_shapes[name])) for name in self.names]
        self.shape = Shape(
            np.array([*job.network.input_shape, *(job.network.tensor_shapes[b.bias][0] for b in blocks)]),
            np.array([block.relu for block in blocks]),
            np.array([0, *np.cumsum(sizes)]),
            float(schedule.weight_decay),
            int(schedule.batch_size),
        )
        anchored = any(arm.anchor for arm in arms)
        empty = np.zeros((len(arms), sum(sizes)), dtype)
        self.state = State(
            empty,
            empty.copy(),
            empty.copy(),
            empty.copy() if anchored else np.zeros((0, 0), dtype),
            np.array([[arm.anchor[n][1] if n in arm.anchor else 0.0 for n in self.names] for arm in arms]),
            np.array([[schedule.learning_rate * arm.lr_scale[n] for n in self.names] for arm in arms]),
            np.array(
                [[schedule.first_update(arm.thaw.get(n, 0.0), n_train) for n in self.names] for arm in arms]
            ),
        )
        self.merged = self._views(self.state.weights)
        references = self._views(self.state.references) if anchored else {}
        for a, arm in enumerate(arms):
            for name in self.names:
                self.merged[name][a].numpy()[:] = arm.tensors[name]
                if name in arm.anchor:
                    references[name][a].numpy()[:] = arm.anchor[name][0]
        self.leaves = {f"{name}/0": tensor for name, tensor in self.merged.items()}
        self._scratch = make_scratch(self.shape, empty)
        self._loss, self._hits = np.zeros(len(arms)), np.zeros(len(arms), np.int64)

    def _views(self, rows: np.ndarray) -> Stacked:
        """Return the tensors that lie in the models' rows."""
        views: Stacked = {}
        for i, name in enumerate(self.names):
            flat = torch.from_numpy(rows[:, self.shape.offsets[i] : self.shape.offsets[i + 1]])
            n_out, *n_in = self.job.network.tensor_shapes[name]
            views[name] = flat.unflatten(1, (n_in[0], n_out)).transpose(1, 2) if n_in else flat
        return views

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what each model says of some of its evaluation rows, (n_models, n_windows, n_classes)."""
        out = self.X.new_empty((*rows.shape, self.job.network.n_outputs))
        find_logits(self.shape, self.state, self._scratch, self.X.numpy(), rows.numpy(), out.numpy())
        return out

    def train_epoch(self, epoch: int, recorder: Recorder) -> None:
        """Train every model on all its windows, in the order of an epoch, counted from 1."""
        job = self.job
        order = np.stack([job.order(a, epoch - 1) for a in range(len(job.arms))])
        done = (epoch - 1) * job.schedule.steps_per_epoch(order.shape[1])
        X, y = self.X.numpy(), self.y.numpy()
        train_epoch(self.shape, self.state, self._scratch, X, order, y, done, self._loss, self._hits)
        recorder.begin(epoch)
        recorder.add(epoch, torch.from_numpy(self._loss), torch.from_numpy(self._hits), 1)
