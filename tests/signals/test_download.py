"""Finding and fetching: against a server on this machine that can break off, lie and refuse."""

import errno
import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath

import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import DATASETS, check_files, checksums, download, fetch, load_dataset
from biotransfer.signals.datasets.checksums import (
    RECORD,
    RegisteredFile,
    make_registry,
    parse_registry,
    read_registry,
)
from biotransfer.signals.datasets.download import Source, download_files

NAME = "muse-mental-state"
CONTENT = {f"sub/file{i}.csv": f"1,2\n3,{i}\n".encode() * 200 for i in range(3)}
HERE = [
    "muse-mental-state",
    "mental-arithmetic",
    "myodisco",
    "one-subject-myo",
    "cote-allard",
    "myo-readings",
]
FETCHABLE = [name for name, entry in DATASETS.items() if entry.facts["sources"]]


def registry_of(content):
    return {
        path: RegisteredFile(path, hashlib.sha256(data).hexdigest(), len(data))
        for path, data in content.items()
    }


def zipped(content, prefix=""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in content.items():
            archive.writestr(prefix + path, data)
    return buffer.getvalue()


class Server:
    """Serves ``files`` by path; the paths in ``broken`` end in mid-air as often as the number says."""

    def __init__(self):
        self.files, self.broken, self.requests = {}, {}, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.lstrip("/")
                outer.requests.append(path)
                data = outer.files.get(path)
                if data is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if outer.broken.get(path, 0) > 0:
                    outer.broken[path] -= 1
                    data = data[: len(data) // 2]
                self.wfile.write(data)
                self.close_connection = True

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def publish(self, content):
        self.files = {f"{NAME}/{path}": data for path, data in content.items()}


@pytest.fixture
def server():
    running = Server()
    running.publish(CONTENT)
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.fixture(autouse=True)
def small_world(monkeypatch, tmp_path):
    """Three registered files, an empty MNE data directory, no waiting between retries, no proxy."""
    registries = {name: registry_of(CONTENT) for name in FETCHABLE}
    monkeypatch.setattr(checksums, "read_registry", registries.__getitem__)
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "mne"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv(download.DATA_VARIABLE, raising=False)
    monkeypatch.delenv(download.MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    return registries


def names_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_files_arrive_one_by_one_and_are_not_fetched_again(server, tmp_path):
    folder = fetch(NAME, mirror=server.url)
    assert folder == tmp_path / "mne" / "biotransfer" / NAME
    assert {path: (folder / path).read_bytes() for path in CONTENT} == CONTENT
    assert server.requests == [f"{NAME}.zip", *(f"{NAME}/{path}" for path in CONTENT)]
    fetch(NAME, mirror=server.url)
    assert len(server.requests) == 1 + len(CONTENT)
    assert names_in(folder) == sorted(CONTENT)


def test_an_archive_is_one_request_whatever_folder_it_has_on_top(server, tmp_path):
    decoy = {"other/sub/file0.csv": b"not this one"}
    server.files = {f"{NAME}.zip": zipped({**decoy, **CONTENT}, prefix="repository-0123abc/deep/")}
    folder = fetch(NAME, tmp_path, mirror=server.url)
    assert server.requests == [f"{NAME}.zip"]
    assert {path: (folder / path).read_bytes() for path in CONTENT} == CONTENT
    assert names_in(tmp_path) == [f"{NAME}/{path}" for path in sorted(CONTENT)]


@pytest.mark.parametrize("as_archive", [False, True])
def test_a_wrong_checksum_is_named_and_leaves_nothing_under_that_name(server, tmp_path, as_archive):
    wrong = {**CONTENT, "sub/file2.csv": b"something else"}
    server.publish(wrong)
    if as_archive:
        server.files = {f"{NAME}.zip": zipped(wrong)}
    with pytest.raises(BiotransferError, match=r"1 of 3 files are missing.*file2\.csv: its sha256 is not"):
        fetch(NAME, tmp_path, mirror=server.url, retries=1)
    assert names_in(tmp_path) == [f"{NAME}/sub/file0.csv", f"{NAME}/sub/file1.csv"]
    assert check_files(NAME, tmp_path / NAME) == {"sub/file2.csv": "missing"}


def test_a_transfer_that_breaks_off_is_tried_again(server, tmp_path):
    server.broken = {f"{NAME}/sub/file1.csv": 2}
    folder = fetch(NAME, tmp_path, mirror=server.url, retries=2)
    assert check_files(NAME, folder) == {}
    assert server.requests.count(f"{NAME}/sub/file1.csv") == 3


def test_a_broken_download_continues_where_it_stopped(server, tmp_path):
    server.broken = {f"{NAME}/sub/file1.csv": 1}
    with pytest.raises(BiotransferError, match=f"2 of 3 files are missing.*biotransfer fetch {NAME}"):
        fetch(NAME, tmp_path, mirror=server.url, retries=0)
    assert names_in(tmp_path) == [f"{NAME}/sub/file0.csv"]
    server.requests.clear()
    fetch(NAME, tmp_path, mirror=server.url)
    assert server.requests == [f"{NAME}.zip", f"{NAME}/sub/file1.csv", f"{NAME}/sub/file2.csv"]


def test_half_an_archive_is_no_archive(server, tmp_path):
    whole = zipped(CONTENT)
    server.files = {f"{NAME}.zip": whole[: len(whole) // 2]}
    with pytest.raises(BiotransferError, match="no complete zip archive"):
        fetch(NAME, tmp_path, mirror=server.url, retries=1)
    assert server.requests.count(f"{NAME}.zip") == 2
    assert names_in(tmp_path) == []


def test_a_damaged_file_is_replaced(server, tmp_path):
    folder = fetch(NAME, tmp_path, mirror=server.url)
    (folder / "sub/file0.csv").write_bytes(CONTENT["sub/file0.csv"][:-1] + b"x")
    assert check_files(NAME, folder) == {"sub/file0.csv": "damaged"}
    fetch(NAME, tmp_path, mirror=server.url)
    assert check_files(NAME, folder) == {}


def test_the_next_source_brings_what_the_first_lacks(server, tmp_path):
    server.files[f"{NAME}.zip"] = zipped({"sub/file0.csv": CONTENT["sub/file0.csv"]})
    fetch(NAME, tmp_path, mirror=server.url)
    assert server.requests == [f"{NAME}.zip", f"{NAME}/sub/file1.csv", f"{NAME}/sub/file2.csv"]


def test_a_refusal_is_not_asked_again(server, tmp_path):
    server.files = {}
    with pytest.raises(BiotransferError, match="404 Not Found"):
        fetch(NAME, tmp_path, mirror=server.url, retries=5)
    assert server.requests == [f"{NAME}.zip", f"{NAME}/sub/file0.csv"]


def test_size_and_origin_are_said_before_the_first_byte(server, tmp_path, capsys, monkeypatch):
    said = []
    original = download._get_archive

    def spy(*args):
        said.append(capsys.readouterr().err)
        return original(*args)

    monkeypatch.setattr(download, "_get_archive", spy)
    server.files = {f"{NAME}.zip": zipped(CONTENT)}
    fetch(NAME, tmp_path, mirror=server.url)
    size = sum(map(len, CONTENT.values())) / 1e6
    assert f"{NAME}: {size:.1f} MB in 3 files from 127.0.0.1" in said[0]


def test_a_folder_that_cannot_be_written_is_said(server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BiotransferError, match=r"cannot be written.*Free some space, or name another folder"):
        fetch(NAME, tmp_path / "file", mirror=server.url)


def test_a_full_disk_is_said_and_nothing_is_half_written(server, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    server.files = {f"{NAME}.zip": zipped(CONTENT)}
    monkeypatch.setattr(download.os, "replace", full)
    with pytest.raises(BiotransferError, match="No space left on device"):
        fetch(NAME, tmp_path, mirror=server.url)
    assert names_in(tmp_path) == []


def test_nothing_to_fetch():
    with pytest.raises(BiotransferError, match="nothing to fetch"):
        read_registry("folder")
    with pytest.raises(BiotransferError, match="Did you mean 'myodisco'"):
        fetch("myodisko")


def test_missing_data_names_every_place_and_the_command(tmp_path, monkeypatch):
    for name in ("given", "variable"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv(download.DATA_VARIABLE, str(tmp_path / "variable"))
    with pytest.raises(BiotransferError) as caught:
        load_dataset(NAME, data_dir=tmp_path / "given", download=False)
    message = str(caught.value)
    places = [
        tmp_path / "given" / NAME,
        tmp_path / "given",
        tmp_path / "variable" / NAME,
        tmp_path / "variable",
    ]
    places.append(tmp_path / "mne" / "biotransfer" / NAME)
    assert ", ".join(map(str, places)) in message
    assert message.endswith(f"biotransfer fetch {NAME}")


def test_a_failed_download_names_source_and_places(server, tmp_path, monkeypatch):
    server.files = {}
    monkeypatch.setenv(download.MIRROR_VARIABLE, server.url)
    with pytest.raises(BiotransferError, match=r"404 Not Found.*Looked at .*mne.*biotransfer fetch"):
        load_dataset(NAME)


def test_the_download_in_the_mne_directory_is_completed_before_use(server, tmp_path, monkeypatch):
    folder = fetch(NAME, mirror=server.url)
    (folder / "sub/file2.csv").unlink()
    with pytest.raises(BiotransferError, match="The download there is not complete"):
        load_dataset(NAME, download=False)
    monkeypatch.setenv(download.MIRROR_VARIABLE, server.url)
    with pytest.raises(BiotransferError, match="holds no file like subjecta"):
        load_dataset(NAME)
    assert check_files(NAME, folder) == {}


def test_places_are_searched_in_order(tmp_path, monkeypatch):
    places = [tmp_path / "given", tmp_path / "variable", tmp_path / "mne" / "biotransfer"]
    for place in places:
        path = place / NAME / "sub/file1.csv"
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.setenv(download.DATA_VARIABLE, str(places[1]))
    assert download.find_folder(NAME, places[0])[0] == places[0] / NAME
    assert download.find_folder(NAME, places[0] / NAME)[0] == places[0] / NAME
    assert download.find_folder(NAME, None)[0] == places[1] / NAME
    (tmp_path / "empty").mkdir()
    assert download.find_folder(NAME, tmp_path / "empty")[0] == places[1] / NAME
    monkeypatch.delenv(download.DATA_VARIABLE)
    assert download.find_folder(NAME, None)[0] == places[2] / NAME


@pytest.mark.parametrize("variable", [False, True])
def test_a_place_that_does_not_exist_is_refused(tmp_path, monkeypatch, variable):
    if variable:
        monkeypatch.setenv(download.DATA_VARIABLE, str(tmp_path / "typo"))
    with pytest.raises(BiotransferError, match=r"typo' is no folder"):
        load_dataset(NAME, data_dir=None if variable else tmp_path / "typo")


@pytest.mark.parametrize("name", FETCHABLE)
def test_the_registry_has_the_size_that_the_entry_declares(name):
    registry = read_registry(name)
    sizes = [item.size for item in registry.values() if item.size is not None]
    declared = DATASETS[name].facts["size_mb"]
    assert all((item.sha256 is None) == (item.size is None) for item in registry.values())
    assert all(len(item.sha256) == 64 for item in registry.values() if item.sha256)
    if len(sizes) == len(registry):
        assert abs(sum(sizes) / 1e6 - declared) < 0.6
    elif sizes and declared:
        assert sum(sizes) / 1e6 < declared


@pytest.mark.parametrize("name", HERE)
def test_registries_describe_the_real_files(name, real_data, monkeypatch):
    monkeypatch.setattr(checksums, "read_registry", read_registry)
    unknown = {item.path for item in read_registry(name).values() if item.sha256 is None}
    problems = check_files(name, real_data / name)
    assert set(problems) <= unknown
    assert set(problems.values()) <= {"missing"}


@pytest.mark.parametrize("name", FETCHABLE)
def test_every_registered_file_has_the_pattern_and_the_owner_that_the_entry_says(name):
    facts = DATASETS[name].facts
    paths = list(read_registry(name))
    assert all(any(PurePosixPath(p).match(pattern) for pattern in facts["registered"]) for p in paths)
    if facts["owner"] is not None:
        owners = {facts["owner"](path) for path in paths} - {None}
        assert len(owners) == facts["subjects"]


# ------------------------------------------------------------------- files that only the origin knows


@pytest.fixture
def unknown(monkeypatch):
    """The same three files, of which the registry knows nothing but the first."""
    known = registry_of(CONTENT)
    first = next(iter(known))
    half = {path: item if path == first else RegisteredFile(path, None, None) for path, item in known.items()}
    monkeypatch.setattr(checksums, "read_registry", lambda name: half)
    return half


def sums_of(content):
    return "".join(f"{hashlib.sha256(data).hexdigest()} *{path}\n" for path, data in content.items()).encode()


def from_origin(server, tmp_path, sums="", **options):
    sources = [Source("files", f"{server.url}/{NAME}/", sums)]
    return download_files(NAME, tmp_path / NAME, sources, **{"retries": 0, **options})


def test_a_file_without_a_sha256_has_to_be_the_one_of_the_origins_list(server, tmp_path, unknown):
    server.publish({**CONTENT, "SUMS.txt": sums_of(CONTENT)})
    folder = from_origin(server, tmp_path, "SUMS.txt")
    assert {path: (folder / path).read_bytes() for path in CONTENT} == CONTENT
    assert server.requests[0] == f"{NAME}/SUMS.txt"
    assert check_files(NAME, folder) == {}


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (None, r"SUMS\.txt: 404"),
        ({}, r"SUMS\.txt of the origin does not list 'sub/file1\.csv'"),
        ({path: data + b"x" for path, data in CONTENT.items()}, r"file1\.csv: its sha256 is not"),
    ],
)
def test_an_origin_whose_list_does_not_agree_is_not_trusted(server, tmp_path, unknown, listed, message):
    server.publish({**CONTENT, **({} if listed is None else {"SUMS.txt": sums_of(listed)})})
    with pytest.raises(BiotransferError, match=message):
        from_origin(server, tmp_path, "SUMS.txt")
    assert set(names_in(tmp_path)) <= {f"{NAME}/sub/file0.csv"}


def test_a_file_that_nobody_lists_is_trusted_once_and_held_to_it(server, tmp_path, unknown):
    folder = from_origin(server, tmp_path)
    recorded = {item.path: item for item in parse_registry((folder / RECORD).read_text())}
    assert recorded == {path: item for path, item in registry_of(CONTENT).items() if path != "sub/file0.csv"}
    (folder / "sub/file2.csv").write_bytes(b"damaged")
    assert check_files(NAME, folder) == {"sub/file2.csv": "damaged"}
    from_origin(server, tmp_path)
    assert check_files(NAME, folder) == {}


def test_a_mirror_is_held_to_the_origins_kind_of_list(server, tmp_path, unknown):
    server.files = {f"{NAME}.zip": zipped(CONTENT)}
    sources = [Source("files", "http://127.0.0.1:9/", "SUMS.txt")]
    with pytest.raises(BiotransferError, match=r"no sha256 is known to check it by.*SUMS\.txt: 404"):
        download_files(NAME, tmp_path / NAME, sources, mirror=server.url, retries=0)
    assert names_in(tmp_path / NAME) == ["sub/file0.csv"]


def test_only_what_is_wanted_is_fetched(server, tmp_path, unknown):
    folder = from_origin(server, tmp_path, only={"sub/file2.csv"})
    assert names_in(folder) == [RECORD, "sub/file2.csv"]
    assert server.requests == [f"{NAME}/sub/file2.csv"]


def test_the_people_asked_for_are_the_people_fetched(server, tmp_path, monkeypatch):
    name = "mental-arithmetic"
    content = {f"Subject{who}_{i}.edf": f"{who}{i}".encode() for who in ("07", "30") for i in (1, 2)}
    registry = {path: RegisteredFile(path, None, None) for path in read_registry(name)}
    monkeypatch.setattr(checksums, "read_registry", lambda _: registry)
    server.files = {f"{name}/{path}": data for path, data in content.items()}
    server.files[f"{name}/SHA256SUMS.txt"] = sums_of(content)
    folder = fetch(name, tmp_path, subjects=["30"], mirror=server.url, retries=0)
    assert names_in(folder) == ["Subject30_1.edf", "Subject30_2.edf", RECORD]
    with pytest.raises(BiotransferError, match=r"subjects of 'mental-arithmetic': '36' is not there"):
        fetch(name, tmp_path, subjects=["36"], mirror=server.url)


def test_a_registry_line_can_stand_for_many_files():
    lines = f"S{{s=08..10}}/a{{r=x,y}}_{{s}}.dat - -\nb c.zip {'0f' * 32} 7\n"
    files = list(parse_registry(lines))
    assert [f.path for f in files][:3] == ["S08/ax_08.dat", "S08/ay_08.dat", "S09/ax_09.dat"]
    assert files[-1] == RegisteredFile("b c.zip", "0f" * 32, 7)
    assert len(files) == 7


def test_a_registry_can_be_made(tmp_path):
    for path, data in CONTENT.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    expected = "".join(f"{f.path} {f.sha256} {f.size}\n" for f in registry_of(CONTENT).values())
    assert make_registry(tmp_path, ["sub/*.csv", "*/file0.csv"]) == expected
