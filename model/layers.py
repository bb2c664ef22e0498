"""The parts of a block. B windows, T positions, C = d_model channels, H heads, D = C / H."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data.corpus import CONTEXT_BYTES
from model.settings import TrialSettings


def make_norm(settings: TrialSettings) -> nn.Module:
    """LayerNorm, or RMSNorm with a learned gain."""
    if settings.norm == "rmsnorm":
        return nn.RMSNorm(settings.d_model, eps=1e-6)
    return nn.LayerNorm(settings.d_model, bias=settings.biases)


def rope_tables(head_dim: int, theta: float, num_positions: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (T, D), of rotary position embedding (arXiv 2104.09864), half-split layout."""
    frequencies = theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angles = torch.outer(torch.arange(num_positions).float(), frequencies)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair of channels (i, i + D / 2) of x (..., T, D) by its position's angle."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def alibi_slopes(n_heads: int) -> Tensor:
    """(H,) the penalty of each head per byte of distance (arXiv 2108.12409).

    Head h has slope 2 ** (-8 (h + 1) / H); the paper's special case for head counts that are not powers of two
    is left out, the geometric series serves any count.
    """
    return 2.0 ** (-8.0 * torch.arange(1, n_heads + 1) / n_heads)


def alibi_mask(n_heads: int, num_positions: int) -> Tensor:
    """Causal mask (H, T, T) with ALiBi's penalty, linear in the distance."""
    slopes = alibi_slopes(n_heads)
    position = torch.arange(num_positions)
    distance = (position[:, None] - position[None, :]).float()
    mask = -slopes[:, None, None] * distance
    return mask.masked_fill(distance < 0, -math.inf)


