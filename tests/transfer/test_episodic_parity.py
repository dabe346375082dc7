"""One update of each way to pretrain over people, beside its paper's formula written person by person."""

import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn.functional import cross_entropy, log_softmax

from biotransfer.learning.networks import build_network
from biotransfer.learning.networks.drawing import initial_tensors
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.training import Schedule
from biotransfer.transfer.pretrain import METHODS, problem
from biotransfer.transfer.pretrain.held_out import hold_out_people
from biotransfer.transfer.pretrain.problem import PretrainProblem, n_features, trunk
from biotransfer.transfer.pretrain.styles import cut_behind_maps, draw_mix, mix_statistics
from tests.builders import make_windows

BATCH = 24


class _Case:
    """A problem of one model and one update, and what an oracle needs of it."""

    def __init__(self):
        windows = make_windows(n_subjects=5, n_recordings=2, n_windows=6, n_features=7)
        split = hold_out_people(windows)
        network = build_network({"name": "mlp", "hidden": [5, 4]}, windows.shape, 3)
        schedule = Schedule(epochs=1, batch_size=BATCH, weight_decay=0.0)
        self.problem = PretrainProblem(
            network, (windows,), split.train, split.test, split.uid, (2,), schedule, dtype="float64"
        )
        self.module = build_module(network)
        self.body = build_module(trunk(network))
        self.start = {k: v[0].detach() for k, v in self.problem.draw(network).items()}
        self.X, self.y = map(self.problem.to_torch, self.problem.pooled())
        self.groups = self.problem.people(2)
        assert n_features(network) == 4

    def rows(self, stream, people, n_windows):
        return self.problem.draw_people(self.problem.draws(stream), self.groups, people, n_windows)[1][0]

    def say(self, tensors, rows):
        return functional_call(self.module, tensors, self.X[rows])

    def features(self, tensors, rows):
        own = {k: v for k, v in tensors.items() if k in dict(self.body.named_parameters())}
        return functional_call(self.body, own, self.X[rows]).flatten(1)


@pytest.fixture
def case(monkeypatch):
    """Every update is the gradient itself; each epoch has one."""
    monkeypatch.setattr(problem, "adamw", lambda _, tensors: torch.optim.SGD(list(tensors.values()), lr=1.0))
    monkeypatch.setattr(PretrainProblem, "n_updates", 1)
    return _Case()


def _moved(case, method, **options):
    learned = METHODS[method].function(case.problem, **options)
    return learned.loss[0, 0], {k: case.start[k].numpy() - v for k, v in learned.tensors[0].items()}


def _compare(case, found, oracle):
    loss, moved = found
    tensors = {k: v.clone().requires_grad_() for k, v in case.start.items()}
    expected = oracle(tensors)
    assert loss == pytest.approx(expected.item(), rel=1e-7)
    gradients = torch.autograd.grad(expected, list(tensors.values()), allow_unused=True)
    for value, gradient in zip(moved.values(), gradients, strict=True):
        np.testing.assert_allclose(value, 0 if gradient is None else gradient.numpy(), atol=2e-7)


def test_maml_is_the_slope_of_the_loss_after_a_step(case):
    """Against finite differences: the loss on a person's other windows as a function of the start."""
    loss, moved = _moved(case, "maml", inner_steps=1, inner_rate=0.3, people=3)
    rows = case.rows(38, 3, 16)

    def outer(start):
        total = 0.0
        for person in rows:
            tensors = {k: v.clone().requires_grad_() for k, v in start.items()}
            inner = cross_entropy(case.say(tensors, person[:8]), case.y[person[:8]])
            step = torch.autograd.grad(inner, list(tensors.values()))
            after = {k: v.detach() - 0.3 * g for (k, v), g in zip(tensors.items(), step, strict=True)}
            total += cross_entropy(case.say(after, person[8:]), case.y[person[8:]]).item() / 3
        return total

    assert loss == pytest.approx(outer(case.start), rel=1e-9)
    draw = torch.Generator().manual_seed(1)
    for name, value in case.start.items():
        towards = torch.randn(value.shape, generator=draw, dtype=torch.float64)
        ends = [outer({**case.start, name: value + sign * 1e-5 * towards}) for sign in (1, -1)]
        slope = float((moved[name] * towards.numpy()).sum())
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=2e-4, abs=2e-6), name


