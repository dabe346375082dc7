"""Every pretraining method on every kind of network; their losses against closed forms and other packages."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.losses import (
    coral_distance,
    cross_entropy,
    mmd_distance,
    nt_xent,
    reverse_gradient,
)
from biotransfer.transfer.carry import make_arms
from biotransfer.transfer.pretrain import METHODS
from biotransfer.transfer.pretrain.held_out import hold_out_people
from biotransfer.transfer.pretrain.meta import InnerAdam, InnerDescent, fomaml, gradients_of, reptile
from biotransfer.transfer.pretrain.problem import PretrainProblem, Stack
from biotransfer.transfer.pretrain.self_supervised import corrupt, decoder_of, distort, hide
from biotransfer.transfer.pretrain.training import pretrain
from tests.builders import make_windows

NETWORKS = {
    "mlp": {"name": "mlp", "hidden": [12, 8]},
    "cnn_image": {"name": "cnn_image", "filters": [4, 4], "hidden": 8},
    "cnn_signal": {"name": "cnn_signal", "filters": [4, 8], "kernel": 3, "pool": 2},
}
SCHEDULE = Schedule(epochs=4, batch_size=16, learning_rate=0.01)
FLAT = [method for method in METHODS if not METHODS[method].facts["maps"]]
"""Methods that a dense network can be asked for."""
CASES = [(method, network) for network in NETWORKS for method in (FLAT if network == "mlp" else METHODS)]


def _windows(network, seed=0, **changes):
    options = {"n_features": 4, "n_times": 16} if network == "cnn_signal" else {"n_features": 16}
    return make_windows(n_subjects=4, n_recordings=2, n_windows=6, seed=seed, **{**options, **changes})


def _learn(method, network, windows, seeds=(0,), **options):
    target = _windows(network, seed=5, n_classes=2) if METHODS_JOINT[method] else None
    return pretrain(
        [windows],
        hold_out_people(windows),
        NETWORKS[network],
        list(seeds),
        options.pop("schedule", SCHEDULE),
        method=method,
        target=options.pop("target", target),
        **options,
    )


METHODS_JOINT = {name: entry.facts["joint"] for name, entry in METHODS.items()}


@pytest.mark.parametrize(("method", "network"), CASES)
def test_a_method_leaves_its_windows_alone_and_repeats_itself(method, network):
    windows = _windows(network)
    digest = windows.digest()
    first, again = (_learn(method, network, windows)[0] for _ in range(2))
    assert windows.digest() == digest
    assert first.weights.digest() == again.weights.digest()
    assert first.weights.digest() != _learn(method, network, windows, seeds=[1])[0].weights.digest()
    assert np.array_equal(first.y_pred, again.y_pred)


@pytest.mark.parametrize(("method", "network"), CASES)
def test_weights_fit_the_network_and_an_arm_takes_stem_and_body(method, network):
    windows = _windows(network)
    weights = _learn(method, network, windows)[0].weights
    n_classes = 2 if METHODS_JOINT[method] else 3
    record = build_network(NETWORKS[network], windows.shape, n_classes)
    assert {k: v.shape for k, v in weights.tensors.items()} == record.tensor_shapes
    assert all(v.dtype == np.float32 and np.isfinite(v).all() for v in weights.tensors.values())
    assert weights.card["method"]["name"] == method
    assert weights.card["method"].items() >= METHODS[method].defaults.items()
    target = build_network(NETWORKS[network], windows.shape, 5)
    arm = make_arms(["transferred"], {"supervised": weights}, target, 0)[0]
    for row in arm.ledger:
        assert row.action == ("fresh" if row.part == "head" else "copied"), row


@pytest.mark.parametrize(("method", "network"), [case for case in CASES if case[0] != "reptile"])
def test_every_tensor_that_is_carried_was_trained(method, network):
    """Against a training that stands still; Reptile's rates are its own."""
    windows = _windows(network)
    still = _learn(method, network, windows, schedule=Schedule(epochs=1, batch_size=16, learning_rate=1e-12))
    moved = _learn(method, network, windows)
    for name, value in moved[0].weights.tensors.items():
        head = name.startswith("head")
        if head and not METHODS[method].facts["labels"]:
            assert np.array_equal(value, still[0].weights.tensors[name]), name
        else:
            assert not np.allclose(value, still[0].weights.tensors[name], atol=1e-6), name


