"""The adaptation terms beside the formulas of TLlib and of the papers, written again window by window.

Every oracle takes one model and plain matrices. It returns what is minimised as it stands and what is played
for: of the latter the network gets the gradient times minus the strength, what trains beside it the gradient
as it is. Values and gradients agree in float64. Where TLlib's code differs from ours, ours says so.
"""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax, mse_loss, nll_loss, normalize, softmax

from biotransfer.learning.training import PENALTIES
from biotransfer.learning.training.adaptation.consistency import average_weights
from biotransfer.learning.training.adaptation.critics import rising, warming
from biotransfer.learning.training.adaptation.views import changed
from biotransfer.learning.training.context import Context, Others

N, WIDTH, CLASSES, POOL, PROGRESS = 7, 6, 3, 9, 0.4
HOW = rising(PROGRESS)
SURE = {"fixmatch": 0.7, "flexmatch": 0.7, "uda": 0.7, "self_ensemble": 0.7, "dst": 0.7}
"""Thresholds that some windows reach and some do not."""


def _options(name):
    given = {p: 0.3 for p in ("strength",) if p in PENALTIES[name].defaults and name not in ("mdd", "afn")}
    return {**PENALTIES[name].defaults, **given, **({"confidence": SURE[name]} if name in SURE else {})}


def _run(tensors, x):
    features = torch.tanh(x @ tensors["a"])
    return features, features @ tensors["w"]


@pytest.fixture(scope="module")
def drawn():
    """Two models: weights, a batch with labels, further windows."""
    draw = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(2, *shape, dtype=torch.float64, generator=draw)

    labels = torch.tensor([[0, 1, 2, 0, 1, 2, 1], [2, 2, 0, 1, 1, 0, 0]])
    rows = torch.stack([torch.randperm(POOL, generator=draw)[:N] for _ in range(2)])
    return normal(5, WIDTH), 0.8 * normal(WIDTH, CLASSES), normal(N, 5), normal(N, 5) + 0.5, labels, rows


def _context(name, drawn):
    a, w, x, z, labels, rows = drawn
    tensors = {"a": a.clone().requires_grad_(), "w": w.clone().requires_grad_()}
    learns = PENALTIES[name].facts["learns"]
    rng = np.random.default_rng(5)
    shapes = learns(WIDTH, CLASSES, _options(name)) if learns else {}
    learned = {k: torch.tensor(rng.normal(size=(2, *shape))).requires_grad_() for k, shape in shapes.items()}
    features, logits = _run(tensors, x)
    labelled = torch.stack([cross_entropy(logits[m], labels[m]) for m in range(2)])
    return Context(x, labels, features, logits, tensors, {}, lambda: None, PROGRESS, labelled=labelled,
                   others=Others(z, rows, POOL), learned=learned, run=_run, seeds=[11, 12])  # fmt: skip


class _One:
    """What an oracle sees of one model."""

    def __init__(self, context, m, options):
        self.context, self.m, self.o = context, m, options
        self.tensors = {k: v[m].detach().clone().requires_grad_() for k, v in context.tensors.items()}
        self.learned = {k: v[m].detach().clone().requires_grad_() for k, v in context.learned.items()}
        self.y, self.rows = context.y[m], context.others.rows[m]
        self.fs, self.gs = _run(self.tensors, context.x[m])
        self.ft, self.gt = _run(self.tensors, context.others.x[m])

    def view(self, noise, hidden, stream):
        return _run(self.tensors, changed(self.context, noise, hidden, stream)[self.m])

    def dense(self, name, x):
        return x @ self.learned[f"{name}.weight"].T + self.learned[f"{name}.bias"]

    def critic(self, x):
        return self.dense("critic_1", self.dense("critic_0", x).relu())[:, 0]

    def told_apart(self, first, second, weights=None):
        """Binary cross-entropy of the critic's probability: source 1, target 0; a side's weights sum to n."""
        d = torch.cat([self.critic(first), self.critic(second)]).sigmoid()
        side = torch.cat([torch.ones(len(first)), torch.zeros(len(second))]).to(d)
        w = torch.ones_like(d) if weights is None else weights
        return torch.nn.functional.binary_cross_entropy(d, side, w)


