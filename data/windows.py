"""Windows of text: shuffled ones to train on, fixed ones to measure with. B windows of T bytes."""

from functools import lru_cache

import numpy as np

from bardtune.data.corpus import CONTEXT_BYTES


def shuffled_offsets(
    split: np.ndarray, *, batch_size: int, seed: int, step: int, context_bytes: int = CONTEXT_BYTES
) -> np.ndarray:
    """Return where the windows of a training step begin: (B, 1) int64.

    Each epoch cuts ``split`` into windows side by side, from a place of its own, and visits each once, in a shuffled
    order. The answer depends on nothing but the arguments: a run is continued with its step number alone.

    Args:
        split: (N,) uint8 with N > context_bytes.
        batch_size: B, windows at a time.
        seed: the only source of chance.
        step: steps made before this one.
        context_bytes: T.
    """
    room = len(split) - 1  # bytes that have a next one
    num_windows = max(1, (room - context_bytes + 1) // context_bytes)
    epochs, places = np.divmod(step * batch_size + np.arange(batch_size), num_windows)
    offsets = np.empty((batch_size, 1), dtype=np.int64)
    for epoch in range(epochs[0], epochs[-1] + 1):
        of_epoch = _epoch_offsets(room, num_windows, context_bytes, seed, epoch)
        offsets[epochs == epoch, 0] = of_epoch[places[epochs == epoch]]
    return offsets


@lru_cache(maxsize=2)
def _epoch_offsets(room: int, num_windows: int, context_bytes: int, seed: int, epoch: int) -> np.ndarray:
    """Where the windows of an epoch begin, (num_windows,) int64, in the order of their turn."""
    rng = np.random.default_rng((seed, epoch))
    begin = rng.integers(room - num_windows * context_bytes + 1)
    offsets: np.ndarray = begin + context_bytes * rng.permutation(num_windows)
    return offsets


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
        (W, T + 1) uint8; window w starts at byte w * T, so its last column is the first of the next window. Not to be
        written to: all of them together are a view of ``split``.
    """
    windows = np.lib.stride_tricks.sliding_window_view(split, context_bytes + 1)[::context_bytes]
    if at_most is not None and at_most < len(windows):
        return windows[np.arange(at_most) * len(windows) // at_most]
    return windows