@pytest.mark.parametrize(("method", "network"), CASES)
def test_people_kept_out_are_never_seen(method, network):
    windows = _windows(network)
    split = hold_out_people(windows)
    other = replace(windows, X=windows.X.copy(), y=windows.y.copy())
    other.X[split.test] = 1e6
    other.y[split.test] = 0
    seen, unseen = (_learn(method, network, w)[0].weights for w in (windows, other))
    assert seen.digest() == unseen.digest()


@pytest.mark.parametrize(("method", "network"), CASES)
def test_labels_are_read_by_those_that_say_so_only(method, network):
    windows = _windows(network)
    other = replace(windows, y=np.random.default_rng(0).permutation(windows.y))
    given, permuted = (_learn(method, network, w)[0].weights.digest() for w in (windows, other))
    assert (given != permuted) == METHODS[method].facts["labels"]


@pytest.mark.parametrize(("method", "network"), CASES)
def test_the_loss_falls_on_windows_with_structure(method, network):
    windows = _windows(network, signal=2.0)
    epochs = 30 if method == "reptile" else 12  # a round of it is five steps
    schedule = Schedule(epochs=epochs, batch_size=16, learning_rate=0.01)
    for item in _learn(method, network, windows, seeds=[0, 1], schedule=schedule):
        assert item.loss.shape == (epochs,)
        assert np.isfinite(item.loss).all()
        assert item.loss[-3:].mean() < item.loss[0]


@pytest.mark.parametrize(("method", "network"), CASES)
def test_seeds_together_are_seeds_alone(method, network):
    windows = _windows(network)
    schedule = Schedule(epochs=2, batch_size=16, learning_rate=0.01)
    options = {"dtype": "float64", "schedule": schedule}
    together = _learn(method, network, windows, seeds=[3, 4], **options)
    for i, seed in enumerate((3, 4)):
        alone = _learn(method, network, windows, seeds=[seed], **options)[0]
        looped = _learn(method, network, windows, seeds=[seed], engine="loop", **options)[0]
        for name, value in together[i].weights.tensors.items():
            for other in (alone, looped):
                np.testing.assert_allclose(value, other.weights.tensors[name], rtol=0, atol=2e-7)
        np.testing.assert_allclose(together[i].loss, alone.loss, rtol=1e-10)
        np.testing.assert_allclose(together[i].loss, looped.loss, rtol=1e-10)


@pytest.mark.parametrize("method", FLAT)
def test_windows_of_one_seed_each_equal_one_for_all(method):
    windows = _windows("mlp")
    target = _windows("mlp", seed=5) if METHODS_JOINT[method] else None
    split, spec = hold_out_people(windows), NETWORKS["mlp"]
    one = pretrain([windows], split, spec, [0, 1], SCHEDULE, method=method, target=target)
    each = pretrain([windows, windows], split, spec, [0, 1], SCHEDULE, method=method, target=target)
    for a, b in zip(one, each, strict=True):
        assert a.weights.digest() == b.weights.digest()


@pytest.mark.parametrize("method", FLAT)
def test_methods_that_know_strangers_say_so(method):
    windows = make_windows(n_subjects=8, n_recordings=4, n_windows=6, signal=1.5)
    target = make_windows(n_subjects=2, seed=3) if METHODS_JOINT[method] else None
    schedule = Schedule(epochs=15, batch_size=32, learning_rate=0.01)
    spec = {"name": "mlp", "hidden": [16, 8]}
    items = pretrain([windows], hold_out_people(windows), spec, [0], schedule, method=method, target=target)
    assert np.mean(items[0].y_pred == items[0].y_true) > 0.8
    assert items[0].weights.card["metrics"]["accuracy"] > 0.8