def _kernels(z):
    """Mean of five Gaussian kernels of all pairs of rows, pair by pair."""
    n = len(z)
    squares = {(i, j): ((z[i] - z[j]) ** 2).sum() for i, j in itertools.product(range(n), repeat=2)}
    median = torch.stack([squares[i, j].detach() for i, j in itertools.combinations(range(n), 2)]).median()
    return [
        [sum(torch.exp(-squares[i, j] / (b * median)) for b in (0.25, 0.5, 1, 2, 4)) / 5 for j in range(n)]
        for i in range(n)
    ]


def _biased(kernel, n):
    total = 0.0
    for i, j in itertools.product(range(2 * n), repeat=2):
        total = total + kernel(i, j) * (1 if (i < n) == (j < n) else -1) / n**2
    return total


def _dan(s):
    k = _kernels(torch.cat([s.fs, s.ft]))
    return s.o["strength"] * _biased(lambda i, j: k[i][j], N), 0


def _jan(s):
    k, l = _kernels(torch.cat([s.fs, s.ft])), _kernels(softmax(torch.cat([s.gs, s.gt]), 1))  # noqa: E741
    return s.o["strength"] * _biased(lambda i, j: k[i][j] * l[i][j], N), 0


def _deep_coral(s):
    first, second = torch.cov(s.fs.T), torch.cov(s.ft.T)
    return s.o["strength"] * ((first - second) ** 2).sum() / (4 * WIDTH**2), 0


def _afn(s):
    total = 0.0
    for f in (s.fs, s.ft):
        radius = f.norm(p=2, dim=1).detach() + s.o["step"]
        total = total + ((f.norm(p=2, dim=1) - radius) ** 2).mean()
    return s.o["strength"] * total, 0


def _dann(s):
    return 0, s.told_apart(s.fs, s.ft)


def _cdan(s):
    maps, weights = [], []
    for f, g in ((s.fs, s.gs), (s.ft, s.gt)):
        p = softmax(g, 1).detach()
        maps.append(torch.stack([torch.outer(a, b).flatten() for a, b in zip(f, p, strict=True)]))
        w = 1 + torch.exp((p * p.log()).sum(1))
        weights.append(N * w / w.sum())
    return 0, s.told_apart(*maps, torch.cat(weights))


def _bsp(s):
    largest = [torch.linalg.matrix_norm(f, 2) ** 2 for f in (s.fs, s.ft)]
    return s.o["shrinkage"] * sum(largest), s.told_apart(s.fs, s.ft)


def _wdgrl(s):
    share = torch.rand(N, 1, generator=torch.Generator().manual_seed(s.context.seeds[s.m])).to(s.fs)
    between = (share * s.fs + (1 - share) * s.ft).detach()
    first, second = s.learned["critic_0.weight"], s.learned["critic_1.weight"]
    on = (s.dense("critic_0", between) > 0).to(first)
    slope = (on * second) @ first
    return (
        s.o["gradient_weight"] * ((slope.norm(dim=1) - 1) ** 2).mean(),
        -(s.critic(s.fs).mean() - s.critic(s.ft).mean()),
    )


def _mdd(s):
    ours, theirs = s.dense("second", s.fs), s.dense("second", s.ft)
    first = cross_entropy(ours, s.gs.argmax(1))
    second = nll_loss(torch.log(1 - softmax(theirs, 1)), s.gt.argmax(1))
    return 0, s.o["margin"] * first + second


def _mcd(s):
    agreed = sum(cross_entropy(s.dense(name, s.fs), s.y) for name in ("second", "third"))
    apart = (softmax(s.dense("second", s.ft), 1) - softmax(s.dense("third", s.ft), 1)).abs().mean()
    return agreed, -apart


