"""Self-supervised pretraining: what windows teach without their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import check
from ...learning.layers.layer import Layer, output_shape
from ...learning.layers.pooling import MEAN_OVER_TIME
from ...learning.networks.network import Network

if TYPE_CHECKING:
    import torch

    from .problem import Learned, PretrainProblem


def _share(name: str, key: str, value: float) -> None:
    check(0 < value < 1, f"pretrain {name}: {key}={value}. Expected a share between 0 and 1, such as 0.5.")


@dataclass(frozen=True)
class Decoder:
    """How windows are reconstructed: from which layers, by what, and which samples it covers.

    Parameters
    ----------
    trunk : Network
        The network up to where the decoder looks.
    head : Network
        The decoder.
    covered : int
        Samples (or features) that it reconstructs, from the first.
    patch : int
        Samples per position of the trunk's output; 0 when that has no time axis.
    """

    trunk: Network
    head: Network
    covered: int
    patch: int

    def arrange(self, decoded: torch.Tensor) -> torch.Tensor:
        """Return reconstructed windows, shape (n_models, n_windows, *window's shape up to ``covered``)."""
        if not self.patch:
            return decoded.unflatten(2, (*self.trunk.input_shape[:-1], self.covered))
        n_chans = self.trunk.input_shape[0]
        return decoded.unflatten(2, (n_chans, self.patch)).transpose(3, 4).flatten(3, 4)


def decoder_of(network: Network) -> Decoder:
    """Return the decoder for ``network``: one dense layer on what the head would see.

    Where the network ends in a mean over time, the decoder looks before it: every position reconstructs the
    samples that it stands for, by the same weights.
    """
    layers = [layer for layer in network.layers if layer.part != "head"]
    n_chans_or_features = network.input_shape[0]
    if layers[-1].record is MEAN_OVER_TIME:
        layers.pop()
        patch = int(
            np.prod([layer.record.pool(layer.options) for layer in layers if layer.record.pool], initial=1)
        )
        width, n_positions = output_shape(layers, network.input_shape)
        options = {"n_in": width, "n_out": n_chans_or_features * patch, "kernel": 1}
        head = Network("decoder", (Layer("conv1d", "head", "decoder", options),), (width, n_positions), 1)
        return Decoder(_named(network, layers), head, n_positions * patch, patch)
    (width,) = output_shape(layers, network.input_shape)
    options = {"n_in": width, "n_out": int(np.prod(network.input_shape))}
    head = Network("decoder", (Layer("linear", "head", "decoder", options),), (width,), 1)
    return Decoder(_named(network, layers), head, network.input_shape[-1], 0)


def _named(network: Network, layers: list[Layer]) -> Network:
    return Network(network.name, tuple(layers), network.input_shape, network.n_outputs, network.parameters)


def hide(
    rng: np.random.Generator, n_windows: int, shape: tuple[int, ...], share: float, span: float
) -> np.ndarray:
    """Draw what is hidden: features one by one, signals in stretches of time over all channels.

    Parameters
    ----------
    rng : Generator
        Draws.
    n_windows : int
        Number of windows.
    shape : tuple of int
        Of one window.
    share : float
        Share of the features, or of the stretches, that is hidden; at least one.
    span : float
        Length of a stretch as a share of the window.

    Returns
    -------
    ndarray, shape (n_windows, *shape), bool
        True where hidden.
    """
    n = shape[-1]
    length = max(1, round(span * n)) if len(shape) == 2 else 1
    n_pieces = -(-n // length)
    n_hidden = min(max(1, round(share * n_pieces)), max(n_pieces - 1, 1))
    ranks = rng.random((n_windows, n_pieces)).argsort(axis=1).argsort(axis=1)
    mask = np.repeat(ranks < n_hidden, length, axis=1)[:, :n]
    return np.broadcast_to(mask[:, None], (n_windows, *shape)) if len(shape) == 2 else mask


def masked(problem: PretrainProblem, *, share: float = 0.5, span: float = 0.05) -> Learned:
    """Hide part of each window and reconstruct it from the rest; labels are not read.

    Hidden features, or stretches of a signal, are set to zero, the mean of standardised windows. A dense
    decoder, thrown away afterwards, gives them back; the mean squared error over what was hidden falls.

    Parameters
    ----------
    problem : PretrainProblem
        Labels are not used.
    share : float, 0 to 1
        Share of the features, or of the stretches of signal, that is hidden.
    span : float, above 0
        Length of a stretch of signal as a share of the window.

    Notes
    -----
    Source: He et al. 2022, arXiv:2111.06377 (masked autoencoders); for features Yoon et al. 2020 (VIME,
    NeurIPS 33). Differs in that zeros stand for a learned mask token, and that hidden parts are not cut out
    of the encoder's input.
    """
    import torch

    from .problem import Learned, Stack, minimize, to_arrays

    _share("masked", "share", share)
    _share("masked", "span", span)
    decoder = decoder_of(problem.network)
    tensors = problem.draw(problem.network)
    encode = Stack(decoder.trunk, problem.engine)
    decode = Stack(decoder.head, problem.engine)
    learns = {name: tensors[name] for name in decoder.trunk.tensor_shapes} | problem.draw(decoder.head)
    X, draws = problem.to_torch(problem.pooled()[0]), problem.draws(34)
    shape = problem.network.input_shape

    def updates() -> Iterator[Any]:
        for rows in problem.batches():
            hidden = np.stack([hide(rng, rows.shape[1], shape, share, span) for rng in draws])
            yield rows, torch.from_numpy(hidden).to(problem.device)

    def loss(item: Any) -> torch.Tensor:
        rows, hidden = item
        x = X[rows]
        found = decoder.arrange(decode(learns, encode(learns, x.masked_fill(hidden, 0.0))))
        wanted = hidden[..., : decoder.covered].to(x.dtype)
        error = (found - x[..., : decoder.covered]).square() * wanted
        return error.flatten(1).sum(1) / wanted.flatten(1).sum(1).clamp_min(1.0)

    history, broken = minimize(problem, learns, loss, updates())
    return Learned(to_arrays(tensors, problem.network), history, broken)


def corrupt(
    rng: np.random.Generator, x: np.ndarray, others: np.ndarray, share: float, noise: float
) -> np.ndarray:
    """Return a view of feature windows: some features come from other windows, all get a little noise.

    Parameters
    ----------
    rng : Generator
        Draws.
    x : ndarray, shape (n_windows, n_features)
        Windows.
    others : ndarray, shape (n_others, n_features)
        Where features are taken from, each from a window of its own.
    share : float
        Share of the features that are replaced.
    noise : float
        Deviation of the noise, in units of the features.
    """
    mask = hide(rng, len(x), x.shape[1:], share, 1.0)
    donors = rng.integers(0, len(others), x.shape)
    view = np.where(mask, others[donors, np.arange(x.shape[1])], x)
    return (view + noise * rng.standard_normal(x.shape)).astype(x.dtype)


def distort(
    rng: np.random.Generator, x: np.ndarray, others: np.ndarray, share: float, noise: float
) -> np.ndarray:
    """Return a view of signal windows: shifted in time, rescaled by channel, with noise and a stretch hidden.

    Parameters
    ----------
    rng : Generator
        Draws.
    x : ndarray, shape (n_windows, n_chans, n_times)
        Windows.
    others : ndarray
        Not used.
    share : float
        Largest circular shift, length of the hidden stretch, and range of the channels' factors
        (1 - share to 1 + share), all as shares.
    noise : float
        Deviation of the noise, in units of the signal.
    """
    n, n_chans, n_times = x.shape
    largest = round(share * n_times)
    shift = rng.integers(-largest, largest + 1, n)
    columns = (np.arange(n_times) - shift[:, None]) % n_times
    view = np.take_along_axis(x, np.broadcast_to(columns[:, None], x.shape), axis=2)
    view = view * rng.uniform(1 - share, 1 + share, (n, n_chans, 1))
    view = view + noise * rng.standard_normal(x.shape)
    first = rng.integers(0, n_times, (n, 1))
    hidden = (np.arange(n_times) - first) % n_times < largest
    return np.where(hidden[:, None], 0.0, view).astype(x.dtype)


def contrastive(
    problem: PretrainProblem,
    *,
    temperature: float = 0.2,
    share: float = 0.3,
    noise: float = 0.1,
    projection: int = 32,
) -> Learned:
    """Tell two distorted views of a window from views of other windows; labels are not read.

    Views of features have some features replaced by those of other windows and a little noise; views of
    signals are shifted in time, rescaled channel by channel, noisy and hidden for a while. A projection of
    two dense layers, thrown away afterwards, is compared. Windows that overlap in time are treated as
    different ones.

    Parameters
    ----------
    problem : PretrainProblem
        Labels are not used.
    temperature : float, above 0
        Divides the cosine similarities.
    share : float, 0 to 1
        Share of features replaced; of the window by which signals are shifted, rescaled and hidden at most.
    noise : float, 0 or more
        Deviation of the noise, in units of the standardised windows.
    projection : int, 1 to 4096
        Units of the projection.

    Notes
    -----
    Source: Chen et al. 2020, arXiv:2002.05709 (SimCLR, NT-Xent); views of features after Bahri et al. 2022,
    arXiv:2106.15147 (SCARF); views of signals after Mohsenvand et al. 2020, PMLR 136:238.
    """
    from ...learning.training.losses import nt_xent
    from .problem import Learned, Stack, minimize, n_features, to_arrays, trunk

    _share("contrastive", "share", share)
    check(temperature > 0, f"pretrain contrastive: temperature={temperature}. Expected above 0, such as 0.2.")
    check(noise >= 0, f"pretrain contrastive: noise={noise}. Expected 0 or more.")
    check(projection >= 1, f"pretrain contrastive: projection={projection}. Expected 1 or more.")
    body, width = trunk(problem.network), n_features(problem.network)
    layers = (
        Layer("linear", "head", "projection_0", {"n_in": width, "n_out": projection}),
        Layer("relu", "head"),
        Layer("linear", "head", "projection_1", {"n_in": projection, "n_out": projection}),
    )
    head = Network("projection", layers, (width,), projection)
    tensors = problem.draw(problem.network)
    learns = {name: tensors[name] for name in body.tensor_shapes} | problem.draw(head)
    encode, project = Stack(body, problem.engine), Stack(head, problem.engine)
    X, draws = problem.pooled()[0], problem.draws(35)
    training_rows = problem.rows(problem.train)
    change: Callable[..., np.ndarray] = distort if problem.windows[0].is_signal else corrupt

    def updates() -> Iterator[Any]:
        for rows in problem.batches():
            if rows.shape[1] < 2:
                continue
            views: list[list[np.ndarray]] = [[], []]
            for i, rng in enumerate(draws):
                x = X[rows[i].cpu().numpy()]
                for view in views:
                    donors = X[rng.choice(training_rows[i], min(256, training_rows.shape[1]), replace=False)]
                    view.append(change(rng, x, donors, share, noise))
            yield tuple(problem.to_torch(np.stack(view)) for view in views)

    def loss(item: Any) -> torch.Tensor:
        first, second = (project(learns, encode(learns, view)) for view in item)
        return nt_xent(first, second, temperature)

    history, broken = minimize(problem, learns, loss, updates())
    return Learned(to_arrays(tensors, problem.network), history, broken)
