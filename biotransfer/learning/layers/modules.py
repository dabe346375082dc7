"""What torch itself has no module for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn.utils import parametrize


class Apply(nn.Module):
    """A function without tensors of its own.

    Parameters
    ----------
    function : callable
        From a batch to a batch.
    """

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the function makes of ``x``."""
        return self.function(x)


class AttendChannels(nn.Linear):
    """Mean over channels, weighted by a score that a small network gives each of them."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__(n_in, n_out)
        self.score = nn.Parameter(torch.empty(1, n_out))
        nn.init.kaiming_uniform_(self.score, a=5**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Weigh channels: (n_windows, n_in, n_chans) -> (n_windows, n_in)."""
        given = x.transpose(1, 2)
        weight = torch.tanh(super().forward(given)) @ self.score.T
        return (given * torch.softmax(weight, dim=1)).sum(dim=1)


class Attention(nn.Module):
    """Multi-head attention of times to each other, with dropout of its weights."""

    def __init__(self, n_in: int, heads: int, share: float):
        super().__init__()
        self.keys, self.queries = nn.Linear(n_in, n_in), nn.Linear(n_in, n_in)
        self.values, self.projection = nn.Linear(n_in, n_in), nn.Linear(n_in, n_in)
        self.heads, self.dropout = heads, nn.Dropout(share)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend: (n_windows, n_times, n_in) -> the same shape."""
        keys, queries, values = (
            part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.keys, self.queries, self.values)
        )
        scores = queries @ keys.transpose(2, 3) * keys.shape[-1] ** -0.5
        mixed = self.dropout(torch.softmax(scores, dim=-1)) @ values
        out: torch.Tensor = self.projection(mixed.transpose(1, 2).flatten(2))
        return out


class Renorm(nn.Module):
    """Rows of a weight, none longer than ``most``."""

    def __init__(self, most: float):
        super().__init__()
        self.most = most

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Shorten what is longer."""
        return weight.renorm(p=2, dim=0, maxnorm=self.most)


class SumRows(nn.Conv2d):
    """Sums over the rows of maps, each map by filters of its own."""

    def __init__(self, n_in: int, n_out: int, n_rows: int, most: float | None):
        super().__init__(n_in, n_out, (n_rows, 1), groups=n_in, bias=False)
        if most:
            parametrize.register_parametrization(self, "weight", Renorm(most))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sum over rows: (n_windows, n_in, n_rows, n_times) -> (n_windows, n_out, n_times)."""
        return super().forward(x).squeeze(2)


class SumAll(nn.Conv2d):
    """Sums over the rows of all maps."""

    def __init__(self, n_in: int, n_out: int, n_rows: int, bias: bool):
        super().__init__(n_in, n_out, (n_rows, 1), bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Sum: (n_windows, n_in, n_rows, n_times) -> (n_windows, n_out, n_times)."""
        return super().forward(x).squeeze(2)


class TimeThenSpace(nn.Module):
    """Filters over time for every channel, then sums of all of them over the channels."""

    def __init__(self, n_in: int, n_filters: int, n_out: int, kernel: int, bias: bool):
        super().__init__()
        self.conv_time = nn.Conv2d(1, n_filters, (kernel, 1))
        self.conv_spat = nn.Conv2d(n_filters, n_out, (1, n_in), bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve: (n_windows, n_in, n_times) -> (n_windows, n_out, n_times - kernel + 1)."""
        out: torch.Tensor = self.conv_spat(self.conv_time(x.transpose(1, 2).unsqueeze(1)))
        return out.squeeze(-1)


class Residual(nn.Module):
    """Modules by their paths, run one after the other, and those beside them; both answers are added."""

    def __init__(self, inside: Sequence[tuple[str, nn.Module]], beside: Sequence[tuple[str, nn.Module]]):
        super().__init__()
        for path, module in (*inside, *beside):
            place: nn.Module = self
            *above, last = path.split(".")
            for name in above:
                if name not in dict(place.named_children()):
                    place.add_module(name, nn.Module())
                place = place.get_submodule(name)
            place.add_module(last, module)
        self._inside, self._beside = ([path for path, _ in own] for own in (inside, beside))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add what both paths make of ``x``."""
        out = beside = x
        for path in self._inside:
            out = self.get_submodule(path)(out)
        for path in self._beside:
            beside = self.get_submodule(path)(beside)
        return out + beside


class LinearWithin(nn.Linear):
    """A dense layer of limited weights.

    Parameters
    ----------
    n_in, n_out : int
        Sizes.
    limit : nn.Module
        From weights to those that are used.
    """

    def __init__(self, n_in: int, n_out: int, limit: nn.Module):
        super().__init__(n_in, n_out)
        parametrize.register_parametrization(self, "weight", limit, unsafe=True)


class ShortenColumns(nn.Module):
    """Columns of a weight, none longer than ``most``; short ones become up to twice as long."""

    def __init__(self, most: float, eps: float):
        super().__init__()
        self.most, self.eps = most, eps

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Shorten: (..., n_out, n_in) -> the same shape."""
        norm = weight.norm(2, dim=-2, keepdim=True)
        least = norm.clamp(min=self.most / 2)
        return weight * (least.clamp(max=self.most) / (least + self.eps))


class Spinal(nn.Linear):
    """A dense layer that sees some columns and the units before it, and hands all of them on."""

    def __init__(self, n_in: int, n_out: int, begin: int, end: int, dropout: float, norm: bool):
        super().__init__(n_in, n_out)
        self.columns, self.n_before = slice(begin, end), n_in - (end - begin)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(n_out) if norm else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Append this layer's units to the features and the units before: (..., n) -> (..., n + n_out)."""
        before = x[..., x.shape[-1] - self.n_before :]
        given = self.dropout(torch.cat([x[..., self.columns], before], dim=-1))
        return torch.cat([x, torch.relu(self.norm(super().forward(given)))], dim=-1)
