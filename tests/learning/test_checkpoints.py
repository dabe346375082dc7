"""Foundation models' checkpoints: from a file, a folder or a hub, with a word on every tensor."""

import hashlib
import http.server
import json
import pickle
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from biotransfer.errors import BiotransferError
from biotransfer.learning import hub
from biotransfer.learning.networks import NETWORKS, build_network, initial_tensors, load_checkpoint
from biotransfer.learning.networks.checkpoints import fingerprint
from biotransfer.learning.networks.foreign_build import build_foreign
from biotransfer.learning.weights import Weights, card_lines, load_weights, save_weights
from biotransfer.transfer.carry import make_arms, resolve_arm

PLACES = ["TP9", "AF7", "AF8", "TP10"]
# Fewer layers of the same kinds; the checkpoints are of the same make, for more channels and longer windows.
SMALLER = {
    "BENDR": {"transformer_layers": 1, "encoder_h": 32, "contextualizer_hidden": 64, "transformer_heads": 4},
    "BIOT": {"num_layers": 1},
    "CBraMod": {"n_layer": 2},
    "EEGDINO": {},
    "EEGPT": {"depth": 1, "embed_dim": 64},
    "LUNA": {"depth": 1},
    "Labram": {"num_layers": 1},
    "STEEGFormer": {"depth": 1, "embed_dim": 64},
    "SignalJEPA_Contextual": {},
    "SignalJEPA_PostLocal": {},
    "SignalJEPA_PreLocal": {},
}
PRETRAINED = [name for name, entry in NETWORKS.items() if entry.facts["pretrained"]]


def network(name, n_chans=4, n_times=200, n_outputs=3):
    places = [*PLACES, "Fz", "Cz"][:n_chans] if NETWORKS[name].facts["needs_channels"] else None
    spec = {"name": name, "options": SMALLER.get(name), "channels": places}
    return build_network(spec, (n_chans, n_times), n_outputs, sfreq=200.0)


def published(name):
    """What a library would have saved after training on more channels and longer windows."""
    record = network(name, n_chans=6, n_times=400, n_outputs=5)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        module = build_foreign(record.build, record.input_shape, record.n_outputs)
    return record, {k: v + 0.01 if v.is_floating_point() else v for k, v in module.state_dict().items()}


def save(state, path):
    save_file({k: v.clone().contiguous() for k, v in state.items()}, path)
    return path


def test_every_foundation_model_of_the_catalog_is_tried():
    assert set(PRETRAINED) == set(SMALLER)


@pytest.mark.parametrize("name", PRETRAINED)
def test_a_checkpoint_says_of_every_tensor_what_became_of_it(name, tmp_path):
    theirs, state = published(name)
    ours = network(name)
    before = torch.get_rng_state()
    weights = load_checkpoint(ours, save(state, tmp_path / "model.safetensors"))
    assert torch.equal(torch.get_rng_state(), before)
    rows = {row["tensor"]: row for row in weights.card["ledger"]}
    assert [k for k in rows if rows[k]["action"] != "kept"] == list(ours.tensor_shapes)
    for key, shape in ours.tensor_shapes.items():
        row, mine = rows[key], state[key].numpy()
        assert row["reason"]
        if row["part"] == "head":
            assert row["action"] == "fresh"
        elif mine.shape == shape:
            assert row["action"] == "copied"
            assert np.array_equal(weights.tensors[key], mine)
        elif row["action"] == "adapted":
            assert "places in time" in row["reason"]
            inside = tuple(slice(0, n) for n in shape)
            assert np.array_equal(weights.tensors[key], mine[inside])
        else:
            assert row["action"] == "fresh"
            assert "in the checkpoint" in row["reason"]
        assert (key in weights.tensors) == (row["action"] in ("copied", "adapted"))
    assert any(row["part"] == "body" and row["action"] == "copied" for row in rows.values())
    assert {k for k, row in rows.items() if row["action"] == "adapted"} == (
        {"temporal_embedding"} if name == "Labram" else set()
    )
    arm, scratch = make_arms(["transferred", "scratch"], {"supervised": weights}, ours, 0)
    for row in arm.ledger:
        if row.action == "copied":
            assert np.array_equal(arm.tensors[row.tensor], weights.tensors[row.tensor])
            assert row.reason == rows[row.tensor]["reason"]
        else:
            assert np.array_equal(arm.tensors[row.tensor], scratch.tensors[row.tensor])
    assert all(theirs.tensor_parts[k] == ours.tensor_parts[k] for k in ours.tensor_shapes)