def _mcc(s):
    p = softmax(s.gt / s.o["temperature"], 1)
    weight = 1 + torch.exp((p * p.log()).sum(1).detach())
    weight = N * weight / weight.sum()
    confusion = (p * weight[:, None]).T @ p
    confusion = confusion / confusion.sum(1, keepdim=True)
    return s.o["strength"] * (confusion.sum() - confusion.trace()) / CLASSES, 0


def _pi_model(s):
    first, second = (softmax(s.view(s.o["noise"], s.o["hidden"], i)[1], 1) for i in (1, 2))
    return s.o["strength"] * warming(PROGRESS, s.o["warm"]) * mse_loss(first, second), 0


def _averaged(s):
    """Answers of weights averaged for the first time: the weights as they are, without gradient."""
    return softmax(s.view(s.o["noise"], s.o["hidden"], 2)[1], 1).detach()


def _mean_teacher(s):
    own = softmax(s.view(s.o["noise"], s.o["hidden"], 1)[1], 1)
    return s.o["strength"] * warming(PROGRESS, s.o["warm"]) * mse_loss(own, _averaged(s)), 0


def _self_ensemble(s):
    own, said = softmax(s.view(s.o["noise"], s.o["hidden"], 1)[1], 1), _averaged(s)
    sure = (said.max(1).values >= s.o["confidence"]).to(own)
    assert 0 < sure.sum() < N
    even = -torch.log(own.mean(0)).mean()
    return s.o["strength"] * ((sure * ((own - said) ** 2).mean(1)).mean() + s.o["balance"] * even), 0


def _pseudo(s, threshold):
    weak = softmax(s.view(s.o["noise"], 0.0, 1)[1].detach(), 1)
    chance, said = weak.max(1)
    strong = s.view(3 * s.o["noise"], s.o["hidden"], 2)
    return said, (chance >= threshold(said)).to(weak), strong


def _fixmatch(s):
    said, keep, (_, strong) = _pseudo(s, lambda said: s.o["confidence"])
    assert 0 < keep.sum() < N
    return s.o["strength"] * (keep * cross_entropy(strong, said, reduction="none")).mean(), 0


def _flexmatch(s):
    """The first update: nothing is assigned, so that every class has the threshold 0."""
    said, keep, (_, strong) = _pseudo(s, lambda said: torch.zeros(N))
    assert keep.all()
    return s.o["strength"] * cross_entropy(strong, said), 0


def _uda(s):
    logits = s.gt.detach()
    wanted = softmax(logits / s.o["temperature"], 1)
    sure = (softmax(logits, 1).max(1).values >= s.o["confidence"]).to(wanted)
    assert 0 < sure.sum() < N
    view = log_softmax(s.view(s.o["noise"], s.o["hidden"], 3)[1], 1)
    return s.o["strength"] * (sure * kl_div(view, wanted, reduction="none").sum(1)).mean(), 0


def _dst(s):
    said, keep, (features, _) = _pseudo(s, lambda said: s.o["confidence"])
    assert 0 < keep.sum() < N
    taught = (keep * cross_entropy(s.dense("second", features), said, reduction="none")).mean()
    first = s.o["agreement"] * cross_entropy(s.dense("third", s.fs), s.y)
    wrong = torch.log(1 - softmax(s.dense("third", features), 1))
    return s.o["strength"] * taught, first + (keep * nll_loss(wrong, said, reduction="none")).mean()


def _contrast(queries, keys, alike, temperature):
    """For every query the mean over its own keys of minus their log share; one without keys counts not."""
    terms = []
    for i, q in enumerate(queries):
        shares = log_softmax(torch.stack([q @ k for k in keys]) / temperature, 0)
        own = [j for j in range(len(keys)) if alike(i, j)]
        if own:
            terms.append(-torch.stack([shares[j] for j in own]).mean())
    return torch.stack(terms).mean()


