"""The ruler: bits per byte on fixed windows. One metric, one version: METRIC_VERSION in model/__init__.py.

A legal model (see tests/model/test_legality.py) predicts byte t + 1 from bytes up to t of its own window only, gives
probabilities that sum to 1, and keeps nothing from one call to the next.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

INTERMEDIATE_WINDOWS = 64  # of 256 bytes, for the values on the way
WINDOWS_AT_ONCE = 32


def bits_per_byte(total_nats: float, num_bytes: int) -> float:
    """Summed cross-entropy to bits per byte. 8.0 is a blind guess; lower is better."""
    return total_nats / (num_bytes * math.log(2))


def say_nothing(share: float) -> None:
    return


@torch.no_grad()
def evaluate(model: nn.Module, windows: np.ndarray, *, on_share: Callable[[float], None] = say_nothing) -> float:
    """Return the model's bits per byte over all windows, as a mean over bytes.

    Args:
        model: maps (B, T) int64 to logits (B, T, V); its training mode is put back afterwards.
        windows: (W, T + 1) uint8, from ``evaluation_windows``.
        on_share: told again and again what part of them is done, 0 to 1.
    """
    was_training = model.training
    model.eval()
    total_nats, num_bytes = 0.0, 0
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        batch = torch.from_numpy(windows[start : start + WINDOWS_AT_ONCE].astype(np.int64))
        x, y = batch[:, :-1], batch[:, 1:]
        total_nats += float(window_nats(model(x), y).sum())
        num_bytes += y.numel()
        on_share(min(1.0, (start + WINDOWS_AT_ONCE) / len(windows)))
    model.train(was_training)
    return bits_per_byte(total_nats, num_bytes)


def window_nats(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of each byte in nats, with a float32 log-softmax.

    Args:
        logits: (B, T, V), any float type.
        y: (B, T) int64.

    Returns:
        (B, T) float32, so that a mean over everything is a mean over bytes.
    """
    return F.cross_entropy(logits.float().flatten(0, 1), y.flatten(), reduction="none").view_as(y)
