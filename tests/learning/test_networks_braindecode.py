"""One suite over every model of braindecode that the catalog offers, on windows of both modalities."""

import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import NETWORKS, PARTS, build_network, initial_tensors
from biotransfer.learning.networks.foreign import MODELS, REFUSED
from biotransfer.learning.networks.foreign_modules import inspect_model
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.networks.tensors import load_tensors, module_tensors, set_training
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.compiled_maps import can_map
from biotransfer.learning.training.running import choose_engine, train
from biotransfer.learning.weights import Weights, is_statistic
from biotransfer.signals.splits import Split
from biotransfer.signals.windows.braindecode import load_braindecode
from biotransfer.transfer.carry import make_arms
from tests.builders import make_windows

PLACES = ("TP9", "AF7", "AF8", "TP10", "FC5", "FC6", "CP5", "CP6")
# Fewer layers and units of the same kinds: what is proved does not depend on how many there are.
SMALLER = {
    "BENDR": {"transformer_layers": 1, "encoder_h": 64, "contextualizer_hidden": 128},
    "BrainModule": {"depth": 2, "hidden_dim": 32},
    "DeepSleepNet": {"bilstm_hidden_size": 32},
    "EEGInceptionMI": {"n_convs": 2, "n_filters": 8},
    "EEGPT": {"depth": 1, "embed_dim": 64},
    "Labram": {"num_layers": 1},
    "LUNA": {"depth": 1},
    "STEEGFormer": {"depth": 1, "embed_dim": 128},
}
ONE_RATE = {"SCCNet"}  # its second kernel lasts 0.1 s: 25 samples at 250 Hz do not fit 20 at 200 Hz
MODALITIES = ("eeg", "emg")


def size(name, modality):
    """n_chans, n_times, n_outputs, sfreq of one second as recorded, or of what the model asks for."""
    facts = MODELS[name][2]
    if modality == "eeg":
        at_200 = 250 % facts.get("n_times_multiple", 1) or name in ONE_RATE
        return (4, 200, 3, 200.0) if at_200 else (4, 250, 3, 250.0)
    return (8, 400, 4, 200.0) if facts.get("min_n_times", 0) > 200 else (8, 200, 4, 200.0)


@cache
def network(name, modality):
    n_chans, n_times, n_outputs, sfreq = size(name, modality)
    channels = list(PLACES) if MODELS[name][2].get("needs_channels") else None
    spec = {"name": name, "channels": channels, "options": SMALLER.get(name)}
    return build_network(spec, (n_chans, n_times), n_outputs, sfreq=sfreq)


@cache
def drawn(name, modality, seed=0, stream="target"):
    return initial_tensors(network(name, modality), seed, stream=stream)


@cache
def built(name, modality):
    return build_module(network(name, modality))


def module_of(name, modality):
    """The one module of a model, as it starts."""
    module = built(name, modality)
    load_tensors(module, drawn(name, modality))
    module.zero_grad(set_to_none=True)
    return module


def signals(net, n=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, *net.input_shape)).astype(np.float32)


EVERY = [(name, modality) for name in MODELS for modality in MODALITIES]


