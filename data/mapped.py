"""Reading all of a text that is left on the disk, without all of it staying in memory."""

import mmap
from collections.abc import Iterator

import numpy as np

from bardtune.data.corpus import VOCAB_SIZE

PIECE_BYTES = 1 << 20  # that are looked at together


def byte_counts(text: np.ndarray) -> np.ndarray:
    """How often each byte occurs in a text (N,) uint8: (256,) int64. A mapped text does not stay in memory for it."""
    counts = np.zeros(VOCAB_SIZE, dtype=np.int64)
    for piece in pieces(text):
        counts += np.bincount(piece, minlength=VOCAB_SIZE)
    return counts


def pieces(text: np.ndarray) -> Iterator[np.ndarray]:
    """A text (N,) uint8 piece by piece; what was read of a mapped one is let go of after each."""
    for first in range(0, len(text), PIECE_BYTES):
        yield text[first : first + PIECE_BYTES]
        let_go(text)


def let_go(text: np.ndarray) -> None:
    """Give back the memory that holds what was read of a mapped text; it is read from its file when it is needed."""
    base = text.base
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    if base is not None and hasattr(mmap, "MADV_DONTNEED"):  # not on every system
        base.madvise(mmap.MADV_DONTNEED)
