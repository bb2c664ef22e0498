"""How attention knows where a byte stands: a class for each choice of the setting ``position``.

B windows, T positions, C channels, H heads of D = C / H channels.
"""

import torch
from torch import Tensor, nn

from bardtune.data.corpus import CONTEXT_BYTES
from bardtune.model.settings import TrialSettings


class Position(nn.Module):
    """Says nothing of places; a choice overrides what it needs."""

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__()

    @staticmethod
    def table(settings: TrialSettings) -> nn.Parameter | None:
        """What is learned for each place, (T, C), and added to the embeddings of the bytes."""
        return None

    def arrange(self, rows: Tensor) -> Tensor:
        """The rows of the matrix (3 C, C) or the bias (3 C,) for queries, keys and values, in the order to apply."""
        return rows

    def turn(self, qk: Tensor) -> Tensor:
        """Queries and keys (B, T, 2 C) with their places in them."""
        return qk

    def slopes(self) -> Tensor | None:
        """(H,) what each head takes from a score per byte of distance."""
        return None


class LearnedPosition(Position):
    """A vector for each place, added to the embeddings, as in GPT-2."""

    @staticmethod
    def table(settings: TrialSettings) -> nn.Parameter:
        return nn.Parameter(torch.empty(CONTEXT_BYTES, settings.d_model))


class RotaryPosition(Position):
    """Rotary position embedding (RoPE, arXiv 2104.09864): pairs of channels are turned by an angle of their place.

    Channel i of a head is turned with channel i + D / 2. ``arrange`` puts the two side by side, which no score tells
    apart, so that one multiplication by complex numbers turns them.
    """

    turns: Tensor
    order: Tensor

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__(settings)
        channels, n_heads = settings.d_model, settings.n_heads
        head_dim = channels // n_heads
        turns = rope_turns(head_dim, settings.rope_theta, CONTEXT_BYTES).repeat(1, 2 * n_heads)
        self.register_buffer("turns", turns, persistent=False)
        order = torch.arange(3 * channels)
        order[: 2 * channels] = order[: 2 * channels].view(-1, 2, head_dim // 2).mT.flatten()
        self.register_buffer("order", order, persistent=False)

    def arrange(self, rows: Tensor) -> Tensor:
        return rows.index_select(0, self.order)

    def turn(self, qk: Tensor) -> Tensor:
        return rotate(qk, self.turns[: qk.shape[1]])


class LinearBiases(Position):
    """Attention with linear biases (ALiBi, arXiv 2108.12409): what is far away scores less."""

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__(settings)
        self.n_heads = settings.n_heads

    def slopes(self) -> Tensor:
        return alibi_slopes(self.n_heads)


POSITIONS: dict[str, type[Position]] = {"rope": RotaryPosition, "learned": LearnedPosition, "alibi": LinearBiases}


def rope_turns(head_dim: int, theta: float, num_positions: int) -> Tensor:
    """(T, D / 2) complex64, by which RoPE turns each pair of channels."""
    frequencies = theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angles = torch.outer(torch.arange(num_positions).float(), frequencies)
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn each pair of neighbouring channels of x (B, T, N) by turns (T, N / 2); float32."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns).view(x.shape)


def alibi_slopes(n_heads: int) -> Tensor:
    """(H,): head h has slope 2 ** (-8 (h + 1) / H).

    The paper's special case for head counts that are not powers of two is left out, the geometric series serves any.
    """
    return 2.0 ** (-8.0 * torch.arange(1, n_heads + 1) / n_heads)