def _self_tuning(s):
    groups = torch.cat([s.y, s.gt.argmax(1)])
    query = normalize(s.dense("projection", torch.cat([s.fs, s.ft])), dim=1)
    return s.o["strength"] * _contrast(
        query, query.detach(), lambda i, j: groups[i] == groups[j], s.o["temperature"]
    ), 0


def _bi_tuning(s):
    query = normalize(s.dense("projection", s.fs), dim=1)
    first = _contrast(query, query.detach(), lambda i, j: s.y[i] == s.y[j], s.o["temperature"])
    prototypes, windows = normalize(s.learned["prototypes"], dim=1), normalize(s.fs, dim=1)
    second = _contrast(prototypes, windows, lambda i, j: s.y[j] == i, s.o["temperature"])
    return s.o["strength"] * (first + second), 0


def _adda(s):
    """The second half: the classifier's own loss is taken back and the network copied stands still."""
    return -cross_entropy(s.gs, s.y), s.told_apart(s.fs.detach(), s.ft)


ORACLES = {
    "dan": _dan, "jan": _jan, "deep_coral": _deep_coral, "afn": _afn, "dann": _dann, "cdan": _cdan,
    "bsp": _bsp, "wdgrl": _wdgrl, "mdd": _mdd, "mcd": _mcd, "mcc": _mcc, "pi_model": _pi_model,
    "mean_teacher": _mean_teacher, "self_ensemble": _self_ensemble, "fixmatch": _fixmatch,
    "flexmatch": _flexmatch, "uda": _uda, "dst": _dst, "self_tuning": _self_tuning,
    "bi_tuning": _bi_tuning, "adda": _adda,
}  # fmt: skip


def _referring(drawn):
    """A context with a reference network that takes the windows, and whose head has four classes."""
    base = _context("dan", drawn)
    rng = np.random.default_rng(7)
    theirs, head = torch.tensor(rng.normal(size=(2, N, WIDTH))), torch.tensor(rng.normal(size=(2, 4, WIDTH)))
    shares = torch.tensor(rng.dirichlet(np.ones(4), size=(2, CLASSES)))
    reference = {"attention": torch.tensor(rng.uniform(size=(2, WIDTH))), "head_weight": head,
                 "head_bias": torch.tensor(rng.normal(size=(2, 4))), "relationship": shares}  # fmt: skip
    said = theirs @ head.transpose(1, 2) + reference["head_bias"].unsqueeze(1)
    return replace(base, reference=reference, reference_outputs=lambda: (theirs, said)), theirs, said


def _asked(context, m):
    """What the reference's head says of the features that are trained."""
    r = context.reference
    return context.features[m] @ r["head_weight"][m].T + r["head_bias"][m]


@pytest.mark.parametrize("name", ["bss", "delta", "lwf", "co_tuning"])
def test_terms_of_fine_tuning_are_those_of_the_formula(name, drawn):
    context, theirs, said = _referring(drawn)
    found = PENALTIES[name].function(context, strength=0.3)
    for m in range(2):
        f = context.features[m]
        if name == "bss":
            expected = torch.linalg.eigvalsh(f.T @ f).min()
        elif name == "delta":
            expected = ((f - theirs[m]) ** 2 @ context.reference["attention"][m]).mean()
        elif name == "lwf":
            wanted = softmax(said[m] / 2, 1)
            expected = kl_div(log_softmax(_asked(context, m) / 2, 1), wanted, reduction="batchmean")
            expected = expected - (wanted * wanted.log()).sum(1).mean()
        else:
            wanted = context.reference["relationship"][m][context.y[m]]
            expected = cross_entropy(_asked(context, m), wanted)
        assert found[m].item() == pytest.approx(0.3 * expected.item(), rel=1e-9)


def test_averaged_weights_are_the_mean_until_the_exponential_average_forgets_faster(drawn):
    context, seen, expected = _context("mean_teacher", drawn), [], None
    for i in range(1, 8):
        now = {name: value.detach() + i for name, value in context.tensors.items()}
        seen.append(now["a"])
        found = average_weights(replace(context, tensors=now), keep=0.75)["a"]
        expected = now["a"] if expected is None else 0.75 * expected + 0.25 * now["a"]
        if i <= 4:
            expected = torch.stack(seen).mean(0)
        torch.testing.assert_close(found, expected)


