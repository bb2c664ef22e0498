"""The parts of a block. B windows, T positions, C = d_model channels."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bardtune.model.network.attention import CausalSelfAttention
from bardtune.model.settings import TrialSettings


def layer_norm(settings: TrialSettings) -> nn.Module:
    return nn.LayerNorm(settings.d_model, bias=settings.biases)


def rms_norm(settings: TrialSettings) -> nn.Module:
    """With a learned gain."""
    return nn.RMSNorm(settings.d_model, eps=1e-6)


# Choices of the setting ``norm``.
NORMS: dict[str, Callable[[TrialSettings], nn.Module]] = {"layernorm": layer_norm, "rmsnorm": rms_norm}


class SquaredReLU(torch.autograd.Function):
    """relu(x) squared; the gradient is 2 relu(x), one product, where autograd would take a power and a mask."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        kept = x.relu()
        ctx.save_for_backward(kept)
        return kept * kept

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        kept: Tensor = ctx.saved_tensors[0]
        return (gradient * kept).mul_(2.0)


class Activation(NamedTuple):
    """What bends the hidden channels of the feed-forward part."""

    function: Callable[[Tensor], Tensor]
    gated: bool = False  # applied to a product of its own, by which the hidden channels are multiplied


# Choices of the setting ``activation``: GELU, SwiGLU (arXiv 2002.05202) and squared ReLU (arXiv 2109.08668).
ACTIVATIONS: dict[str, Activation] = {
    "gelu": Activation(F.gelu),
    "swiglu": Activation(F.silu, gated=True),
    "relu2": Activation(SquaredReLU.apply),
}


class FeedForward(nn.Module):
    """Two linear maps with an activation between them."""

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__()
        channels, hidden, bias = settings.d_model, settings.d_ff, settings.biases
        self.activation = ACTIVATIONS[settings.activation]
        self.expand = nn.Linear(channels, hidden, bias=bias)
        self.gate = nn.Linear(channels, hidden, bias=bias) if self.activation.gated else None
        self.project = nn.Linear(hidden, channels, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        hidden, bend = self.expand(x), self.activation.function
        out: Tensor = self.project(bend(hidden) if self.gate is None else bend(self.gate(x)) * hidden)
        return out


class CausalDepthwiseConv(nn.Module):
    """Each channel sees its own last ``width`` positions; starts as the identity."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.kernel = nn.Parameter(torch.zeros(width, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C): x plus the weighted sum of its shifted copies."""
        out = x
        for back in range(self.width):
            shifted = x if back == 0 else F.pad(x, (0, 0, back, 0))[:, : x.shape[1]]
            out = out + shifted * self.kernel[back]
        return out


class Block(nn.Module):
    """Pre-norm block: (convolution,) attention, feed-forward, each added to the residual stream."""

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__()
        self.conv = CausalDepthwiseConv(settings.d_model, settings.conv_width) if settings.conv_width else None
        self.norm_attention = NORMS[settings.norm](settings)
        self.attention = CausalSelfAttention(settings)
        self.norm_feed_forward = NORMS[settings.norm](settings)
        self.feed_forward = FeedForward(settings)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        attended = self.norm_attention(x)
        if self.conv is not None:
            attended = self.conv(attended)
        x = x + self.attention(attended)
        out: Tensor = x + self.feed_forward(self.norm_feed_forward(x))
        return out
