"""Windows that are read out of their recordings when they are asked for: an overlap costs no memory."""

from __future__ import annotations

from typing import Any

import numpy as np


class SignalView:
    """An array of windows that share one signal; rows that are asked for are copied out of it.

    Parameters
    ----------
    signal : ndarray, shape (n_chans, n_samples), in V
        All recordings, one after the other; C-contiguous.
    starts : ndarray, shape (n_windows,), int
        The first sample of every window.
    size : int
        Samples of a window.

    Notes
    -----
    It has ``shape``, ``dtype``, ``ndim``, ``nbytes`` (of what is held) and indexing along the first axis like
    an ndarray of shape (n_windows, n_chans, size), and becomes one by ``numpy.asarray``.

    Examples
    --------
    >>> view = SignalView(np.arange(10.0)[None], np.array([0, 2, 7]), 3)
    >>> view.shape, view[[2, 0]].tolist()
    ((3, 1, 3), [[[7.0, 8.0, 9.0]], [[0.0, 1.0, 2.0]]])
    """

    def __init__(self, signal: np.ndarray, starts: np.ndarray, size: int) -> None:
        self.signal = np.ascontiguousarray(signal)
        self.starts = np.asarray(starts, dtype=np.int64)
        self.size = size

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_windows, n_chans, n_times)."""
        return len(self.starts), len(self.signal), self.size

    @property
    def ndim(self) -> int:
        """Three."""
        return 3

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the signal."""
        return self.signal.dtype

    @property
    def nbytes(self) -> int:
        """Bytes that are held: the signal's, whatever the overlap."""
        return self.signal.nbytes + self.starts.nbytes

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return windows as an array of their own."""
        first, rest = (rows[0], rows[1:]) if isinstance(rows, tuple) else (rows, ())
        step, across = self.signal.strides[1], self.signal.strides[0]
        every = np.lib.stride_tricks.as_strided(
            self.signal,
            (max(self.signal.shape[1] - self.size + 1, 0), len(self.signal), self.size),
            (step, across, step),
            writeable=False,
        )
        found = np.array(every[self.starts[first]])
        return found[(slice(None), *rest) if found.ndim == 3 else rest] if rest else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def astype(self, dtype: Any, copy: bool = True) -> np.ndarray:
        """Return all windows as an array of another type."""
        return self[:].astype(dtype, copy=False)