@pytest.mark.parametrize(
    ("change", "prefix"),
    [
        (lambda k: f"module.{k}", "-module."),
        (lambda k: f"model.backbone.{k}", "-model.backbone."),
        (lambda k: k.removeprefix("encoder."), "+encoder."),
        (lambda k: k, ""),
    ],
)
def test_a_prefix_is_found_and_said(change, prefix, tmp_path):
    _, state = published("BIOT")
    ours = network("BIOT")
    state = {k: v for k, v in state.items() if k.startswith("encoder.")}
    path = save({change(k): v for k, v in state.items()}, tmp_path / "a.safetensors")
    weights = load_checkpoint(ours, path)
    assert weights.card["checkpoint"]["prefix"] == prefix
    straight = load_checkpoint(ours, save(state, tmp_path / "b.safetensors"))
    assert weights.digest() == straight.digest()
    assert weights.card["ledger"] == straight.card["ledger"]


def test_a_prefix_can_be_given_and_a_wrong_one_is_refused(tmp_path):
    path = save({f"module.{k}": v for k, v in published("BIOT")[1].items()}, tmp_path / "a.safetensors")
    assert load_checkpoint(network("BIOT"), path, prefix="module.").tensors
    with pytest.raises(BiotransferError, match=r"none of the .* fits network 'BIOT' below its head"):
        load_checkpoint(network("BIOT"), path, prefix="encoder.")


def test_published_names_are_renamed_as_the_library_declares(tmp_path):
    ours = network("LUNA")
    _, state = published("LUNA")
    renamed = {
        k.replace("channel_location_embedder.", "channel_location_embedder.0."): v for k, v in state.items()
    }
    renamed["cross_attn.temparature"] = renamed.pop("cross_attn.temperature")
    weights = load_checkpoint(ours, save(renamed, tmp_path / "a.safetensors"))
    assert weights.digest() == load_checkpoint(ours, save(state, tmp_path / "b.safetensors")).digest()
    rows = {row["tensor"]: row for row in weights.card["ledger"]}
    assert rows["cross_attn.temperature"]["action"] == "kept"
    assert "differs by up to 0.01" in rows["cross_attn.temperature"]["reason"]


def test_what_nothing_asked_for_is_named(tmp_path):
    _, state = published("BIOT")
    path = save({**state, "decoder.weight": torch.ones(3)}, tmp_path / "a.safetensors")
    assert load_checkpoint(network("BIOT"), path).card["checkpoint"]["unused"] == ["decoder.weight"]


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".ckpt"])
@pytest.mark.parametrize("container", [None, "state_dict", "weights"])
def test_torch_files_are_read_for_their_numbers_alone(suffix, container, tmp_path):
    state = published("BIOT")[1]
    path = tmp_path / f"net{suffix}"
    torch.save(state if container is None else {"epoch": 3, container: state}, path)
    if container == "weights":
        with pytest.raises(BiotransferError, match=r"no tensors at its top: epoch, weights\. .*key="):
            load_checkpoint(network("BIOT"), path)
        weights = load_checkpoint(network("BIOT"), path, key="weights")
    else:
        weights = load_checkpoint(network("BIOT"), path)
    same = load_checkpoint(network("BIOT"), save(state, tmp_path / "net.safetensors"))
    assert weights.digest() == same.digest()


