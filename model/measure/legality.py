"""What a model must not do to be measured with the ruler, asked of one that somebody else has made.

It predicts each byte from the bytes before it in its own window, and keeps nothing from one call to the next. That is
asked here of windows of the text: what is true of all of these may still be false of others, by malice, hardly by
mistake. B windows, T positions, V = 256.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bardtune.data.corpus import CONTEXT_BYTES
from bardtune.data.errors import UserError
from bardtune.data.windows import windows_at
from bardtune.model.measure.ruler import WINDOWS_AT_ONCE

# Sums may be rounded otherwise where a later byte is other (a long convolution by FFT does so). A log-probability that
# knows more than this is broken, and one that knows less cannot gain more bits per byte than the fourth decimal.
LEAK_NATS = 1e-4


class IllegalModelError(UserError):
    """A model that no bpb can be given; the sentence goes on after "the model that it handed back"."""


def check_legality(model: nn.Module, text: np.ndarray) -> None:
    """Ask a model in evaluation mode.

    Args:
        model: maps (B, T) int64 to logits (B, T, V).
        text: (N,) uint8 with N > CONTEXT_BYTES, to take windows from.

    Raises:
        IllegalModelError: it looks ahead, looks at other windows, has state or chance, or a logit that is no number.
    """
    rng = np.random.default_rng(0)
    x, others = _windows(text, WINDOWS_AT_ONCE, rng), _windows(text, WINDOWS_AT_ONCE, rng)
    first = _log_p(model, x)
    _log_p(model, others)
    if bool(_differs(_log_p(model, x), first).any()):
        raise IllegalModelError(
            "answers otherwise when it is asked again: it has state that outlives a call, or chance"
        )
    beside = _log_p(model, torch.cat((x[:1], others[1:])))
    if bool(_differs(beside[:1], first[:1]).any()):
        raise IllegalModelError("looks at the other windows of its batch")
    for cut in range(0, CONTEXT_BYTES - 1, WINDOWS_AT_ONCE):
        _check_past(model, text, torch.arange(cut, min(cut + WINDOWS_AT_ONCE, CONTEXT_BYTES - 1)), rng)


def _check_past(model: nn.Module, text: np.ndarray, cuts: Tensor, rng: np.random.Generator) -> None:
    """Change all bytes after each of cuts (B,), in a window each: to those of another place, and to random ones."""
    x = _windows(text, len(cuts), rng)
    later = torch.arange(CONTEXT_BYTES) > cuts[:, None]
    before = _log_p(model, x)
    for others in (_windows(text, len(cuts), rng), _other_bytes(x, text, rng)):
        after = _log_p(model, torch.where(later, others, x))
        seen = (_differs(after, before) & ~later).any(1)
        if bool(seen.any()):
            cut = int(cuts[seen][0])
            raise IllegalModelError(
                f"looks ahead: other bytes after position {cut} change what it predicted up to there"
            )


def _windows(text: np.ndarray, num_windows: int, rng: np.random.Generator) -> Tensor:
    """(B, T) int64 from random places."""
    offsets = rng.integers(len(text) - CONTEXT_BYTES, size=(num_windows, 1))
    return torch.from_numpy(windows_at(text, offsets)[:, :-1].astype(np.int64))


def _other_bytes(x: Tensor, text: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Bytes that occur in the text, each another than in x (B, T); those of x if no other occurs."""
    alphabet = np.unique(text).astype(np.int64)
    if len(alphabet) == 1:
        return x
    ranks = np.searchsorted(alphabet, x.numpy()) + rng.integers(1, len(alphabet), size=x.shape)
    return torch.from_numpy(alphabet[ranks % len(alphabet)])


def _differs(one: Tensor, other: Tensor) -> Tensor:
    """(B, T): where two (B, T, V) are not the same; two of minus infinity are."""
    return ~((one == other) | ((one - other).abs() <= LEAK_NATS)).all(-1)


@torch.no_grad()
def _log_p(model: nn.Module, x: Tensor) -> Tensor:
    """(B, T) to (B, T, V), float32."""
    log_p = F.log_softmax(model(x).float(), -1)
    if bool(log_p.isnan().any()):
        raise IllegalModelError("gives logits that are no numbers")
    return log_p
