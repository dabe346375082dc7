"""Where this package reaches into the private parts of others: why, tried with what, and what if not.

Each may break with any release of the other package. Then it is mended here, and nowhere else.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from .errors import BiotransferError, check

if TYPE_CHECKING:
    import torch

_COMPILES = "BIOTRANSFER_COMPILES"
_GIVEN = ((1, -2, 3), (4, 5, -6)), ((7, 8), (-9, 10), (11, 12))
_KNOWN = (58, 24, -83, 10)
"""A matrix product of small whole numbers, exact in any precision and order; the answer row by row."""


def publish_products(symbols: Mapping[str, str]) -> str:
    """Make matrix products known to compiled code: torch's own where it exports them, else scipy's.

    Why: torch's builds for x86 hold a BLAS that multiplies 64 x 988 by 988 x 128 at the rate of large
    squares, scipy's at three quarters of it (one core, AVX-512); torch has no public way to it for other
    compilers. Tried with: torch 2.13 (``libtorch_cpu.so``), scipy 1.17 (``cython_blas``), by the Fortran
    interface with 32-bit integers. Without it: where torch exports none, or one that multiplies a known
    product wrongly, scipy's are used, and ``path`` of a training says so; networks train slower, with other
    roundings.

    Parameters
    ----------
    symbols : mapping of str to str
        By BLAS name, such as "sgemm", what compiled code calls it.

    Returns
    -------
    str
        "torch" or "scipy": whose products these are, all of one library.

    Raises
    ------
    BiotransferError
        When scipy's multiply wrongly, too.
    """
    from llvmlite import binding

    for library, find in (("torch", _torch_product), ("scipy", _scipy_product)):
        addresses = {name: find(name) for name in symbols}
        if all(address and multiplies(name, address) for name, address in addresses.items()):
            for name, symbol in symbols.items():
                binding.add_symbol(symbol, addresses[name])
            return library
    raise BiotransferError(
        f"scipy's {', '.join(symbols)} does not give the known answer. Expected an exact product of small "
        "whole numbers. Type: pip install --force-reinstall scipy"
    )


def _torch_product(name: str) -> int | None:
    """Return the address of a product in the library in which torch may hold a BLAS of its own."""
    import torch

    folder = Path(torch.__file__).parent / "lib"
    for library in ("libtorch_cpu.so", "torch_cpu.dll"):
        if (folder / library).exists():
            function = getattr(ctypes.CDLL(str(folder / library)), f"{name}_", None)
            return None if function is None else ctypes.cast(function, ctypes.c_void_p).value
    return None


def _scipy_product(name: str) -> int:
    """Return the address of a product in scipy's interface for Cython."""
    from numba.extending import get_cython_function_address

    return int(get_cython_function_address("scipy.linalg.cython_blas", name))


def multiplies(name: str, address: int) -> bool:
    """Whether a product gives a known answer, with its matrices as they lie and turned.

    Parameters
    ----------
    name : str
        "sgemm" or "dgemm".
    address : int
        Of a function with the Fortran interface.
    """
    number: Any = {"s": ctypes.c_float, "d": ctypes.c_double}[name[0]]
    one, zero = number(1), number(0)
    left, right = _GIVEN
    rows, inner, columns = len(left), len(right), len(right[0])
    m, n, k = (ctypes.c_int(size) for size in (rows, columns, inner))
    product = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)(address)

    def by_columns(matrix: Sequence[Sequence[float]]) -> Any:
        values = [value for column in zip(*matrix, strict=True) for value in column]
        return (number * len(values))(*values)

    def answer(turned: bool) -> list[float]:
        out = (number * (rows * columns))()
        letter = ctypes.c_char(b"T" if turned else b"N")
        a = by_columns(tuple(zip(*left, strict=True)) if turned else left)
        b = by_columns(tuple(zip(*right, strict=True)) if turned else right)
        given = [letter, letter, m, n, k, one, a, k if turned else m, b, n if turned else k, zero, out, m]
        product(*(ctypes.cast(ctypes.pointer(value), ctypes.c_void_p) for value in given))
        return [out[i + j * rows] for i in range(rows) for j in range(columns)]

    return all(answer(turned) == list(map(float, _KNOWN)) for turned in (False, True))


