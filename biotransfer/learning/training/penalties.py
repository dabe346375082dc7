"""Terms that an arm adds to its loss: one function for both engines.

A penalty is a function ``(context, *, parameters) -> Tensor, shape (n_models,)``. Every tensor of the context
has a leading model axis; the loop engine passes one model, the stacked engine all that share a penalty.
Models must not mix: element i of the result depends on model i alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...catalog import Catalog, Entry, Fact
from .adaptation import adversarial, answers, consistency, critics, distances

if TYPE_CHECKING:
    import torch

    from .context import Context


def bss(context: Context, *, strength: float = 1e-3, k: int = 1) -> torch.Tensor:
    """Shrink the smallest singular values of the batch of features, the directions that transfer badly.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the term.
    k : int, 1 to 100000
        How many singular values.

    Notes
    -----
    Source: Chen et al. 2019, "Catastrophic Forgetting Meets Negative Transfer", NeurIPS 32, equation 5.
    """
    import torch

    values = torch.linalg.svdvals(context.features)
    return strength * values[:, -k:].square().sum(dim=1)


def delta(context: Context, *, strength: float = 1.0) -> torch.Tensor:
    """Keep the features near those of the reference network, unit by unit.

    Parameters
    ----------
    context : Context
        The update; its reference holds ``attention``, shape (n_models, n_features).
    strength : float, 0 or more
        Of the term.

    Notes
    -----
    Source: Li et al. 2019, arXiv:1901.09229, equation 5; differs from it in that the one feature map is what
    enters the head.
    """
    theirs, _ = context.reference_outputs()
    distance = (context.features - theirs).square() * context.reference["attention"].unsqueeze(1)
    return strength * distance.sum(dim=2).mean(dim=1)


def lwf(context: Context, *, strength: float = 1.0, temperature: float = 2.0) -> torch.Tensor:
    """Keep the answers of the reference's head: distil what the reference network says of the batch.

    Parameters
    ----------
    context : Context
        The update; its reference holds ``head_weight`` and ``head_bias`` of the reference network's head.
    strength : float, 0 or more
        Of the term.
    temperature : float, above 0
        Divides both sides' logits.

    Notes
    -----
    Source: Li & Hoiem 2016, arXiv:1606.09282, equations 2 to 4; differs from it in that the head stays still.
    """
    _, theirs = context.reference_outputs()
    target = (theirs / temperature).softmax(dim=2)
    ours = (_reference_head(context) / temperature).log_softmax(dim=2)
    return -strength * (target * ours).sum(dim=2).mean(dim=1)


def co_tuning(context: Context, *, strength: float = 1.0) -> torch.Tensor:
    """Let the reference's head answer with the mix of source classes that each label stands for.

    Parameters
    ----------
    context : Context
        The update; its reference holds ``head_weight`` and ``head_bias`` of the reference network's head, and
        ``relationship``, shape (n_models, n_outputs, n_source_outputs), whose rows sum to 1.
    strength : float, 0 or more
        Of the term.

    Notes
    -----
    Source: You et al. 2020, "Co-tuning for transfer learning", NeurIPS 33, equation 3; differs from it in
    that the head stays still.
    """
    relationship = context.reference["relationship"]
    index = context.y.unsqueeze(2).expand(-1, -1, relationship.shape[2])
    target = relationship.gather(1, index)
    ours = _reference_head(context).log_softmax(dim=2)
    return -strength * (target * ours).sum(dim=2).mean(dim=1)


def _reference_head(context: Context) -> torch.Tensor:
    """Logits of the reference's head, one dense layer, on the features being trained."""
    weight, bias = context.reference["head_weight"], context.reference["head_bias"]
    return bias.unsqueeze(1).baddbmm(context.features, weight.transpose(1, 2))


def _person(
    function: Callable[..., Any], summary: str, source: str, learns: Callable[..., Any] | None = None
) -> Entry:
    """Return a term that looks at the tested person's windows."""
    return Entry(function.__name__, summary, function, source, {"person": True, "learns": learns})