@pytest.mark.parametrize("method", [m for m in FLAT if METHODS[m].facts["people"] > 1])
def test_methods_over_people_refuse_a_single_one(method):
    windows = make_windows(n_subjects=1, n_recordings=4)
    with pytest.raises(BiotransferError, match="1 training people, this pretraining method needs 2"):
        pretrain([windows], hold_out_people(windows), "mlp", [0], SCHEDULE, method=method)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("reptil", "Did you mean 'reptile'"),
        ({"name": "reptile", "inner_step": 3}, "Did you mean 'inner_steps'"),
        ({"name": "reptile", "inner_steps": 0}, "1 to 1000"),
        ({"name": "fomaml", "inner_rate": 0.0}, "above 0"),
        ({"name": "masked", "share": 1.0}, "share between 0 and 1"),
        ({"name": "contrastive", "temperature": 0.0}, "above 0"),
        ({"name": "dann", "weight": -1.0}, "above 0"),
        ({"name": "mix_style", "alpha": 0.0}, "above 0"),
        ("mix_style", "a single number has no statistics. Use network: cnn_signal"),
        ("multi_task", "Pass target="),
    ],
)
def test_what_is_wrong_is_said(spec, message):
    windows = _windows("mlp")
    with pytest.raises(BiotransferError, match=message):
        pretrain([windows], hold_out_people(windows), NETWORKS["mlp"], [0], SCHEDULE, method=spec)


def test_multi_task_refuses_networks_without_a_common_body():
    windows, target = _windows("mlp"), _windows("mlp", seed=5)
    with pytest.raises(BiotransferError, match="has no body that both modalities share"):
        pretrain([windows], hold_out_people(windows), {"name": "mlp", "hidden": [8]}, [0], SCHEDULE,
                 method="multi_task", target=target)  # fmt: skip


def test_multi_task_shares_the_body_only():
    windows, target = _windows("mlp"), _windows("mlp", seed=5, n_features=9, n_classes=2)
    split = hold_out_people(windows)
    ours, theirs = (
        pretrain([windows], split, NETWORKS["mlp"], [0], SCHEDULE, target=target,
                 method={"name": "multi_task", "stem": stem})[0].weights
        for stem in ("target", "source")
    )  # fmt: skip
    assert ours.tensors["stem_0.weight"].shape == (12, 9)
    assert theirs.tensors["stem_0.weight"].shape == (12, 16)
    assert np.array_equal(ours.tensors["body_1.weight"], theirs.tensors["body_1.weight"])
    assert ours.card["classes"] == ["class0", "class1"]
    assert theirs.card["classes"] == ["class0", "class1", "class2"]


def _two_people(rng, n_models=3, n=20, d=5):
    return torch.tensor(rng.normal(size=(n_models, n, d))), torch.tensor(rng.normal(0.5, 2, (n_models, n, d)))


def test_nt_xent_is_the_double_loop():
    first, second = _two_people(np.random.default_rng(0), n=6)
    found = nt_xent(first, second, 0.3)
    for m in range(len(first)):
        z = torch.cat([first[m], second[m]]).numpy()
        z = z / np.linalg.norm(z, axis=1, keepdims=True)
        total = 0.0
        for i in range(12):
            others = [np.exp(z[i] @ z[k] / 0.3) for k in range(12) if k != i]
            total -= np.log(np.exp(z[i] @ z[(i + 6) % 12] / 0.3) / np.sum(others))
        assert float(found[m]) == pytest.approx(total / 12, rel=1e-12)


def test_coral_is_that_of_skada():
    deepcoral_loss = _skada_losses().deepcoral_loss
    first, second = _two_people(np.random.default_rng(1))
    expected = [float(deepcoral_loss(a, b)) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(coral_distance(first, second).numpy(), expected, rtol=1e-12)


def test_mmd_is_the_mean_of_scikit_learns_kernels():
    from sklearn.metrics.pairwise import rbf_kernel

    first, second = _two_people(np.random.default_rng(2))
    for m, found in enumerate(mmd_distance(first, second)):
        a, b = first[m].numpy(), second[m].numpy()
        z = np.concatenate([a, b])
        squared = ((z[:, None] - z[None]) ** 2).sum(-1)
        median = torch.tensor(squared[np.triu_indices(len(z), 1)]).median().item()
        expected = 0.0
        for width in (0.25, 0.5, 1, 2, 4):
            k = [rbf_kernel(p, q, gamma=1 / (width * median)).mean() for p, q in ((a, a), (b, b), (a, b))]
            expected += (k[0] + k[1] - 2 * k[2]) / 5
        assert float(found) == pytest.approx(expected, rel=1e-10)


def test_distances_are_zero_between_a_person_and_the_same_person():
    first, _ = _two_people(np.random.default_rng(3))
    assert torch.allclose(coral_distance(first, first), torch.zeros(3, dtype=torch.float64))
    assert torch.allclose(mmd_distance(first, first), torch.zeros(3, dtype=torch.float64), atol=1e-14)


def _skada_losses():
    import sklearn

    before = sklearn.get_config()
    from skada.deep import losses

    sklearn.set_config(**before)
    return losses


def test_the_reversed_gradient_is_that_of_skada():
    import sklearn

    before = sklearn.get_config()
    from skada.deep.modules import GradientReversalLayer

    sklearn.set_config(**before)
    x = torch.randn(4, 3, dtype=torch.float64)
    gradients = []
    for reverse in (reverse_gradient, GradientReversalLayer.apply, lambda v, _: v):
        leaf = x.clone().requires_grad_()
        out = reverse(leaf, 1.0)
        assert torch.equal(out, x)
        out.square().sum().backward()
        gradients.append(leaf.grad)
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], -gradients[2])
    leaf = x.clone().requires_grad_()
    reverse_gradient(leaf, 0.25).square().sum().backward()
    assert torch.allclose(leaf.grad, -0.25 * gradients[2])