class Harmful:
    def __reduce__(self):
        return (pytest.fail, ("a checkpoint was executed",))


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"a": Harmful()}, path)
    with pytest.raises(BiotransferError, match="more than numbers"):
        load_checkpoint(network("BIOT"), path)
    path.write_bytes(pickle.dumps(3)[:2])
    with pytest.raises(BiotransferError, match="net"):
        load_checkpoint(network("BIOT"), path)


def test_where_a_checkpoint_is_looked_for(tmp_path):
    ours, state = network("BIOT"), published("BIOT")[1]
    with pytest.raises(BiotransferError, match="no file, folder or repository"):
        load_checkpoint(ours, tmp_path / "absent.pth")
    with pytest.raises(BiotransferError, match="no single checkpoint"):
        load_checkpoint(ours, tmp_path)
    for name in ("a.pth", "b.pth"):
        torch.save(state, tmp_path / name)
    with pytest.raises(BiotransferError, match=r"a\.pth, b\.pth"):
        load_checkpoint(ours, tmp_path)
    assert load_checkpoint(ours, tmp_path, file="b.pth").card["checkpoint"]["file"] == "b.pth"
    save(state, tmp_path / "model.safetensors")
    assert load_checkpoint(ours, tmp_path).card["checkpoint"]["file"] == "model.safetensors"
    with pytest.raises(BiotransferError, match="names no checkpoint of its own"):
        load_checkpoint(build_network("EEGNet", (4, 250), 3, sfreq=250.0))
    (tmp_path / "broken.safetensors").write_bytes(b"123")
    with pytest.raises(BiotransferError, match="cannot be read"):
        load_checkpoint(ours, tmp_path / "broken.safetensors")


def test_our_own_networks_take_checkpoints_too(tmp_path):
    ours = build_network("mlp", (8,), 3)
    theirs = build_network("mlp", (8,), 4)
    tensors = initial_tensors(theirs, 5)
    path = save({k: torch.from_numpy(v) for k, v in tensors.items()}, tmp_path / "net.safetensors")
    weights = load_checkpoint(ours, path)
    assert set(weights.tensors) == {k for k, part in ours.tensor_parts.items() if part != "head"}


def test_half_precision_is_read_as_single(tmp_path):
    ours = build_network("mlp", (8,), 3)
    state = {k: torch.from_numpy(v).to(torch.bfloat16) for k, v in initial_tensors(ours, 5).items()}
    weights = load_checkpoint(ours, save(state, tmp_path / "net.safetensors"))
    assert all(v.dtype == np.float32 for v in weights.tensors.values())


def test_a_checkpoint_can_be_kept_with_its_ledger(tmp_path):
    weights = load_checkpoint(network("BIOT"), save(published("BIOT")[1], tmp_path / "net.safetensors"))
    again = load_weights(save_weights(weights, tmp_path / "ours"))
    assert again.digest() == weights.digest()
    assert again.card["ledger"] == weights.card["ledger"]
    assert card_lines(again)["ledger"].startswith(f"{len(weights.tensors)} copied")


# An arm that names its weights


def test_an_arm_starts_from_weights_that_it_names(tmp_path):
    record = build_network("mlp", (8,), 4)
    facts = {"network": record.describe()}
    path = save_weights(Weights(initial_tensors(record, 9, stream="source"), facts), tmp_path / "emg")
    ours = build_network("mlp", (12,), 3)
    named = [
        {"name": name, "weights": str(path), "label": f"{name}_emg"} for name in ("transferred", "permuted")
    ]
    arms = make_arms(["scratch", *named], {}, ours, 0)
    given = make_arms(["transferred", "permuted"], {"supervised": load_weights(path)}, ours, 0)
    for one, two in zip(arms[1:], given, strict=True):
        assert one.ledger == two.ledger
        assert all(np.array_equal(v, two.tensors[k]) for k, v in one.tensors.items())
    request = resolve_arm(named[0])
    assert request.source is None
    assert resolve_arm(request.spec) == request
    assert request.phrase == "Pretraining on emg.safetensors (transferred_emg)"
    before = fingerprint(str(path), "mlp")
    assert before == fingerprint(path.with_suffix(".json"), "mlp")
    save_weights(Weights(initial_tensors(record, 8), facts), tmp_path / "emg")
    assert fingerprint(str(path), "mlp") != before


