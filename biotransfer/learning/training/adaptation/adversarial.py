"""Features from which a critic cannot tell the tested person from the training people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .critics import apply_dense, ask_critic, rising

if TYPE_CHECKING:
    import torch

    from ..context import Context

_TINY = 1e-6


def _told_apart(
    context: Context, first: torch.Tensor, second: torch.Tensor, weights: tuple[torch.Tensor, ...] = ()
) -> torch.Tensor:
    """Return the critic's cross-entropy of training windows (1) against the others (0), halves averaged."""
    from torch.nn.functional import softplus

    ours, theirs = (
        softplus(-ask_critic(context.learned, first)),
        softplus(ask_critic(context.learned, second)),
    )
    if weights:
        ours, theirs = (
            x * w.shape[1] * w / w.sum(1, keepdim=True) for x, w in zip((ours, theirs), weights, strict=True)
        )
    return 0.5 * (ours.mean(1) + theirs.mean(1))


def dann(context: Context, *, strength: float = 1.0, hidden: int = 32) -> torch.Tensor:
    """Play features against a critic that tells the tested person from the training people.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Largest strength of the reversed gradient; it rises from 0 during training.
    hidden : int, 1 to 4096
        Hidden units of the critic, which is thrown away.

    Notes
    -----
    Source: Ganin et al. 2016, arXiv:1505.07818, equations 13 to 15.
    """
    from ..losses import reverse_gradient

    how = strength * rising(context.progress)
    ours, theirs = (reverse_gradient(f, how) for f in (context.features, context.run_others()[0]))
    return _told_apart(context, ours, theirs)


def cdan(context: Context, *, strength: float = 1.0, hidden: int = 32, entropy: bool = True) -> torch.Tensor:
    """Play features and answers together against a critic that tells the tested person from the others.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Largest strength of the reversed gradient; it rises from 0 during training.
    hidden : int, 1 to 4096
        Hidden units of the critic, which sees all products of a feature and a probability.
    entropy : bool
        Whether windows of which the network is sure count more (CDAN+E).

    Notes
    -----
    Source: Long et al. 2018, arXiv:1705.10667, equations 4 and 8 (multilinear map); the probabilities pass
    no gradient, and the weights of each side sum to its windows, as in the authors' code (in TLlib those of
    both sides together do).
    """
    import torch

    from ..losses import reverse_gradient

    features, logits = context.run_others()
    maps, weights = [], []
    for f, z in ((context.features, context.logits), (features, logits)):
        p = z.softmax(-1).detach()
        maps.append(
            reverse_gradient(
                (f.unsqueeze(3) * p.unsqueeze(2)).flatten(2), strength * rising(context.progress)
            )
        )
        weights.append(1 + torch.exp((p * p.clamp_min(_TINY).log()).sum(-1)))
    return _told_apart(context, maps[0], maps[1], tuple(weights) if entropy else ())


def bsp(
    context: Context, *, strength: float = 1.0, hidden: int = 32, shrinkage: float = 1e-4, k: int = 1
) -> torch.Tensor:
    """Push down the largest singular values of both sides' features while a critic is played against.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Largest strength of the reversed gradient, as of dann.
    hidden : int, 1 to 4096
        Hidden units of the critic.
    shrinkage : float, 0 or more
        Weight of the squares of the singular values.
    k : int, 1 to 1000
        How many of each side.

    Notes
    -----
    Source: Chen et al. 2019, "Transferability vs. discriminability: batch spectral penalization for
    adversarial domain adaptation", ICML 97:1081-1090, equation 6, with DANN.
    """
    import torch

    from ..losses import reverse_gradient

    theirs = context.run_others()[0]
    how = strength * rising(context.progress)
    played = _told_apart(context, reverse_gradient(context.features, how), reverse_gradient(theirs, how))
    largest = [torch.linalg.svdvals(f)[:, :k].square().sum(1) for f in (context.features, theirs)]
    return played + shrinkage * (largest[0] + largest[1])