PENALTIES = Catalog(
    "penalty",
    [
        Entry("bss", "The smallest singular values of the features.", bss,
              "Chen et al. 2019, NeurIPS 32, equation 5"),
        Entry("delta", "The distance of the features from the source network's.", delta,
              "Li et al. 2019, arXiv:1901.09229"),
        Entry("lwf", "The source's answers, distilled.", lwf, "Li & Hoiem 2016, arXiv:1606.09282"),
        Entry("co_tuning", "The source's head against the category relationship.", co_tuning,
              "You et al. 2020, NeurIPS 33"),
        Entry("bi_tuning", "Contrasts of training windows of one class with the others.", answers.bi_tuning,
              "Zhong et al. 2020, arXiv:2011.06182", {"learns": critics.prototypes_of}),
        _person(distances.deep_coral, "Features with the covariance of the training people's.",
                "Sun & Saenko 2016, arXiv:1607.01719"),
        _person(distances.dan, "Features with the distribution of the training people's.",
                "Long et al. 2015, arXiv:1502.02791"),
        _person(distances.jan, "Features and answers with the joint distribution of the training people's.",
                "Long et al. 2017, arXiv:1605.06636"),
        _person(distances.afn, "Features whose norms grow.", "Xu et al. 2019, arXiv:1811.07456"),
        _person(adversarial.dann, "Features by which a critic cannot tell the person from others.",
                "Ganin et al. 2016, arXiv:1505.07818", critics.critic_of),
        _person(adversarial.cdan, "Features and answers by which a critic cannot tell the person.",
                "Long et al. 2018, arXiv:1705.10667", critics.joint_critic_of),
        _person(adversarial.bsp, "The largest singular values of the features pushed down, with DANN.",
                "Chen et al. 2019, ICML 97:1081-1090", critics.critic_of),
        _person(adversarial.adda, "Features of the person moved to where the training people's were.",
                "Tzeng et al. 2017, arXiv:1702.05464", critics.critic_of),
        _person(adversarial.wdgrl, "Features near the training people's in Wasserstein distance.",
                "Shen et al. 2018, arXiv:1707.01217", critics.critic_of),
        _person(adversarial.mdd, "Features on which a second head cannot disagree.",
                "Zhang et al. 2019, arXiv:1904.05801", critics.second_head_of),
        _person(adversarial.mcd, "Features on which two heads cannot disagree.",
                "Saito et al. 2018, arXiv:1712.02560", critics.two_heads_of),
        _person(answers.mcc, "Answers that confuse classes less.", "Jin et al. 2020, arXiv:1912.03699"),
        _person(consistency.pi_model, "The same answer about two views of a window.",
                "Laine & Aila 2017, arXiv:1610.02242"),
        _person(consistency.mean_teacher, "The answers of averaged weights.",
                "Tarvainen & Valpola 2017, arXiv:1703.01780"),
        _person(consistency.self_ensemble, "The answers of averaged weights where these are sure.",
                "French et al. 2018, arXiv:1706.05208"),
        _person(consistency.fixmatch, "On a strong view the class that is sure on a weak one.",
                "Sohn et al. 2020, arXiv:2001.07685"),
        _person(consistency.flexmatch, "FixMatch with a threshold for every class.",
                "Zhang et al. 2021, arXiv:2110.08263"),
        _person(consistency.uda, "The sharpened answer on a changed view.",
                "Xie et al. 2020, arXiv:1904.12848"),
        _person(answers.dst, "Pseudo labels with a head of their own, and a worst case to avoid.",
                "Chen et al. 2022, arXiv:2202.07136", critics.two_heads_of),
        _person(answers.self_tuning, "Contrasts of windows with the group of their (pseudo) class.",
                "Wang et al. 2021, arXiv:2102.12903", critics.projection_of),
        Entry("labelled_others", "The person's windows with their labels.", answers.labelled_others),
    ],
    {
        "person": Fact("Whether it looks at windows of the tested person without labels.", bool,
                       default=False),
        "learns": Fact("What trains beside the network: a function of the number of features and outputs and "
                       "the parameters that returns shapes by name.", Callable | None, default=None),
    },
    word="penalties",
)  # fmt: skip
