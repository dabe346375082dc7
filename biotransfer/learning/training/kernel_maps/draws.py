"""What dropout keeps: the draws of torch's generator, number for number."""

from __future__ import annotations

import numpy as np

from .compiling import compiled

WORDS, _MIDDLE = 624, 397
_HIGH, _LOW, _MATRIX, _ALL = 0x80000000, 0x7FFFFFFF, 0x9908B0DF, 0xFFFFFFFF


@compiled
def begin_draws(words, seed):
    """Fill in the words of a Mersenne twister (Matsumoto & Nishimura 1998, doi:10.1145/272991.272995)."""
    last = seed & _ALL
    words[0] = last
    for i in range(1, WORDS):
        last = (1812433253 * (last ^ (last >> 30)) + i) & _ALL
        words[i] = last


@compiled
def _go_on(words):
    """Replace all words by the next ones, and fill in behind them what they give."""
    for i in range(WORDS - _MIDDLE):
        y = (words[i] & _HIGH) | (words[i + 1] & _LOW)
        words[i] = words[i + _MIDDLE] ^ (y >> 1) ^ ((y & 1) * _MATRIX)
    for i in range(WORDS - _MIDDLE, WORDS - 1):
        y = (words[i] & _HIGH) | (words[i + 1] & _LOW)
        words[i] = words[i + _MIDDLE - WORDS] ^ (y >> 1) ^ ((y & 1) * _MATRIX)
    y = (words[WORDS - 1] & _HIGH) | (words[0] & _LOW)
    words[WORDS - 1] = words[_MIDDLE - 1] ^ (y >> 1) ^ ((y & 1) * _MATRIX)
    for i in range(WORDS):
        y = np.int64(words[i])
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C5680
        y ^= (y << 15) & 0xEFC60000
        words[WORDS + i] = y ^ (y >> 18)


@compiled
def draw_kept(words, taken, share, kept):
    """Fill in what is kept of as many values, two words each, and return how many words are taken then.

    A uniform number is 53 bits of two words; it is kept where it lies below ``share``.
    """
    limit, done = np.int64(np.ceil(share * 2.0**53)), 0
    given = words[WORDS:]
    while done < len(kept):
        if taken == WORDS:
            _go_on(words)
            taken = 0
        own = min(len(kept) - done, (WORDS - taken) // 2)
        filled, seen = kept[done : done + own], given[taken : taken + 2 * own]
        for j in range(own):
            filled[j] = ((np.int64(seen[2 * j] & 0x1FFFFF) << 32) | np.int64(seen[2 * j + 1])) < limit
        done += own
        taken += 2 * own
    return taken
