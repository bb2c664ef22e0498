"""Causal attention. B windows, T positions, C = d_model channels, H heads, D = C / H."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bardtune.data.corpus import CONTEXT_BYTES
from bardtune.model.network.positions import POSITIONS
from bardtune.model.settings import TrialSettings


class CausalSelfAttention(nn.Module):
    """Multi-head causal attention.

    Queries, keys and values have matrices of their own, so that Muon orthogonalizes them apart; they are applied
    as one product.
    """

    mask: Tensor | None

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__()
        channels, bias = settings.d_model, settings.biases
        self.n_heads, self.qk_norm, self.window = settings.n_heads, settings.qk_norm, settings.attention_window
        self.query = nn.Linear(channels, channels, bias=bias)
        self.key = nn.Linear(channels, channels, bias=bias)
        self.value = nn.Linear(channels, channels, bias=bias)
        self.project = nn.Linear(channels, channels, bias=bias)
        self.position = POSITIONS[settings.position](settings)
        slopes, mask = self.position.slopes(), None
        if self.window:
            mask = local_mask(torch.zeros(1) if slopes is None else slopes, self.window)
        elif slopes is not None:
            mask = whole_mask(slopes, CONTEXT_BYTES)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        num_windows, num_positions, channels = x.shape
        by_head = (num_windows, num_positions, -1, self.n_heads, channels // self.n_heads)
        parts = (self.query, self.key, self.value)
        weight = self.position.arrange(torch.cat([part.weight for part in parts]))
        bias = None
        if self.query.bias is not None:
            bias = self.position.arrange(torch.cat([part.bias for part in parts]))
        qk, v = torch.split(F.linear(x, weight, bias), [2 * channels, channels], -1)
        if self.qk_norm:
            qk = F.layer_norm(qk.view(by_head), by_head[-1:]).view(num_windows, num_positions, -1)
        qk, v = self.position.turn(qk).view(by_head), v.view(by_head)[:, :, 0]
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
        num_positions = q.shape[2]
        mask = self.mask[:, :num_positions, :num_positions].to(q.dtype)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def whole_mask(slopes: Tensor, num_positions: int) -> Tensor:
    """Causal mask (H, T, T) of heads with these slopes (H,): what to add to the scores."""
    position = torch.arange(num_positions)
    distance = (position[:, None] - position[None, :]).float()
    return (-slopes[:, None, None] * distance).masked_fill(distance < 0, -math.inf)


def local_mask(slopes: Tensor, width: int) -> Tensor:
    """Mask (H, W, 2 W) of a block of W queries over the block before it and itself; slopes (H,), or one for all."""
    distance = torch.arange(width)[:, None] + width - torch.arange(2 * width)
    outside = (distance < 0) | (distance >= width)
    return (-slopes[:, None, None] * distance).masked_fill(outside, -math.inf)


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
    """Add up the gradients of each block's keys, or values: from its own queries and from the next block's.

    Args:
        both: (N, 2 W, D), from the queries of each block: for the block before it, then for itself. For a block before
            the first of a window it is 0, since no query attends there.
        out: (N, W, D), filled.
    """
    before, own = both.chunk(2, 1)
    torch.add(own[:-1], before[1:], out=out[:-1])
    out[-1] = own[-1]
