"""One writer of a folder: a lock that the system lets go when its holder dies, whatever it dies of."""

from __future__ import annotations

import errno
import json
import os
import platform
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import BiotransferError, check
from ...files.writing import part_of, sweep_parts

if sys.platform != "win32":
    import fcntl

_LOCK = ".lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def is_of_lock(path: Path) -> bool:
    """Whether a file of a folder belongs to its lock, not to its content."""
    return path.name == _LOCK or path.name.startswith(f".{_LOCK}")


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder's lock: two processes would throw away each other's work.

    Parameters
    ----------
    folder : Path
        Made where it is not there, with those above it; removed again when the block leaves it empty.

    Raises
    ------
    BiotransferError
        Where another process holds it, with host, process and start: nothing was changed then. Where the
        folder cannot be made or written.

    Notes
    -----
    ``.lock`` appears by one link(2), or O_EXCL where a file system has no links: its text is whole and
    flock(2) is held from then on, and the same text is never in two places.

    *Processes of one machine:* one is inside, never two. The kernel lets the lock go when its holder ends,
    however it ends; what is left of it is taken over by the next, who asks the kernel and no process number.

    *Machines that share the folder:* one is inside, never two, where link or O_EXCL are atomic (NFS 3 and
    later, Lustre, GPFS, CephFS, SMB). What a machine left behind is taken over by itself; another one does
    not guess whether its holder lives and refuses, naming the file to delete. Machines need names of their
    own.
    """
    lock = folder / _LOCK
    try:
        made, held = _take(lock)
    except OSError as error:
        raise BiotransferError(
            f"--out {str(folder)!r} cannot be {'written' if folder.is_dir() else 'made'}: "
            f"{error.strerror or error}. Pass another --out."
        ) from error
    try:
        yield
    finally:
        sweep_parts(folder)
        if _is_at(held, lock):
            lock.unlink(missing_ok=True)
        os.close(held)
        with suppress(OSError):
            for one in made:
                one.rmdir()


def _take(lock: Path) -> tuple[list[Path], int]:
    """Return the folders that had to be made, the deepest first, and the open file that holds the lock."""
    folder, made = lock.parent, list[Path]()
    while True:
        try:
            found = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            made = made or [path for path in (folder, *folder.parents) if not path.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError, FileNotFoundError):
                return made, _create(lock)
            continue
        try:
            free = _hold(found)
            if not _is_at(found, lock):
                continue
            _refuse_held(lock, _read(found), free)
            return made, _create(lock, over=True)
        finally:
            os.close(found)


def _create(lock: Path, *, over: bool = False) -> int:
    """Put a lock that is held and written in its place: a free one, or that of a dead process if ``over``."""
    part = part_of(lock.with_name(f"{_LOCK}-{secrets.token_hex(4)}"))
    mode = os.O_CREAT | os.O_EXCL | os.O_RDWR
    file = os.open(part, mode, 0o644)
    try:
        _hold(file, wait=True)
        _write(file)
        if over:
            os.replace(part, lock)
            return file
        try:
            os.link(part, lock)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.close(file)
            file = os.open(lock, mode, 0o644)
            _hold(file, wait=True)
            _write(file)
        return file
    except BaseException:
        with suppress(OSError):
            os.close(file)
        raise
    finally:
        part.unlink(missing_ok=True)


def _hold(file: int, *, wait: bool = False) -> bool | None:
    """Take flock(2) on an open file: whether it could be had, None where there is no such thing."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(file: int, path: Path) -> bool:
    """Whether an open file is the one of this name."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except OSError:
        return False


def _boot() -> str:
    """Return what one run of the kernel calls itself, shared by its containers; empty where it does not."""
    with suppress(OSError):
        return _BOOT.read_text(encoding="ascii").strip()
    return ""


def _write(file: int) -> None:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"host": platform.node(), "pid": os.getpid(), "started": started, "boot": _boot()}
    os.write(file, json.dumps(facts).encode())
    os.fsync(file)


def _read(file: int) -> dict[str, Any]:
    """Return who wrote the lock; empty where that cannot be read."""
    try:
        facts = json.loads(os.pread(file, 4096, 0))
        return dict(facts)
    except (OSError, ValueError, TypeError):
        return {}


def _refuse_held(lock: Path, facts: dict[str, Any], free: bool | None) -> None:
    """Refuse a lock whose holder lives, or may live."""
    who = "another process"
    if facts:
        who = f"process {facts.get('pid')} on {facts.get('host')} since {facts.get('started')}"
    start = f"--out {str(lock.parent)!r} is being written by {who}"
    check(free is not False, f"{start}. Wait for it, or pass another --out; nothing was changed.")
    boot = _boot()
    ours = facts.get("host") == platform.node() or (boot and facts.get("boot") == boot)
    check(
        free and ours,
        f"{start}, or was when that died: from {platform.node()} this cannot be seen. Wait for it, pass "
        f"another --out, or delete {str(lock)!r} if it has died; nothing was changed.",
    )