def test_an_arm_starts_from_a_checkpoint_and_the_sham_does_too(tmp_path):
    path = save(published("BIOT")[1], tmp_path / "model.safetensors")
    ours = network("BIOT")
    weights = {"origin": str(tmp_path), "file": "model.safetensors"}
    specs = [{"name": "frozen_body", "weights": weights}, {"name": "frozen_body", "weights": weights,
             "start": "scratch", "label": "sham"}]  # fmt: skip
    arm, sham = make_arms(specs, {}, ours, 0)
    taken = load_checkpoint(ours, path).tensors
    assert {row.tensor for row in arm.ledger if row.action == "copied"} <= set(taken)
    copied = [row.tensor for row in arm.ledger if row.action == "copied"]
    assert all(np.array_equal(arm.tensors[name], taken[name]) for name in copied)
    assert not any(row.action == "copied" for row in sham.ledger)
    assert [row.trained for row in arm.ledger] == [row.trained for row in sham.ledger]


def test_what_of_named_weights_is_refused(tmp_path):
    path = save(published("BIOT")[1], tmp_path / "model.safetensors")
    mlp = build_network("mlp", (8,), 3)
    own = save_weights(trained_mlp(), tmp_path / "own")
    for spec, record, message in [
        ({"name": "lwf", "weights": str(path)}, network("BIOT"), "hold only a part"),
        ({"name": "transferred", "weights": str(own)}, network("BIOT"), "are of network 'mlp'"),
        ({"name": "scratch", "weights": str(own)}, network("BIOT"), "cannot be given"),
        ({"name": "noise_source", "weights": str(own)}, network("BIOT"), "cannot be given"),
        ({"name": "transferred", "weights": {"orign": "x"}}, network("BIOT"), "Did you mean 'origin'"),
        ({"name": "transferred", "weights": str(own), "pretrain": "reptile"}, network("BIOT"), "both given"),
        ({"name": "transferred", "weights": "published"}, mlp, "names no checkpoint"),
    ]:
        with pytest.raises(BiotransferError, match=message):
            make_arms([spec], {}, record, 0)


def trained_mlp():
    record = build_network("mlp", (8,), 4)
    return Weights(initial_tensors(record, 9, stream="source"), {"network": record.describe()})


# The hub, played by a server of this machine


@pytest.fixture
def server(tmp_path):
    """A hub with one repository per folder of ``tmp_path/hub``."""
    folder, commit = tmp_path / "hub", "0123456789abcdef0123456789abcdef01234567"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(False)

        def do_GET(self):
            self.answer(True)

        def answer(self, body):
            owner, name, _, revision, file = (self.path.strip("/").split("/", 4) + [""] * 5)[:5]
            path = folder / owner / name / file
            if revision not in ("main", commit) or not path.is_file():
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", commit)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{httpd.server_port}", commit
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_a_repository_is_downloaded_once_and_its_commit_is_kept(server, tmp_path, monkeypatch):
    folder, endpoint, commit = server
    repo = NETWORKS["LUNA"].facts["pretrained"]
    place = folder / repo
    place.mkdir(parents=True)
    file = save(published("LUNA")[1], place / NETWORKS["LUNA"].facts["pretrained_file"])
    get = hub.download
    monkeypatch.setattr(
        "biotransfer.learning.networks.checkpoints.download", lambda *a, **k: get(*a, **k, endpoint=endpoint)
    )
    weights = load_checkpoint(network("LUNA"), cache_dir=tmp_path / "cache")
    assert weights.digest() == load_checkpoint(network("LUNA"), file).digest()
    assert weights.card["checkpoint"]["origin"] == repo
    assert weights.card["checkpoint"]["revision"] == commit
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    assert weights.card["checkpoint"]["sha256"] == found
    load_checkpoint(network("LUNA"), file, sha256=found)
    with pytest.raises(BiotransferError, match="was asked for"):
        load_checkpoint(network("LUNA"), file, sha256="0" * 64)
    again = get(repo, file.name, revision=commit, cache_dir=tmp_path / "cache", endpoint="http://127.0.0.1:9")
    assert again.read_bytes() == file.read_bytes()
    with pytest.raises(BiotransferError, match=r"absent\.safetensors cannot be had from the hub"):
        get(repo, "absent.safetensors", cache_dir=tmp_path / "cache", endpoint=endpoint)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("lab/emg-mlp", "what it holds can change"),
        ({"origin": "lab/emg-mlp"}, "what it holds can change"),
        ({"origin": "lab/emg-mlp", "revision": "a" * 40}, "what it holds can change"),
        ({"origin": "lab/emg-mlp", "revision": "main", "sha256": "0" * 64}, "40 hexadecimal"),
        ({"origin": "lab/emg-mlp", "revision": "a" * 40, "sha256": "0"}, "64 hexadecimal"),
        ({"origin": 3}, "is no text"),
        ({"origin": "x.pth", "key": ["a"]}, "is no text"),
        ({}, "names no weights"),
        ("", "is no text"),
    ],
)
def test_a_recipe_downloads_nothing_without_its_commit_and_checksum(given, message):
    with pytest.raises(BiotransferError, match=message):
        resolve_arm({"name": "transferred", "weights": given})
    pinned = {"origin": "lab/emg-mlp", "revision": "a" * 40, "sha256": "0" * 64}
    assert resolve_arm({"name": "transferred", "weights": pinned}).weights == pinned


