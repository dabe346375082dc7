"""Archives of strangers: no member is unpacked beyond what it says, or beyond what fits."""

import struct
import zipfile

import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import zips
from biotransfer.signals.datasets.checksums import parse_registry
from biotransfer.signals.datasets.zips import member_names, open_zip, read_member


@pytest.fixture
def bomb(tmp_path):
    """A hundred megabytes of zeros in a hundred kilobytes."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", bytes(100 << 20))
        archive.writestr("small.txt", b"abc")
    assert path.stat().st_size < 200_000
    return path


def test_a_member_is_read_up_to_its_bound(bomb):
    import tracemalloc

    with open_zip(bomb) as archive:
        assert read_member(archive, "small.txt") == b"abc"
        tracemalloc.start()
        with pytest.raises(BiotransferError, match=r"zeros.txt.*104857600 bytes, more than 1000"):
            read_member(archive, "zeros.txt", 1000)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


def test_a_member_that_says_less_than_it_holds_is_not_unpacked_whole(bomb):
    """Both places in the archive that say its size say 1,000 bytes."""
    import tracemalloc

    content = bomb.read_bytes().replace(struct.pack("<I", 100 << 20), struct.pack("<I", 1000))
    bomb.write_bytes(content)
    with open_zip(bomb) as archive:
        tracemalloc.start()
        with pytest.raises(BiotransferError, match=r"damaged at .zeros"):
            read_member(archive, "zeros.txt")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
        tracemalloc.stop()


@pytest.mark.parametrize("harm", ["cut", "text", "empty", "method", "encrypted", "crc"])
def test_a_damaged_archive_is_refused_by_name(bomb, harm):
    content = bytearray(bomb.read_bytes())
    if harm == "cut":
        content = content[: len(content) // 2]
    elif harm in ("text", "empty"):
        content = bytearray(b"no archive" if harm == "text" else b"")
    else:
        at = content.index(b"PK\x01\x02")
        if harm == "crc":
            content[at + 16] ^= 1
        else:
            place, value = (10, 99) if harm == "method" else (8, 1)
            content[at + place] = value
            content[place - 4 + 2 if harm == "method" else 6] = value
    bomb.write_bytes(bytes(content))

    def read():
        with open_zip(bomb) as archive:
            return read_member(archive, "zeros.txt")

    with pytest.raises(BiotransferError, match=r"bomb\.zip"):
        read()


def test_an_archive_of_too_many_files_is_refused(bomb, monkeypatch):
    assert member_names(bomb) == ["zeros.txt", "small.txt"]
    monkeypatch.setattr(zips, "MOST", 1)
    with pytest.raises(BiotransferError, match="lists 2 files"):
        member_names(bomb)


@pytest.mark.parametrize(
    "line",
    [
        "a", "a b", "a - 3", "a 0a1b 3", f"a {'0' * 64} -3", f"a {'0' * 64} x", f"/etc/passwd {'0' * 64} 3",
        f"../x {'0' * 64} 3", "a/../../x - -", "{a=.}{b=.}/x - -", "a{x=1..99999999999} - -", "{x=1..b} - -",
        "{a=1..9999}{b=1..9999}{c=1..9999} - -", "a\0b - -", "a\\b - -", "x" * 5000 + " - -", "{x=a..b} - -",
        "{x=²..³} - -", "- -",
    ],
)  # fmt: skip
def test_a_line_of_a_registry_is_one_or_refused(line):
    with pytest.raises(BiotransferError, match="registry"):
        for _ in parse_registry(line):
            pass
