"""Causal attention. B windows, T positions, C = d_model channels, H heads, D = C / H."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from bardtune.data.corpus import CONTEXT_BYTES
from bardtune.model.settings import TrialSettings
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def rope_turns(head_dim: int, theta: float, num_positions: int) -> Tensor:
    """(T, D / 2) complex64, by which rotary position embedding (arXiv 2104.09864) turns each pair of channels."""
    frequencies = theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angles = torch.outer(torch.arange(num_positions).float(), frequencies)
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn each pair of neighbouring channels of x (B, T, N) by turns (T, N / 2); float32."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns).view(x.shape)


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


def local_mask(n_heads: int, width: int, *, alibi: bool) -> Tensor:
    """Mask (1 or H, W, 2 W) of a block of W queries over the block before it and itself."""
    distance = torch.arange(width)[:, None] + width - torch.arange(2 * width)
    outside = (distance < 0) | (distance >= width)
    slopes = alibi_slopes(n_heads) if alibi else torch.zeros(1)
    return (-slopes[:, None, None] * distance).masked_fill(outside, -math.inf)


class CausalSelfAttention(nn.Module):
    """Multi-head causal attention with RoPE, ALiBi or no positions of its own.

    Queries, keys and values have matrices of their own, so that Muon orthogonalizes them apart; they are applied
    as one product. RoPE turns channel i of a head with channel i + D / 2; the product puts the two side by side, which
    no score tells apart, so that one multiplication by complex numbers turns them.
    """

    turns: Tensor
    order: Tensor
    mask: Tensor | None

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__()
        channels, bias = settings.d_model, settings.biases
        self.n_heads, self.position, self.qk_norm = settings.n_heads, settings.position, settings.qk_norm
        self.query = nn.Linear(channels, channels, bias=bias)
        self.key = nn.Linear(channels, channels, bias=bias)
        self.value = nn.Linear(channels, channels, bias=bias)
        self.project = nn.Linear(channels, channels, bias=bias)
        if self.position == "rope":
            head_dim = channels // self.n_heads
            turns = rope_turns(head_dim, settings.rope_theta, CONTEXT_BYTES).repeat(1, 2 * self.n_heads)
            self.register_buffer("turns", turns, persistent=False)
            order = torch.arange(3 * channels)
            order[: 2 * channels] = order[: 2 * channels].view(-1, 2, head_dim // 2).mT.flatten()
            self.register_buffer("order", order, persistent=False)
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
        by_head = (num_windows, num_positions, -1, self.n_heads, channels // self.n_heads)
        parts = (self.query, self.key, self.value)
        weight = torch.cat([part.weight for part in parts])
        bias = torch.cat([part.bias for part in parts]) if self.query.bias is not None else None
        if self.position == "rope":
            weight = weight.index_select(0, self.order)
            bias = bias.index_select(0, self.order) if bias is not None else None
        qk, v = torch.split(F.linear(x, weight, bias), [2 * channels, channels], -1)
        if self.qk_norm:
            qk = F.layer_norm(qk.view(by_head), by_head[-1:]).view(num_windows, num_positions, -1)
        if self.position == "rope":
            qk = rotate(qk, self.turns[:num_positions])
        qk, v = qk.view(by_head), v.view(by_head)[:, :, 0]
        if self.window:
            heads = LocalAttention.apply(qk, v, self.mask)  # type: ignore[no-untyped-call]
        else:
            heads = self._attend(*(part.transpose(1, 2) for part in (*qk.to(v.dtype).unbind(2), v))).transpose(1, 2)
        out: Tensor = self.project(heads.flatten(-2))
        return out

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attention of q, k and v, (B, H, T, D) each, to all of the window so far."""
        if self.mask is None:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        num_windows, _, num_positions, head_dim = q.shape
        mask = self.mask[:, :num_positions, :num_positions].to(q.dtype)
        if not self.explicit:
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        if len(mask) > 1:  # one per head
            mask = mask.repeat(num_windows, 1, 1)
        scores = torch.baddbmm(mask, q.flatten(0, 1), k.flatten(0, 1).mT, alpha=head_dim**-0.5)
        return torch.bmm(scores.softmax(-1), v.flatten(0, 1)).view(v.shape)