def compile_apart(
    function: Any, command: Callable[[tuple[Any, ...]], str], *, beside: Iterable[Path] = ()
) -> Any:
    """Let another process compile a function for numba's cache, so that every process runs what is stored.

    Why: code that a process has just compiled calls inner functions that were compiled one by one, code from
    the cache calls those that were compiled inside it; both are right, and round differently. With this a
    study's numbers do not depend on whether its process was the first of an installation. Tried with: numba
    0.68 (``Dispatcher._cache.load_overload``). Without it, or where no cache can be written: the first
    process of an installation gives other last bits than all later ones.

    Parameters
    ----------
    function : numba dispatcher
        With ``cache=True``.
    command : callable
        Takes the types of the arguments; returns Python code that compiles the function for them.
    beside : iterable of Path
        Files with functions that are compiled inside it: what is stored is void when one of them changes.

    Returns
    -------
    numba dispatcher
        The same.
    """
    cache: Any = getattr(function, "_cache", None)
    load = getattr(cache, "load_overload", None)
    if load is None:
        return function
    facts = [path.stat() for path in beside]
    if facts:
        stamps = tuple((one.st_mtime, one.st_size) for one in facts)
        cache._cache_file._source_stamp = (cache._cache_file._source_stamp, *stamps)

    def load_or_let_compile(signature: tuple[Any, ...], context: Any) -> Any:
        found = load(signature, context)
        if found is not None or _COMPILES in os.environ:
            return found
        who = f"{os.getuid() if hasattr(os, 'getuid') else 'all'}"
        place = hashlib.sha256(str(getattr(cache, "cache_path", "")).encode()).hexdigest()[:12]
        with FileLock(Path(tempfile.gettempdir()) / f"biotransfer-{who}-{place}-compiles.lock"):
            found = load(signature, context)
            if found is None:
                paths = os.pathsep.join(path for path in sys.path if path)
                environment = {**os.environ, _COMPILES: "1", "PYTHONPATH": paths}
                subprocess.run([sys.executable, "-c", command(signature)], env=environment, check=False)
                found = load(signature, context)
        return found

    cache.load_overload = load_or_let_compile
    return function


def counting(options: Mapping[str, Any], counts: bool) -> dict[str, Any]:
    """Let numba compile functions that make no arrays without counting who holds one.

    Why: every slice of an array is counted with a locked instruction when it is made and when it is left; a
    quarter of the time of networks with many short series went there. Arrays that a caller gives outlive the
    call. Tried with: numba 0.68 (the option ``_nrt``). Without it: the same numbers, in more time.

    Parameters
    ----------
    options : mapping
        Of :func:`numba.njit`.
    counts : bool
        What is not said is inherited from the caller; only what counts may return a part of an array.

    Returns
    -------
    dict
        The same, and the one that switches counting on or off where numba has it.
    """
    from numba.core.options import DefaultOptions

    return {**options, **({"_nrt": counts} if hasattr(DefaultOptions, "_nrt") else {})}


def update_by_adamw(
    values: list[torch.Tensor],
    gradients: list[torch.Tensor],
    means: list[torch.Tensor],
    squares: list[torch.Tensor],
    step: torch.Tensor,
    *,
    rate: float,
    betas: tuple[float, float],
    weight_decay: float,
    eps: float,
) -> None:
    """Move tensors of one rate and beginning by one fused AdamW call.

    Why: ``torch.optim.AdamW`` holds whole parameters; segments of stacked ones, each group with a step of its
    own, need the operation that it calls, ``torch._fused_adamw_``. Tried with: torch 2.13, CPU and
    CUDA. Without it: images, penalties, low-rank pairs and GPUs cannot be trained as a stack; they train with
    engine="loop".

    Parameters
    ----------
    values, gradients, means, squares : list of Tensor
        Segments with their gradients and both moments; all but the gradients are changed.
    step : Tensor, shape ()
        Updates so far, this one included.
    rate, betas, weight_decay, eps : float
        Of the optimiser.
    """
    import torch

    torch._fused_adamw_(
        values,
        gradients,
        means,
        squares,
        [],
        [step] * len(values),
        lr=rate,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=weight_decay,
        eps=eps,
        amsgrad=False,
        maximize=False,
    )


def keep_grown_process() -> None:
    """Keep loky from replacing this worker process when it has grown.

    Why: loky counts recordings that a process maps as a leak of more than 300 MB, ends the process between
    two tasks, and what it had loaded is loaded again; the limit has no public setting. Tried with: joblib 1.6
    (loky 3.6). Without it: the same numbers, in more time.
    """
    from joblib.externals.loky import process_executor

    limit = "_MAX_MEMORY_LEAK_SIZE"
    if hasattr(process_executor, limit):
        setattr(process_executor, limit, sys.maxsize)