def test_every_model_of_the_installed_braindecode_is_offered_or_refused_with_a_reason():
    load_braindecode("braindecode.models")
    from braindecode.models.util import models_dict

    assert set(MODELS) | set(REFUSED) == set(models_dict)
    assert not set(MODELS) & set(REFUSED)
    assert len([name for name in MODELS if size(name, "emg")[1] == 200 and size(name, "eeg")[1] == 250]) >= 25


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_model_says_why_and_could_not_be_built(name):
    with pytest.raises(BiotransferError, match=r"cannot be used here: (its?|between|in a|a window)\b"):
        build_network(name, (4, 250), 3, sfreq=250.0)
    if name == "CodeBrain":
        return
    for n_chans, n_times, n_outputs, sfreq in ((4, 250, 3, 250.0), (8, 200, 4, 200.0)):
        if name == "FBLightConvNet" and n_times == 250:
            continue
        with pytest.raises(BiotransferError, match=name):
            inspect_model(name, n_chans, n_times, n_outputs, sfreq, {}, None)


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_record_and_module_agree(name, modality):
    net = network(name, modality)
    tensors, module = drawn(name, modality), module_of(name, modality)
    assert {k: tuple(t.shape) for k, t in module_tensors(module).items()} == net.tensor_shapes
    assert list(tensors) == list(net.tensor_shapes)
    assert set(net.tensor_parts.values()) == set(PARTS)
    module.eval()
    x = torch.from_numpy(signals(net))
    with torch.no_grad():
        batch = module(x)
        single = torch.cat([module(x[i : i + 1]) for i in range(len(x))])
    assert batch.shape == (6, net.n_outputs)
    assert torch.allclose(single, batch, atol=1e-4)
    assert net.operations(3) == 3 * net.operations(1) > 0
    assert choose_engine(net) == NETWORKS[name].facts["engine"]
    assert can_map(net) == NETWORKS[name].facts["kernel"]


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_gradient_reaches_every_part_and_no_hidden_state_moves(name, modality):
    net = network(name, modality)
    module = module_of(name, modality)
    set_training(module, ())
    before = {k: v.clone() for k, v in module.state_dict().items()}
    torch.nn.functional.cross_entropy(
        module(torch.from_numpy(signals(net))), torch.arange(6) % net.n_outputs
    ).backward()
    reached = {
        net.tensor_parts[k] for k, p in module.named_parameters() if p.grad is not None and p.grad.any()
    }
    assert reached == {net.tensor_parts[k] for k in net.tensor_shapes if not is_statistic(k)}
    moved = {k for k, v in module.state_dict().items() if not torch.equal(v, before[k])}
    assert all(k in net.tensor_shapes or k.endswith("num_batches_tracked") for k in moved)


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_fresh_tensors_come_from_seed_and_stream_alone(name, modality):
    net = network(name, modality)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    again = initial_tensors(net, 0)
    assert torch.equal(torch.get_rng_state(), state)
    first, other = drawn(name, modality), drawn(name, modality, 1)
    assert all(np.array_equal(first[k], again[k]) for k in first)
    head = [k for k in first if net.tensor_parts[k] == "head"]
    assert any(not np.array_equal(first[k], other[k]) for k in head)
    source = drawn(name, modality, 0, "source")
    assert any(not np.array_equal(first[k], source[k]) for k in head)
    constants = [
        {
            k: v
            for k, v in module.state_dict().items()
            if k not in net.tensor_shapes and not k.endswith("num_batches_tracked")
        }
        for module in (built(name, modality), build_module(net))
    ]
    assert all(torch.equal(v, constants[1][k]) for k, v in constants[0].items())


def carry(name, arms, source="emg", target="eeg", seed=3):
    ours, theirs = network(name, target), drawn(name, source, seed, "source")
    # A shift of norm 0.01: the same shift of every value would multiply the signal layer by layer.
    weights = {k: (v + 0.01 / np.sqrt(v.size)).astype(np.float32) for k, v in theirs.items()}
    return weights, ours, make_arms(arms, {"supervised": Weights(weights)}, ours, seed)


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_weights_carry_with_a_complete_ledger(name, modality):
    other = "eeg" if modality == "emg" else "emg"
    weights, net, (scratch, transferred, redrawn) = carry(
        name, ["scratch", "transferred", "redrawn"], other, modality
    )
    assert [row.tensor for row in transferred.ledger] == list(net.tensor_shapes)
    assert any(row.action == "copied" and row.part == "body" for row in transferred.ledger)
    for row in transferred.ledger:
        value = transferred.tensors[row.tensor]
        if row.action == "copied":
            assert row.part != "head"
            assert np.array_equal(value, weights[row.tensor])
        else:
            assert np.array_equal(value, scratch.tensors[row.tensor])
            assert row.reason
    by_layer = {}
    for row in transferred.ledger:
        by_layer.setdefault(net.tensor_layers[row.tensor], set()).add(row.action)
    assert all(len(actions) == 1 for actions in by_layer.values())
    variances = [v for k, v in redrawn.tensors.items() if k.endswith("running_var")]
    assert all((v > 0).all() for v in variances)


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_what_is_frozen_stays_byte_identical_and_nothing_global_changes(name, modality):
    other = "eeg" if modality == "emg" else "emg"
    _, net, arms = carry(name, ["frozen_body"], other, modality)
    windows = make_windows(
        n_subjects=2,
        n_classes=net.n_outputs,
        n_recordings=1,
        n_windows=2,
        n_features=net.input_shape[0],
        n_times=net.input_shape[1],
    )
    split = Split("all", "subject", np.arange(8), np.arange(8, len(windows)))
    state = torch.get_rng_state()
    curves = train(net, arms, windows, split, Schedule(epochs=1, batch_size=4))
    assert torch.equal(torch.get_rng_state(), state)
    final = curves.tensors[0]
    assert set(final) == set(net.tensor_shapes)
    for row in arms[0].ledger:
        same = np.array_equal(final[row.tensor], arms[0].tensors[row.tensor])
        assert same or row.trained, row
    assert any(
        row.trained and not np.array_equal(final[row.tensor], arms[0].tensors[row.tensor])
        for row in arms[0].ledger
        if row.part == "head"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SMALLER))
