"""The byte-level GPT with all its options. B windows, T positions, C = d_model channels, V = 256."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data.corpus import CONTEXT_BYTES
from data.tokenizer import VOCAB_SIZE
from model.embedding import HistoryEmbedding
from model.experts import CountExperts, Evidence
from model.layers import Block, make_norm
from model.precision import uses_bfloat16
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
        self.embedding_norm = settings.embedding_norm
        self.bf16 = uses_bfloat16(settings.precision)
        self.token = nn.Embedding(VOCAB_SIZE, channels)
        self.history = HistoryEmbedding(settings.history_depth, channels) if settings.history_depth else None
        self.experts = CountExperts(settings) if CountExperts.wanted(settings) else None
        self.positions = None
        if settings.position == "learned":
            self.positions = nn.Parameter(torch.empty(CONTEXT_BYTES, channels))
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.n_layers))
        self.norm = make_norm(settings)
        self.head = nn.Linear(channels, VOCAB_SIZE, bias=False)
        if settings.tied_head:
            self.head.weight = self.token.weight
        self._init_weights(settings, generator)

    def learn_counts(self, text: np.ndarray) -> None:
        """Count the training text (N,) uint8, if the model has experts that count; needed before ``forward``."""
        if self.experts is not None:
            self.experts.learn(text)

    def forward(self, x: Tensor, y: Tensor | None = None, positions: Tensor | None = None) -> Tensor:
        """Score windows.

        Args:
            x: (B, T) int64, T at most 256.
            y: (B, T) int64, the byte after each of x; read only to pick its loss.
            positions: (B, T) int64, where the bytes of x stand in the training text, if they are from there: the
                counts then leave out what lies around them. None scores any other text.

        Returns:
            Logits (B, T, V), or with y the mean cross-entropy in nats, a scalar.
        """
        evidence = self.experts.evidence(x, positions) if self.experts is not None else None
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            hidden = self._hidden(x, evidence)
            if self.experts is None or evidence is None:
                logits: Tensor = self.head(hidden)
            else:  # of the bytes that occur in the training text; the others' logit is 0
                logits = F.linear(hidden, self.head.weight[self.experts.alphabet])
        if self.experts is None or evidence is None:
            return logits if y is None else F.cross_entropy(logits.float().flatten(0, 1), y.flatten())
        sums = logits.float().flatten(0, 1) + self.experts.mix(hidden.flatten(0, 1), evidence)
        if y is None:
            return F.pad(sums, (0, VOCAB_SIZE - sums.shape[1]))[:, self.experts.rank].view(*x.shape, VOCAB_SIZE)
        return self._loss(sums, self.experts.rank[y].flatten())

    @staticmethod
    def _loss(sums: Tensor, rank: Tensor) -> Tensor:
        """Mean cross-entropy in nats; sums (P, A) are of the bytes that occur, all others are one column."""
        num_absent = VOCAB_SIZE - sums.shape[1]
        if not num_absent:
            return F.cross_entropy(sums, rank)
        absent = rank >= sums.shape[1]
        columns = F.pad(sums, (0, 1), value=math.log(num_absent))
        loss = F.cross_entropy(columns, rank.clamp(max=sums.shape[1]))
        return loss + absent.float().mean() * math.log(num_absent)

    def _hidden(self, x: Tensor, evidence: Evidence | None) -> Tensor:
        """(B, T) int64 to (B, T, C), normalized."""
        hidden = self.token(x)
        if self.history is not None:
            hidden = hidden + self.history(x)
        if self.experts is not None and evidence is not None:
            hidden = hidden + self.experts.embed(evidence).view_as(hidden)
        if self.positions is not None:
            hidden = hidden + self.positions[: x.shape[1]]
        if self.embedding_norm:
            hidden = F.layer_norm(hidden, hidden.shape[-1:])
        for block in self.blocks:
            hidden = block(hidden)
        normed: Tensor = self.norm(hidden)
        return normed

    @torch.no_grad()
    def _init_weights(self, settings: TrialSettings, generator: torch.Generator) -> None:
        """Normal weights of ``_init_std``, biases 0; the gains of norms are 1 already."""
        for name, parameter in self.named_parameters():
            if name == "experts.gate.bias":  # at first, the experts' geometric mean
                parameter.fill_(1 / len(parameter))
            elif parameter.dim() >= 2:
                std = _init_std(name, parameter, settings)
                parameter.normal_(0.0, std, generator=generator) if std else parameter.zero_()
            elif name.endswith("bias"):
                parameter.zero_()

    def num_params(self) -> int:
        """Trained numbers and, once they are counted, the numbers in the experts' tables; a tied head counted once."""
        tables = self.experts.num_numbers() if self.experts is not None else 0
        return sum(parameter.numel() for parameter in self.parameters()) + tables


def _init_std(name: str, parameter: Tensor, settings: TrialSettings) -> float:
    """Standard deviation of a parameter with two dimensions or more, at the beginning.

    As in GPT-2: 0.02, and 0.02 / sqrt(2 L) for what writes to the residual stream. With ``zero_init`` that and an
    untied head start at 0; with ``fan_in_init`` the blocks' other matrices, and the one that embeds the experts'
    confidence, have 1 / sqrt(their inputs).
    """
    if name.endswith("conv.kernel") or name == "experts.gate.weight":
        return 0.0
    if name.endswith("project.weight"):
        return 0.0 if settings.zero_init else INIT_STD / math.sqrt(2 * settings.n_layers)
    if name == "head.weight" and settings.zero_init:
        return 0.0
    if name in ("token.weight", "history.tables"):
        return settings.embedding_std
    if settings.fan_in_init and (name.startswith("blocks.") or name == "experts.confidence.weight"):
        return float(parameter.shape[1] ** -0.5)
    return INIT_STD
