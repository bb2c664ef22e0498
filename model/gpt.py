"""The byte-level GPT with all its options. B windows, T positions, C = d_model channels, V = 256."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data.corpus import CONTEXT_BYTES
from data.tokenizer import VOCAB_SIZE
from model.embedding import HistoryEmbedding, NgramTables
from model.layers import Block, make_norm
from model.settings import TrialSettings

INIT_STD = 0.02


class GPT(nn.Module):
    """Bytes in, logits over the next byte out.

    Args:
        settings: shape and variants.
        generator: the only source of chance for the initial weights.
    """

    def __init__(self, settings: TrialSettings, generator: torch.Generator) -> None:
        super().__init__()
        channels = settings.d_model
        self.bf16 = settings.precision == "bf16"
        self.token = nn.Embedding(VOCAB_SIZE, channels)
        self.history = HistoryEmbedding(settings.history_depth, channels) if settings.history_depth else None
        self.ngrams = None
        if settings.ngram_max_order >= 2:
            self.ngrams = NgramTables(
                max_order=settings.ngram_max_order, rows_log2=settings.ngram_rows_log2, channels=channels
            )
        self.positions = None
        if settings.position == "learned":
            self.positions = nn.Parameter(torch.empty(CONTEXT_BYTES, channels))
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.n_layers))
        self.norm = make_norm(settings)
        self.head = nn.Linear(channels, VOCAB_SIZE, bias=False)
        if settings.tied_head:
            self.head.weight = self.token.weight
        self._init_weights(settings, generator)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Score windows.

        Args:
            x: (B, T) int64, T at most 256.
            y: (B, T) int64, the byte after each of x; read only to pick its loss.

        Returns:
            Logits (B, T, V), or with y the mean cross-entropy in nats, a scalar.
        """
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            logits: Tensor = self.head(self._hidden(x))
        if y is None:
            return logits
        return F.cross_entropy(logits.float().flatten(0, 1), y.flatten())

    def _hidden(self, x: Tensor) -> Tensor:
        """(B, T) int64 to (B, T, C), normalized."""
        hidden = self.token(x)
        if self.history is not None:
            hidden = hidden + self.history(x)
        if self.ngrams is not None:
            hidden = hidden + self.ngrams(x)
        if self.positions is not None:
            hidden = hidden + self.positions[: x.shape[1]]
        for block in self.blocks:
            hidden = block(hidden)
        normed: Tensor = self.norm(hidden)
        return normed

    @torch.no_grad()
    def _init_weights(self, settings: TrialSettings, generator: torch.Generator) -> None:
        """N(0, 0.02), biases 0; what writes to the residual stream is scaled by 1 / sqrt(2 L), or starts at 0."""
        residual_std = 0.0 if settings.zero_init else INIT_STD / math.sqrt(2 * settings.n_layers)
        for name, parameter in self.named_parameters():
            if name.endswith("project.weight"):
                parameter.normal_(0.0, residual_std, generator=generator)
            elif name.endswith("conv.kernel"):
                parameter.zero_()
            elif parameter.dim() >= 2:
                parameter.normal_(0.0, INIT_STD, generator=generator)
            elif name.endswith("bias"):
                parameter.zero_()

    def num_params(self) -> int:
        """Trained numbers, n-gram tables included, a tied head counted once."""
        tables = self.ngrams.rows.numel() if self.ngrams is not None else 0
        return sum(parameter.numel() for parameter in self.parameters()) + tables