def test_protonet_is_the_distance_to_the_means_of_a_persons_classes(case):
    rows = case.rows(39, 3, 8)

    def oracle(tensors):
        total = []
        for person in rows:
            known, asked = person[:4], person[4:]
            means = {
                int(c): case.features(tensors, known[case.y[known] == c]).mean(0)
                for c in case.y[known].unique()
            }
            chances = []
            for window in asked:
                label = int(case.y[window])
                if label in means:
                    f = case.features(tensors, window[None])[0]
                    distances = torch.stack([-((f - mean) ** 2).sum() for mean in means.values()])
                    chances.append(-log_softmax(distances, 0)[list(means).index(label)])
            total.append(torch.stack(chances).mean())
        everything = rows.flatten()
        plain = cross_entropy(case.say(tensors, everything), case.y[everything])
        return torch.stack(total).mean() + 0.7 * plain

    _compare(case, _moved(case, "protonet", people=3, head=0.7), oracle)


def test_ccsa_is_the_contrast_of_every_pair_of_windows(case):
    first, second = case.rows(40, 2, BATCH // 2)

    def oracle(tensors):
        near, far = [], []
        for i in first:
            for j in second:
                apart = (case.features(tensors, i[None]) - case.features(tensors, j[None])).norm()
                if case.y[i] == case.y[j]:
                    near.append(0.5 * apart**2)
                else:
                    far.append(0.5 * torch.clamp(1.5 - apart, min=0) ** 2)
        both = torch.cat([first, second])
        plain = cross_entropy(case.say(tensors, both), case.y[both])
        return 0.6 * plain + 0.4 * (torch.stack(near).mean() + torch.stack(far).mean())

    _compare(case, _moved(case, "ccsa", weight=0.4, margin=1.5), oracle)


def test_group_dro_weighs_people_by_the_exponential_of_their_loss(case):
    rows = case.rows(41, 3, 8)

    def oracle(tensors):
        each = torch.stack([cross_entropy(case.say(tensors, person), case.y[person]) for person in rows])
        weights = torch.softmax(0.8 * each.detach(), 0)
        return (weights * each).sum()

    _compare(case, _moved(case, "group_dro", step=0.8, people=3), oracle)


def test_mixed_maps_have_statistics_between_those_of_two_windows():
    """Zhou's equations window by window and map by map; where nothing is mixed maps stay as they are."""
    draw = torch.Generator().manual_seed(4)
    maps = torch.randn(2, 6, 3, 9, dtype=torch.float64, generator=draw) * 2 + 1
    partners = torch.stack([torch.randperm(6, generator=draw) for _ in range(2)])
    own = torch.rand(2, 6, dtype=torch.float64, generator=draw)
    found = mix_statistics(maps, partners, own)
    for m in range(2):
        for i in range(6):
            for c in range(3):
                x, other, lam = maps[m, i, c], maps[m, partners[m, i], c], own[m, i]
                mean, spread = x.mean(), x.std()
                beta = lam * mean + (1 - lam) * other.mean()
                gamma = lam * spread + (1 - lam) * other.std()
                expected = gamma * (x - mean) / spread + beta
                torch.testing.assert_close(found[m, i, c], expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(mix_statistics(maps, partners, torch.ones_like(own)), maps)


def test_a_mix_is_of_the_other_person_and_as_often_as_asked():
    rng = np.random.default_rng(0)
    drawn = [draw_mix(rng, 5, 0.5, 0.1) for _ in range(400)]
    for partners, _ in drawn:
        assert sorted(partners[:5]) == [5, 6, 7, 8, 9]
        assert sorted(partners[5:]) == [0, 1, 2, 3, 4]
    shares = np.array([own for _, own in drawn])
    mixed = ~(shares == 1).all(axis=1)
    assert 0.42 < mixed.mean() < 0.58
    assert abs(shares[mixed].mean() - 0.5) < 0.03
    assert shares[mixed].var() == pytest.approx(1 / (4 * 1.2), abs=0.02)  # of a beta(0.1, 0.1)


def test_a_network_in_parts_is_the_network():
    windows = make_windows(n_features=2, n_times=16)
    network = build_network(
        {"name": "cnn_signal", "filters": [4, 4, 4], "kernel": 3, "pool": 2}, windows.shape, 3
    )
    parts = cut_behind_maps(network, 5)
    assert len(parts) == 3
    tensors = {k: torch.from_numpy(v)[None] for k, v in initial_tensors(network, 0).items()}
    x = torch.from_numpy(windows.X[:5])[None]
    whole, out = problem.Stack(network)(tensors, x), x
    for part in parts:
        out = problem.Stack(part)(tensors, out)
    torch.testing.assert_close(out, whole)