def _linear_setting(windows, **changes):
    split = hold_out_people(windows)
    network = build_network({"name": "mlp", "hidden": [4]}, windows.shape, 3)
    schedule = changes.pop("schedule", Schedule(epochs=1, batch_size=10**6))
    return PretrainProblem(
        network, (windows,), split.train, split.test, split.uid, (0,), schedule, dtype="float64", **changes
    )


def test_reptile_with_one_step_is_joint_gradient_descent():
    """One person's step from theta ends at theta - a g_i; half way to their mean is theta - a/2 mean(g_i)."""
    windows = make_windows(n_subjects=4, n_recordings=2, n_windows=4)
    problem = _linear_setting(windows)
    n_people = len(problem.people(2))
    problem = replace(problem, schedule=Schedule(epochs=1, batch_size=24 * n_people))
    moved = reptile(
        problem, inner_steps=1, inner="sgd", inner_rate=0.1, meta_rate=0.5, people=n_people
    ).tensors[0]
    start = {k: v.detach() for k, v in problem.draw(problem.network).items()}
    rows = torch.from_numpy(problem.train)[None]
    X, y = problem.to_torch(windows.X), problem.to_torch(windows.y)
    _, joint = gradients_of(Stack(problem.network), start, X[rows], y[rows])
    for name, value in start.items():
        expected = (value - 0.5 * 0.1 * joint[name])[0].numpy()
        np.testing.assert_allclose(moved[name], expected, rtol=0, atol=1e-7)


def test_fomaml_is_the_gradient_at_the_adapted_weights():
    """By hand, for one linear layer: gradients of softmax regression are (p - onehot)' x / n."""
    rng = np.random.default_rng(0)
    W, x, q = rng.normal(size=(3, 5)), rng.normal(size=(8, 5)), rng.normal(size=(6, 5))
    y, yq = rng.integers(0, 3, 8), rng.integers(0, 3, 6)

    def by_hand(weight, inputs, labels):
        logits = inputs @ weight.T
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return (p - np.eye(3)[labels]).T @ inputs / len(inputs)

    class Linear:
        def __call__(self, tensors, inputs):
            return inputs @ tensors["w"].transpose(1, 2)

    tensors = {"w": torch.tensor(W)[None]}
    _, gradient = gradients_of(Linear(), tensors, torch.tensor(x)[None], torch.tensor(y)[None])
    adapted = InnerDescent(0.3).step(tensors, gradient)
    _, gradient = gradients_of(Linear(), adapted, torch.tensor(q)[None], torch.tensor(yq)[None])
    expected = by_hand(W - 0.3 * by_hand(W, x, y), q, yq)
    np.testing.assert_allclose(gradient["w"][0].numpy(), expected, rtol=1e-12)