def test_shared_weights_come_back_as_they_were(server, tmp_path, monkeypatch):
    folder, endpoint, _ = server
    record = build_network("mlp", (8,), 3)
    facts = {"network": record.describe(), "classes": ["a", "b", "c"], "modality": "emg"}
    weights = Weights(initial_tensors(record, 0), facts)
    asked = {}

    class Api:
        def __init__(self, endpoint=None, token=None):
            asked.update(endpoint=endpoint, token=token)

        def create_repo(self, repo, private, exist_ok):
            asked.update(private=private)
            (folder / repo).mkdir(parents=True)

        def upload_folder(self, repo_id, folder_path, commit_message):
            for path in sorted(p for p in __import__("pathlib").Path(folder_path).iterdir()):
                (folder / repo_id / path.name).write_bytes(path.read_bytes())
            return type("Commit", (), {"commit_url": f"{endpoint}/{repo_id}/commit/1"})

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    url = hub.push_weights(weights, "lab/emg-mlp", token="secret", endpoint=endpoint)
    assert url.endswith("lab/emg-mlp/commit/1")
    assert asked == {"endpoint": endpoint, "token": "secret", "private": True}
    files = {p.name for p in (folder / "lab/emg-mlp").iterdir()}
    assert files == {"README.md", "weights.json", "weights.safetensors"}
    readme = (folder / "lab/emg-mlp/README.md").read_text()
    assert readme.startswith("---\nlibrary_name: biotransfer\ntags:\n- biotransfer\n- emg\n")
    assert "| classes | a, b, c |" in readme
    assert "secret" not in readme
    again = hub.pull_weights("lab/emg-mlp", cache_dir=tmp_path / "cache", endpoint=endpoint)
    assert again.digest() == weights.digest()
    assert json.loads(json.dumps(again.card)).items() >= facts.items()
    pinned = json.loads((folder / "lab/emg-mlp" / "weights.json").read_text())["checksum"]
    assert f'checksum="{pinned}"' in readme
    asking = {"cache_dir": tmp_path / "cache", "endpoint": endpoint}
    assert hub.pull_weights("lab/emg-mlp", checksum=pinned, **asking).digest() == weights.digest()
    with pytest.raises(BiotransferError, match="was asked for"):
        hub.pull_weights("lab/emg-mlp", checksum="0" * 64, **asking)
    with pytest.raises(BiotransferError, match="Expected owner/name"):
        hub.push_weights(weights, "emg-mlp")