def test_every_term_that_adapts_has_an_oracle():
    assert set(ORACLES) == {name for name, e in PENALTIES.items() if e.facts["person"]} | {"bi_tuning"}


@pytest.mark.parametrize("name", ORACLES)
def test_values_and_gradients_are_those_of_the_formula(name, drawn):
    context, options = _context(name, drawn), _options(name)
    if name == "adda":
        options["first"] = 0.0
    strength = HOW * options.get("strength", 1.0)
    if name == "adda":
        strength = options["strength"]
    found = PENALTIES[name].function(context, **options)
    found.sum().backward()
    for m in range(2):
        own = _One(context, m, options)
        plain, played = ORACLES[name](own)
        assert found[m].item() == pytest.approx(torch.as_tensor(plain + played).item(), rel=1e-9)
        parts = {}
        for part, term in (("plain", plain), ("played", played)):
            leaves = [*own.tensors.values(), *own.learned.values()]
            asked = isinstance(term, torch.Tensor)
            gradients = (
                torch.autograd.grad(term, leaves, retain_graph=True, allow_unused=True) if asked else []
            )
            parts[part] = [torch.zeros_like(x) if g is None else g for x, g in itertools.zip_longest(
                leaves, gradients)]  # fmt: skip
        for k, value in enumerate((*context.tensors.values(), *context.learned.values())):
            sign = -strength if k < 2 else 1.0
            expected = parts["plain"][k] + sign * parts["played"][k]
            given = torch.zeros_like(expected) if value.grad is None else value.grad[m]
            torch.testing.assert_close(given, expected, rtol=1e-6, atol=1e-9)


def test_the_biased_discrepancy_is_tllibs_with_the_diagonal_in_it(drawn):
    """TLlib leaves every window's pair with itself out; with it in, the same index matrix gives ours."""
    context = _context("dan", drawn)
    found = PENALTIES["dan"].function(context, strength=1.0)
    one = _One(context, 0, {})
    k = torch.tensor([[v.item() for v in row] for row in _kernels(torch.cat([one.fs, one.ft]))])
    index = torch.zeros(2 * N, 2 * N)
    index[:N, :N] = index[N:, N:] = 1 / (N * (N - 1))
    index[:N, N:] = index[N:, :N] = -1 / N**2
    index.fill_diagonal_(0)
    theirs = (k * index).sum()
    within = (k * index.clamp_min(0)).sum()
    assert found[0].item() == pytest.approx((theirs - within / N + 2 / N).item(), rel=1e-5)


def test_thresholds_of_flexmatch_are_those_of_the_paper_after_some_updates(drawn):
    """Counts of all windows of the pool, those of no class among them: equations 5, 7, 9 and 11."""
    context, options = _context("flexmatch", drawn), _options("flexmatch")
    assigned = [[CLASSES] * POOL for _ in range(2)]
    for _ in range(3):
        found = PENALTIES["flexmatch"].function(context, **options)
        for m in range(2):
            one = _One(context, m, options)
            counts = [assigned[m].count(c) for c in range(CLASSES + 1)]
            share = [counts[c] / max(counts) for c in range(CLASSES)]
            threshold = torch.tensor([options["confidence"] * b / (2 - b) for b in share])
            said, keep, (_, strong) = _pseudo(one, lambda said, t=threshold: t[said])
            expected = options["strength"] * (keep * cross_entropy(strong, said, reduction="none")).mean()
            assert found[m].item() == pytest.approx(expected.item(), rel=1e-9)
            _, sure, _ = _pseudo(one, lambda said: options["confidence"])
            for row, label, yes in zip(one.rows.tolist(), said.tolist(), sure.tolist(), strict=True):
                if yes:
                    assigned[m][row] = label
    assert any(label < CLASSES for label in assigned[0])