def test_one_round_of_fomaml_follows_the_sign_of_that_gradient():
    """AdamW's first step is the rate times the sign: here the mean over people of the adapted gradients."""
    windows = make_windows(n_subjects=3, n_recordings=1, n_windows=4, n_features=5)
    problem = _linear_setting(windows, schedule=Schedule(epochs=1, batch_size=8, learning_rate=1e-3))
    problem = replace(problem, train=problem.train[:24])
    assert problem.n_updates == 3
    after = fomaml(problem, inner_steps=2, inner_rate=0.1, people=2).tensors[0]
    stack, draws = Stack(problem.network), problem.draws(33)
    _, rows = problem.draw_people(draws, problem.people(2), 2, 12)
    X, y = problem.to_torch(windows.X), problem.to_torch(windows.y)
    start = {k: v.detach() for k, v in problem.draw(problem.network).items()}
    mean = dict.fromkeys(start, 0.0)
    for person in range(2):
        tensors = start
        for step in range(3):
            batch = rows[:, person, 4 * step : 4 * step + 4]
            _, gradient = gradients_of(stack, tensors, X[batch], y[batch])
            tensors = {k: v - 0.1 * gradient[k] for k, v in tensors.items()}
        mean = {k: mean[k] + gradient[k][0] / 2 for k in start}
    for name, value in start.items():
        step = after[name] - value[0].numpy()
        known = np.abs(mean[name].numpy()) > 1e-4
        np.testing.assert_allclose(step[known], -1e-3 * np.sign(mean[name].numpy()[known]), atol=2e-6)


def test_the_steps_inside_a_task_are_those_of_torch():
    gradients = torch.randn(4, 1, 6, dtype=torch.float64)
    ours, theirs = torch.zeros(1, 6, dtype=torch.float64), torch.zeros(1, 6, dtype=torch.float64)
    optimizer, inner = torch.optim.Adam([theirs], lr=0.01, betas=(0.0, 0.999)), InnerAdam(0.01)
    for gradient in gradients:
        ours = inner.step({"w": ours}, {"w": gradient})["w"]
        theirs.grad = gradient.clone()
        optimizer.step()
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-14)


def test_cross_entropy_is_torchs():
    logits, y = torch.randn(2, 7, 3), torch.randint(0, 3, (2, 7))
    expected = [torch.nn.functional.cross_entropy(a, b) for a, b in zip(logits, y, strict=True)]
    assert torch.allclose(cross_entropy(logits, y), torch.stack(expected))


@pytest.mark.parametrize(("shape", "span", "expected"), [((20,), 0.1, 8), ((3, 40), 0.1, 16)])
def test_the_share_that_is_hidden(shape, span, expected):
    mask = hide(np.random.default_rng(0), 50, shape, 0.4, span)
    per_column = mask if mask.ndim == 2 else mask[:, 0]
    assert (per_column.sum(axis=1) == expected).all()
    assert (mask == (mask if mask.ndim == 2 else mask[:, :1])).all()
    assert 0.2 < per_column.mean(axis=0).min() <= per_column.mean(axis=0).max() < 0.6


def test_a_view_of_features_takes_values_from_other_windows_of_the_same_feature():
    rng = np.random.default_rng(0)
    x, others = rng.normal(size=(30, 10)), rng.normal(100, 1, (20, 10))
    view = corrupt(np.random.default_rng(1), x, others, 0.3, 0.0)
    changed = view != x
    assert (changed.sum(axis=1) == 3).all()
    for column in range(10):
        assert np.isin(view[changed[:, column], column], others[:, column]).all()


def test_a_view_of_a_signal_is_the_signal_shifted_scaled_and_partly_hidden():
    x = np.sin(np.arange(100) / 5) + np.zeros((4, 2, 1)) + 2.0
    view = distort(np.random.default_rng(0), x, x, 0.2, 0.0)
    hidden = (view == 0).all(axis=1)
    assert (hidden.sum(axis=1) == 20).all()
    for w in range(4):
        rotations = np.stack([np.roll(x[w, 0], s) for s in range(-20, 21)])
        kept = ~hidden[w]
        ratio = view[w, 0, kept] / rotations[:, kept]
        best = np.ptp(ratio, axis=1).argmin()
        assert np.ptp(ratio[best]) < 1e-9
        assert 0.8 <= ratio[best].mean() <= 1.2


def test_the_decoder_puts_every_sample_in_its_place():
    network = build_network({"name": "cnn_signal", "filters": [4, 6], "kernel": 3, "pool": 4}, (3, 22), 2)
    decoder = decoder_of(network)
    assert (decoder.patch, decoder.covered) == (4, 20)
    n_positions = 5
    channel, position, sample = np.ogrid[:3, :n_positions, :4]
    marks = (100 * channel + 4 * position + sample).transpose(0, 2, 1).reshape(1, 1, 12, n_positions)
    arranged = decoder.arrange(torch.from_numpy(marks))
    assert np.array_equal(arranged[0, 0].numpy(), 100 * np.arange(3)[:, None] + np.arange(20))
