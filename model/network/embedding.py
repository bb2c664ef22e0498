"""The bytes before each byte, as vectors. B, T, C as in layers.py."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bardtune.data.corpus import VOCAB_SIZE
from bardtune.model.counting.contexts import previous_bytes


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