class CausalSelfAttention(nn.Module):
    """Multi-head causal attention with RoPE, ALiBi or no positions of its own.

    Queries, keys and values have matrices of their own, so that Muon orthogonalizes them apart; they are applied
    as one product.
    """

    cos: Tensor
    sin: Tensor
    mask: Tensor | None

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__()
        channels, bias = settings.d_model, settings.biases
        self.n_heads, self.position, self.qk_norm = settings.n_heads, settings.position, settings.qk_norm
        self.query = nn.Linear(channels, channels, bias=bias)
        self.key = nn.Linear(channels, channels, bias=bias)
        self.value = nn.Linear(channels, channels, bias=bias)
        self.project = nn.Linear(channels, channels, bias=bias)
        head_dim = channels // self.n_heads
        if self.position == "rope":
            cos, sin = rope_tables(head_dim, settings.rope_theta, CONTEXT_BYTES)
            self.register_buffer("cos", cos, persistent=False)
            self.register_buffer("sin", sin, persistent=False)
        self.explicit, self.window = settings.attention == "explicit", settings.attention_window
        mask = None
        if self.window:
            mask = local_mask(self.n_heads, self.window, alibi=self.position == "alibi")
        elif self.position == "alibi":
            mask = alibi_mask(self.n_heads, CONTEXT_BYTES)
        elif self.explicit:
            mask = torch.full((1, CONTEXT_BYTES, CONTEXT_BYTES), -math.inf).triu(1)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        num_windows, num_positions, channels = x.shape
        weight = torch.cat((self.query.weight, self.key.weight, self.value.weight))
        bias = torch.cat((self.query.bias, self.key.bias, self.value.bias)) if self.query.bias is not None else None
        qkv = F.linear(x, weight, bias).view(num_windows, num_positions, 3, self.n_heads, channels // self.n_heads)
        qk, v = qkv[:, :, :2], qkv[:, :, 2]
        if self.qk_norm:
            qk = F.layer_norm(qk, qk.shape[-1:])
        if self.position == "rope":
            cos, sin = self.cos[:num_positions, None, None], self.sin[:num_positions, None, None]
            qk = rotate(qk, cos.to(qk.dtype), sin.to(qk.dtype))
        q, k, v = (part.transpose(1, 2) for part in (*qk.unbind(2), v))  # each (B, H, T, D)
        heads = self._attend(q, k, v)
        out: Tensor = self.project(heads.transpose(1, 2).reshape(num_windows, num_positions, channels))
        return out

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Causal attention of q, k and v, (B, H, T, D) each."""
        num_windows, _, num_positions, head_dim = q.shape
        if self.window:
            return self._attend_locally(q, k, v)
        if self.mask is None:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        mask = self.mask[:, :num_positions, :num_positions].to(q.dtype)
        if not self.explicit:
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        if len(mask) > 1:  # one per head
            mask = mask.repeat(num_windows, 1, 1)
        scores = torch.baddbmm(mask, q.flatten(0, 1), k.flatten(0, 1).mT, alpha=head_dim**-0.5)
        return torch.bmm(scores.softmax(-1), v.flatten(0, 1)).view(v.shape)

    def _attend_locally(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Each position attends to the last ``window`` ones, block by block of that many (arXiv 2004.05150).

        q, k, v: (B, H, T, D) each. A block of queries sees its own block of keys and the one before it.
        """
        assert self.mask is not None
        num_windows, n_heads, num_positions, head_dim = q.shape
        width, num_blocks = self.window, -(-num_positions // self.window)
        padding = (0, 0, 0, num_blocks * width - num_positions)
        queries = F.pad(q, padding).reshape(-1, width, head_dim)
        keys, values = (_with_block_before(F.pad(part, padding), width) for part in (k, v))
        mask = self.mask.to(q.dtype)  # (1 or H, W, 2 W)
        mask = mask[:, None].repeat(num_windows, num_blocks, 1, 1).flatten(0, 1) if len(mask) > 1 else mask
        scores = torch.baddbmm(mask, queries, keys.mT, alpha=head_dim**-0.5)
        scores.view(-1, num_blocks, width, 2 * width)[:, 0, :, :width] = -math.inf  # nothing is before the first
        heads = torch.bmm(scores.softmax(-1), values)
        return heads.view(num_windows, n_heads, num_blocks * width, head_dim)[:, :, :num_positions]


def local_mask(n_heads: int, width: int, *, alibi: bool) -> Tensor:
    """Mask (1 or H, W, 2 W) of a block of W queries over the block before it and itself."""
    distance = torch.arange(width)[:, None] + width - torch.arange(2 * width)
    outside = (distance < 0) | (distance >= width)
    slopes = alibi_slopes(n_heads) if alibi else torch.zeros(1)
    return (-slopes[:, None, None] * distance).masked_fill(outside, -math.inf)


def _with_block_before(x: Tensor, width: int) -> Tensor:
    """(B, H, M W, D) to (B H M, 2 W, D): each block of W positions, after the one before it or zeros."""
    blocks = F.pad(x, (0, 0, width, 0)).reshape(x.shape[0] * x.shape[1], -1, width, x.shape[-1])
    return torch.cat((blocks[:, :-1], blocks[:, 1:]), 2).flatten(0, 1)


class FeedForward(nn.Module):
    """GELU, SwiGLU (arXiv 2002.05202) or squared ReLU (arXiv 2109.08668)."""

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__()
        channels, hidden, bias = settings.d_model, settings.d_ff, settings.biases
        self.activation = settings.activation
        self.expand = nn.Linear(channels, hidden, bias=bias)
        self.gate = nn.Linear(channels, hidden, bias=bias) if self.activation == "swiglu" else None
        self.project = nn.Linear(hidden, channels, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        hidden = self.expand(x)
        if self.gate is not None:
            hidden = F.silu(self.gate(x)) * hidden
        elif self.activation == "relu2":
            hidden = F.relu(hidden).square()
        else:
            hidden = F.gelu(hidden)
        out: Tensor = self.project(hidden)
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
        self.norm_attention = make_norm(settings)
        self.attention = CausalSelfAttention(settings)
        self.norm_feed_forward = make_norm(settings)
        self.feed_forward = FeedForward(settings)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        attended = self.norm_attention(x)
        if self.conv is not None:
            attended = self.conv(attended)
        x = x + self.attention(attended)
        out: Tensor = x + self.feed_forward(self.norm_feed_forward(x))
        return out
