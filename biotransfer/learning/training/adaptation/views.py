"""Changed views of windows: noise, and parts that are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ..context import Context

_PIECES = 20


def changed(context: Context, noise: float, hidden: float, stream: int) -> torch.Tensor:
    """Return a view of the further windows.

    Parameters
    ----------
    context : Context
        Gives windows, and the seed of every model.
    noise : float
        Deviation of the noise, in units of the standardised windows.
    hidden : float
        Share of the features, or of the twentieths of a signal, that are set to zero.
    stream : int
        Tells the views of one update apart.

    Returns
    -------
    Tensor, shape (n_models, n_windows, *input_shape)
    """
    import torch

    assert context.others is not None
    views = []
    for x, seed in zip(context.others.x, context.seeds, strict=True):
        draw = torch.Generator().manual_seed(seed + 7919 * stream)
        view = x + noise * torch.randn(x.shape, generator=draw).to(x)
        if hidden > 0:
            n = x.shape[-1]
            length = -(-n // _PIECES) if x.ndim > 2 else 1
            shown = torch.rand(len(x), -(-n // length), generator=draw) >= hidden
            shown = shown.repeat_interleave(length, 1)[:, :n].to(x)
            view = view * shown.view(len(x), *[1] * (x.ndim - 2), n)
        views.append(view)
    return torch.stack(views)