def test_at_their_full_size_the_same_layers_are_stem_body_and_head(name):
    small = network(name, "eeg")
    channels = list(PLACES) if MODELS[name][2].get("needs_channels") else None
    spec = {"name": name, "channels": channels}
    full = build_network(spec, small.input_shape, small.n_outputs, sfreq=size(name, "eeg")[3])
    assert full.n_parameters > small.n_parameters
    assert set(full.tensor_parts.values()) == set(PARTS)
    shared = full.tensor_parts.items() & small.tensor_parts.items()
    assert len(shared) == len(full.tensor_parts.keys() & small.tensor_parts.keys())


def test_arms_of_one_seed_drop_the_same_units():
    windows = make_windows(n_subjects=2, n_features=4, n_times=250, n_windows=4)
    split = Split("all", "subject", np.arange(24), np.arange(24, 48))
    curves = {}
    for drop in (0.0, 0.5):
        net = build_network({"name": "EEGNet", "options": {"drop_prob": drop}}, (4, 250), 3, sfreq=250.0)
        scratch = make_arms(["scratch"], {}, net, 0)[0]
        curves[drop] = train(net, [scratch, scratch], windows, split, Schedule(epochs=2, batch_size=8))
    for c in curves.values():
        assert np.array_equal(c.loss[0], c.loss[1])
    assert not np.array_equal(curves[0.0].loss, curves[0.5].loss)


def test_running_statistics_follow_the_data_unless_they_are_frozen():
    net = network("EEGNet", "eeg")
    windows = make_windows(n_subjects=2, n_features=4, n_times=250, n_windows=4)
    split = Split("all", "subject", np.arange(24), np.arange(24, 48))
    arms = make_arms(["scratch", "frozen_body"], {"supervised": Weights(initial_tensors(net, 9))}, net, 0)
    curves = train(net, arms, windows, split, Schedule(epochs=1, batch_size=8))
    name = "bnorm_temporal.running_var"
    assert not np.array_equal(curves.tensors[0][name], arms[0].tensors[name])
    assert np.array_equal(curves.tensors[1][name], arms[1].tensors[name])


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ({"name": "EEGNet", "options": {"drop_prop": 0.1}}, (4, 250), "Did you mean 'drop_prob'"),
        ({"name": "EEGNet", "options": {"n_chans": 3}}, (4, 250), "no option 'n_chans'"),
        ("EEGNet", (64,), "takes signals"),
        ("CBraMod", (4, 250), "multiple of 200 samples"),
        ("SSTDPN", (4, 200), "250 samples or more"),
        ("Labram", (4, 200), "knows electrodes by their place"),
        ({"name": "Labram", "channels": ["TP9"]}, (4, 200), "names 1 electrodes for 4 channels"),
        ({"name": "Labram", "channels": ["TP9", "X", "AF8", "TP10"]}, (4, 200), "X has no place"),
        ("EEGNet", (4, 3), "does not take windows of 4 channels x 3 samples"),
    ],
)
def test_requests_that_cannot_be_met(spec, shape, message):
    with pytest.raises(BiotransferError, match=message):
        build_network(spec, shape, 3, sfreq=200.0)


def test_the_sampling_rate_has_to_be_given():
    with pytest.raises(BiotransferError, match="needs the sampling rate"):
        build_network("EEGNet", (4, 250), 3)


def test_listing_the_catalog_loads_neither_torch_nor_braindecode():
    code = (
        "import sys; from biotransfer.learning.networks import NETWORKS; "
        "[entry.parameters for entry in NETWORKS.values()]; "
        "print({m.split('.')[0] for m in sys.modules} & {'torch', 'braindecode', 'torchaudio'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("broken", [True, False])
def test_a_stand_in_replaces_torchaudios_extension_only_after_it_failed(broken, tmp_path):
    package = tmp_path / "torchaudio"
    package.mkdir()
    (package / "__init__.py").write_text("from torchaudio import _extension\n")
    (package / "_extension.py").write_text("raise OSError('no cuda')\n" if broken else "REAL = True\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
        "from biotransfer.signals.windows.braindecode import load_braindecode; "
        "load_braindecode('torchaudio'); "
        "e = sys.modules['torchaudio._extension']; print(hasattr(e, 'REAL'), hasattr(e, 'fail_if_no_align'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == (["False", "True"] if broken else ["True", "False"])


def test_a_missing_library_is_named_with_the_command_that_installs_it():
    with pytest.raises(BiotransferError, match=r"pip install 'biotransfer\[braindecode\]'"):
        load_braindecode("braindecode.no_such_module")


def test_every_entry_names_a_source():
    assert all(entry.source.startswith(MODELS[name][1]) for name, entry in NETWORKS.items() if name in MODELS)