class LocalAttention(torch.autograd.Function):
    """Each position attends to the last W ones, block by block of that many (arXiv 2004.05150).

    A block of queries sees its own block of keys and the one before it. The blocks of all windows and heads, N in all,
    stand in one row, so that the two are one stretch of memory; what the first block of a window sees of the one
    before, another window's, has share 0. That hides any finite number. A window whose numbers are not finite has no
    loss, nor has a mean over it; it may take the window after it with it.
    """

    @staticmethod
    def forward(ctx: Any, qk: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """qk (B, T, 2, H, D), v (B, T, H, D), mask (1 or H, W, 2 W) to (B, T, H, D), of the type of v."""
        num_windows, _, n_heads, head_dim = v.shape
        width = mask.shape[1]
        queries, keys, values = _in_blocks((qk, v[:, :, None]), width)
        mask = mask.to(v.dtype)
        if len(mask) > 1:  # one per head
            mask = mask[:, None].repeat(num_windows, len(queries) // (num_windows * n_heads), 1, 1).flatten(0, 1)
        scores = torch.baddbmm(mask, queries[:, width:], keys.mT, alpha=head_dim**-0.5)
        scores.view(num_windows * n_heads, -1, width, 2 * width)[:, 0, :, :width] = -math.inf
        shares = scores.softmax(-1)
        ctx.save_for_backward(queries, keys, values, shares)
        return _of_windows(torch.bmm(shares, values)[None], v.shape)[:, :, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        queries, keys, values, shares = ctx.saved_tensors
        width, head_dim = shares.shape[1], gradient.shape[-1]
        blocks = _in_blocks((gradient[:, :, None],), width)[0][:, width:]
        d_shares = torch.bmm(blocks, values.mT)
        d_scores = torch._softmax_backward_data(d_shares, shares, -1, shares.dtype).mul_(head_dim**-0.5)
        d_parts = torch.empty(3, *blocks.shape, dtype=blocks.dtype)
        torch.bmm(d_scores, keys, out=d_parts[0])
        _add_with_next(torch.bmm(d_scores.mT, queries[:, width:]), d_parts[1])
        _add_with_next(torch.bmm(shares.mT, blocks), d_parts[2])
        return _of_windows(d_parts[:2], gradient.shape), _of_windows(d_parts[2:], gradient.shape)[:, :, 0], None


def _in_blocks(parts: tuple[Tensor, ...], width: int) -> list[Tensor]:
    """(B, T, ., H, D) each, to one (N, 2 W, D) for each of their slices: every block after the one before it.

    They overlap in memory, and are all of the last part's type.
    """
    num_windows, num_positions, _, n_heads, head_dim = parts[-1].shape
    num_parts, num_blocks = sum(part.shape[2] for part in parts), num_windows * n_heads * -(-num_positions // width)
    rows = torch.empty(num_parts, width * (1 + num_blocks), head_dim, dtype=parts[-1].dtype)
    rows[:, :width] = 0  # numbers, for the mask to hide
    of_windows = rows[:, width:].view(num_parts, num_windows, n_heads, -1, head_dim)
    of_windows[:, :, :, num_positions:] = 0
    first = 0
    for part in parts:
        of_windows[first : first + part.shape[2], :, :, :num_positions] = part.permute(2, 0, 3, 1, 4)
        first += part.shape[2]
    stretches, steps = (num_blocks, 2 * width, head_dim), (width * head_dim, head_dim, 1)
    return [row.as_strided(stretches, steps) for row in rows]


def _of_windows(parts: Tensor, shape: torch.Size) -> Tensor:
    """(., N, W, D) to (B, T, ., H, D); ``shape`` is (B, T, H, D)."""
    num_windows, num_positions, n_heads, head_dim = shape
    rows = parts.view(len(parts), num_windows, n_heads, -1, head_dim)
    return rows[:, :, :, :num_positions].permute(1, 3, 0, 2, 4).contiguous()


def _add_with_next(both: Tensor, out: Tensor) -> None:
    """Into out (N, W, D): what each block says of itself in both (N, 2 W, D), and the next one of it.

    What the first block of a window says of the one before it is zero, since its shares are.
    """
    before, own = both.chunk(2, 1)
    torch.add(own[:-1], before[1:], out=out[:-1])
    out[-1] = own[-1]