def keep_tracker() -> None:
    """Start the process that clears up after this one and its workers, so that a lost terminal leaves it.

    Why: loky starts it with the first workers, and it ignores SIGTERM but not SIGHUP, which a terminal sends
    to all; then semaphores stay in the system. Tried with: joblib 1.6 (``loky.backend.resource_tracker``).
    Without it: a few names in /dev/shm outlive a lost terminal.
    """
    from joblib.externals.loky.backend import resource_tracker

    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or threading.current_thread() is not threading.main_thread():
        return
    handler = signal.signal(hangup, signal.SIG_IGN)
    try:
        resource_tracker.ensure_running()
    finally:
        signal.signal(hangup, handler)


@contextmanager
def removed_after_death(folder: Path) -> Iterator[None]:
    """Have a folder removed when this process is killed within the block.

    Why: nothing of a process runs after SIGKILL, and what it kept for its workers stays on the disk; loky's
    tracker outlives it, and only joblib tells it of folders. Tried with: joblib 1.6
    (``loky.backend.resource_tracker``). Without it: the folder stays until the next study of this machine.

    Parameters
    ----------
    folder : Path
        There already.
    """
    from joblib.externals.loky.backend import resource_tracker

    resource_tracker.register(str(folder), "folder")
    try:
        yield
    finally:
        resource_tracker.unregister(str(folder), "folder")


def stream_file(url: str, path: Path, sha256: str | None, request: Callable[..., Any], retries: int) -> None:
    """Fetch one URL to ``path`` by way of a temporary file, a checksum and retries.

    Why: ``pooch.retrieve`` takes no number of retries; ``pooch.core.stream_download``, which it calls, does,
    and is not part of pooch's documented interface. Tried with: pooch 1.9. Without it: nothing can be
    downloaded; data that are there are used as before.

    Parameters
    ----------
    url : str
        What to fetch.
    path : Path
        Where to; appears whole or not at all.
    sha256 : str or None
        What it has to be; None for anything.
    request : callable
        ``(url, output_file, pooch)``: writes what arrives.
    retries : int
        How often a failure is tried again.
    """
    import pooch

    check(
        hasattr(pooch.core, "stream_download"),
        f"pooch={pooch.__version__} has no core.stream_download, so {url} cannot be fetched. "
        "Expected pooch 1.9. Type: pip install 'pooch<1.10'",
    )
    pooch.core.stream_download(url, path, sha256, request, retry_if_failed=retries)


def load_torchaudio() -> None:
    """Import torchaudio; when its compiled part does not load, without it.

    Why: braindecode imports torchaudio and needs only its functions written in Python; its Linux wheel is
    linked against CUDA and does not load beside a CPU-only torch. A stand-in takes the place of
    ``torchaudio._extension``, after the real one has failed and never where it works. Tried with: torchaudio
    2.11 beside torch 2.13, braindecode 1.8. Without it: networks and augmentations of
    braindecode cannot be used beside a CPU-only torch.
    """
    try:
        importlib.import_module("torchaudio")
    except OSError:
        for name in [n for n in sys.modules if n.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        extension = types.ModuleType("torchaudio._extension")
        extension.__dict__.update(
            _IS_TORCHAUDIO_EXT_AVAILABLE=False, fail_if_no_align=lambda function: function
        )
        sys.modules[extension.__name__] = extension
        importlib.import_module("torchaudio")


def events_rate(epochs: Any) -> float:
    """Return the rate in Hz in which :class:`mne.Epochs` count their events.

    Why: events are samples of the Raw, and stay so when epochs are decimated or resampled; MNE keeps that
    rate for its files only. Tried with: mne 1.13 (``BaseEpochs._raw_sfreq``). Without it: the epochs' own
    rate, which is the same unless they were decimated.
    """
    return float(getattr(epochs, "_raw_sfreq", None) or epochs.info["sfreq"])


def set_sampling_rate(raw: Any, sfreq: float) -> Any:
    """Correct the sampling rate of a Raw whose file could only hold it rounded, in place.

    Why: EDF and BDF state the length of a block in eight characters, so 2148.148 Hz come back as 2148.1482;
    over an hour borders of labels move by a sample. MNE locks ``info["sfreq"]``, and a new Raw would lose
    places, dates and the file's name. Tried with: MNE 1.13 (``Info._unlock``). Without it: BIDS data sets of
    such rates cannot be read.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Loaded.
    sfreq : float
        The exact rate, in Hz.

    Returns
    -------
    mne.io.BaseRaw
        The same.
    """
    with raw.info._unlock():
        raw.info["sfreq"] = sfreq
    return raw
