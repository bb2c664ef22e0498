"""From bytes to vectors: the byte itself, the bytes before it, and hashed n-grams. B, T, C as in layers.py."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data.tokenizer import VOCAB_SIZE

HASH_FACTOR = 0x9E3779B97F4A7C15 - 2**64  # 2**64 / golden ratio, odd, as a signed 64-bit integer
ADAGRAD_EPS = 1e-8


def previous_bytes(x: Tensor, back: int) -> Tensor:
    """x (B, T) shifted so that position t holds byte t - back; 0 before the window begins."""
    return F.pad(x, (back, 0))[:, : x.shape[1]]


class HistoryEmbedding(nn.Module):
    """One embedding table for each of the previous ``depth`` bytes, summed."""

    def __init__(self, depth: int, channels: int) -> None:
        super().__init__()
        self.depth = depth
        self.tables = nn.Parameter(torch.empty(depth * VOCAB_SIZE, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) int64 to (B, T, C)."""
        ids = torch.stack([previous_bytes(x, back + 1) + back * VOCAB_SIZE for back in range(self.depth)])
        return F.embedding(ids, self.tables).sum(0)


class NgramTables(nn.Module):
    """Hashed tables for the last 2..max_order bytes, summed, with a row-wise Adagrad of their own.

    A row is touched only when its n-gram occurs, so the tables stay out of autograd: a training pass remembers
    which rows it read, and ``update`` spends the gradient of their sum, which is the same for every order.
    One accumulator per row (row-wise Adagrad, as in DLRM, arXiv 1906.00091) lets rare rows move fast and common
    ones settle. All rows start at zero: an n-gram that was never trained adds nothing.
    """

    rows: Tensor
    accumulator: Tensor

    def __init__(self, *, max_order: int, rows_log2: int, channels: int) -> None:
        super().__init__()
        self.orders = range(2, max_order + 1)
        self.rows_log2 = rows_log2
        num_rows = len(self.orders) << rows_log2
        self.register_buffer("rows", torch.zeros(num_rows, channels))
        self.register_buffer("accumulator", torch.zeros(num_rows))
        self._read: tuple[Tensor, Tensor] | None = None  # ids and their sum, of the last training pass

    def ids(self, x: Tensor) -> Tensor:
        """(B, T) int64 to row numbers (O, B, T), one per order; position t sees bytes up to t only."""
        key = x + 1
        ids = []
        for table, order in enumerate(self.orders):
            key = key * HASH_FACTOR + previous_bytes(x, order - 1) + 1
            mixed = (key ^ (key >> 29)) * HASH_FACTOR
            row = (mixed >> (63 - self.rows_log2)) & ((1 << self.rows_log2) - 1)
            ids.append(row + (table << self.rows_log2))
        return torch.stack(ids)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) int64 to (B, T, C)."""
        ids = self.ids(x)
        total = F.embedding(ids[0], self.rows)
        for order_ids in ids[1:]:
            total += F.embedding(order_ids, self.rows)
        if self.training and torch.is_grad_enabled():
            total.requires_grad_()
            self._read = (ids, total)
        return total

    @torch.no_grad()
    def update(self, learning_rate: float) -> None:
        """Move the rows that the last training pass read; call after ``backward``."""
        if self._read is None or self._read[1].grad is None:
            return
        ids, total = self._read
        self._read = None
        assert total.grad is not None
        gradient = total.grad.flatten(0, 1).float()  # (B * T, C)
        # The loss is a mean over B * T positions: undo that, so that a row's step ignores the batch size.
        gradient = gradient * len(gradient)
        square = gradient.square().mean(1)
        for order_ids in ids.flatten(1):
            self.accumulator.index_add_(0, order_ids, square)
            scale = learning_rate / (self.accumulator[order_ids].sqrt() + ADAGRAD_EPS)
            self.rows.index_add_(0, order_ids, gradient * -scale[:, None])
