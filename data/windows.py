"""Windows of text: random ones to train on, fixed ones to measure with. B windows of T bytes."""

from collections.abc import Iterator

import numpy as np

from data.corpus import CONTEXT_BYTES


def random_offsets(
    split: np.ndarray, *, batch_size: int, rng: np.random.Generator, context_bytes: int = CONTEXT_BYTES
) -> Iterator[np.ndarray]:
    """Yield where random windows of ``split`` begin, for ever.

    Args:
        split: (N,) uint8 with N > context_bytes.
        batch_size: B, windows at a time.
        rng: the only source of chance. To continue a run, save ``rng.bit_generator.state`` and put it back:
            the same state gives the same windows.
        context_bytes: T.

    Yields:
        (B, 1) int64.
    """
    num_offsets = len(split) - context_bytes
    while True:
        yield rng.integers(num_offsets, size=(batch_size, 1))


def windows_at(split: np.ndarray, offsets: np.ndarray, *, context_bytes: int = CONTEXT_BYTES) -> np.ndarray:
    """Return the windows of ``split`` (N,) uint8 that begin at offsets (B, 1): (B, T + 1) uint8.

    Columns 0..T-1 are the input, columns 1..T what to predict.
    """
    windows: np.ndarray = split[offsets + np.arange(context_bytes + 1)]
    return windows


def evaluation_windows(
    split: np.ndarray, *, at_most: int | None = None, context_bytes: int = CONTEXT_BYTES
) -> np.ndarray:
    """Return consecutive windows that predict each byte after the first once.

    Args:
        split: (N,) uint8 with N > context_bytes. Up to context_bytes bytes at its end do not fill a window
            and are left out.
        at_most: a fixed subset of this many windows, spread evenly; all of them if None.
        context_bytes: T.

    Returns:
        (W, T + 1) uint8; window w starts at byte w * T, so its last column is the first of the next window.
    """
    num_windows = (len(split) - 1) // context_bytes
    chosen = np.arange(num_windows)
    if at_most is not None and at_most < num_windows:
        chosen = np.arange(at_most) * num_windows // at_most
    windows: np.ndarray = split[chosen[:, None] * context_bytes + np.arange(context_bytes + 1)]
    return windows