def adda(context: Context, *, strength: float = 1.0, hidden: int = 32, first: float = 0.5) -> torch.Tensor:
    """Learn on the training people, then move the features of the tested person to where theirs were.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the adversarial gradient.
    hidden : int, 1 to 4096
        Hidden units of the critic.
    first : float, 0 to 1
        Share of the updates after which the classifier is no longer trained, a copy of the network stays
        still for the training people, and its features are what the tested person's are moved to.

    Notes
    -----
    Source: Tzeng et al. 2017, arXiv:1702.05464, equation 9. Differs from it in that critic and features move
    by one reversed gradient (the critic's loss, not that of inverted labels).
    """
    from ..losses import reverse_gradient

    if context.progress < first:
        return 0.0 * context.labelled
    if "still" not in context.memory:
        context.memory["still"] = {name: value.detach().clone() for name, value in context.tensors.items()}
    assert context.run is not None
    ours = context.run(context.memory["still"], context.x)[0].detach()
    theirs = reverse_gradient(context.run_others()[0], strength)
    return _told_apart(context, ours, theirs) - context.labelled


def wdgrl(
    context: Context, *, strength: float = 1.0, hidden: int = 32, gradient_weight: float = 10.0
) -> torch.Tensor:
    """Bring the features of the tested person near those of the training people in Wasserstein distance.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Largest strength of the reversed gradient; it rises from 0 during training.
    hidden : int, 1 to 4096
        Hidden units of the critic, whose mean difference is the distance.
    gradient_weight : float, 0 or more
        Weight of the critic's squared distance from slope 1.

    Notes
    -----
    Source: Shen et al. 2018, arXiv:1707.01217, equations 3 to 6; differs from it in that critic and features
    take one step each by a reversed gradient, as in ADAPT.
    """
    import torch

    from ..losses import reverse_gradient

    theirs = context.run_others()[0]
    how = strength * rising(context.progress)
    ask = context.learned
    apart = ask_critic(ask, reverse_gradient(context.features, how)).mean(1)
    apart = apart - ask_critic(ask, reverse_gradient(theirs, how)).mean(1)
    shares = [torch.rand(len(f), 1, generator=torch.Generator().manual_seed(seed)).to(f)
              for f, seed in zip(theirs, context.seeds, strict=True)]  # fmt: skip
    share = torch.stack(shares)
    between = (share * context.features.detach() + (1 - share) * theirs.detach()).requires_grad_()
    (slope,) = torch.autograd.grad(ask_critic(ask, between).sum(), between, create_graph=True)
    length = slope.square().sum(-1).clamp_min(1e-12).sqrt()
    return gradient_weight * (length - 1).square().mean(1) - apart


def mdd(context: Context, *, strength: float = 0.1, margin: float = 4.0) -> torch.Tensor:
    """Let a second head agree on the training people and disagree on the tested one, and play against it.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Largest strength of the reversed gradient; it rises from 0 during training.
    margin : float, above 0
        Weight of the agreement, gamma.

    Notes
    -----
    Source: Zhang et al. 2019, arXiv:1904.05801, equations 28 to 30.
    """
    from ..losses import cross_entropy, reverse_gradient

    features, logits = context.run_others()
    how = strength * rising(context.progress)
    ours = apply_dense(context.learned, "second", reverse_gradient(context.features, how))
    theirs = apply_dense(context.learned, "second", reverse_gradient(features, how))
    agreed = cross_entropy(ours, context.logits.detach().argmax(-1))
    said = logits.detach().argmax(-1)
    probability = theirs.softmax(-1).gather(2, said.unsqueeze(2)).squeeze(2)
    return margin * agreed - (1 - probability).clamp_min(_TINY).log().mean(1)


def mcd(context: Context, *, strength: float = 1.0) -> torch.Tensor:
    """Let two further heads disagree about the tested person, and features avoid where they do.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Largest strength of the reversed gradient; it rises from 0 during training.

    Notes
    -----
    Source: Saito et al. 2018, arXiv:1712.02560, equations 2 to 6. Differs from it in that the two heads stand
    beside the network's own, and that all move in one step by a reversed gradient, as the paper's authors
    do in their comparison of it.
    """
    from ..losses import cross_entropy, reverse_gradient

    agreed = sum(cross_entropy(apply_dense(context.learned, name, context.features), context.y)
                 for name in ("second", "third"))  # fmt: skip
    theirs = reverse_gradient(context.run_others()[0], strength * rising(context.progress))
    first, second = (apply_dense(context.learned, name, theirs).softmax(-1) for name in ("second", "third"))
    return agreed - (first - second).abs().mean((1, 2))
