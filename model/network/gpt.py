"""The byte-level GPT with all its options. B windows, T positions, C = d_model channels, V = 256."""

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bardtune.data.corpus import VOCAB_SIZE
from bardtune.model.counting.experts import CountExperts, Evidence
from bardtune.model.machine import one_core_each
from bardtune.model.network.embedding import HistoryEmbedding
from bardtune.model.network.layers import NORMS, Block
from bardtune.model.network.positions import POSITIONS
from bardtune.model.precision import uses_bfloat16
from bardtune.model.settings import TrialSettings

INIT_STD = 0.02


class GPT(nn.Module):
    """Bytes in, logits over the next byte out.

    With an ``ensemble_size`` above 1 there are ``others`` beside this network. They differ in their initial weights and
    in the windows that they learn from; each learns for itself, and their probabilities are averaged (deep ensembles,
    Lakshminarayanan et al., arXiv 1612.01474). What was counted in the text is shared by all.

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
        self.experts = CountExperts(settings) if CountExperts.needed_by(settings) else None
        self.positions = POSITIONS[settings.position].table(settings)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.n_layers))
        self.norm = NORMS[settings.norm](settings)
        self.head = nn.Linear(channels, VOCAB_SIZE, bias=False)
        if settings.tied_head:
            self.head.weight = self.token.weight
        self._init_weights(settings, generator)
        alone = replace(settings, ensemble_size=1)
        self.others = nn.ModuleList(GPT(alone, generator) for _ in range(settings.ensemble_size - 1))

    @property
    def networks(self) -> "list[GPT]":
        """This one and the others."""
        return [self, *self.others]

    def own_parameters(self) -> list[nn.Parameter]:
        """Those of this network without the others'."""
        return [parameter for name, parameter in self.named_parameters() if not name.startswith("others.")]

    def learn_counts(self, text: np.ndarray) -> None:
        """Count the training text (N,) uint8, if the model has experts that count; needed before ``forward``."""
        if self.experts is None:
            return
        self.experts.learn(text)
        for network in self.networks[1:]:
            assert network.experts is not None
            network.experts.share(self.experts)

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
        evidence = self._evidence(x, positions)
        if not self.others:
            return self._score(x, y, evidence)
        each = [network._score(x, None, evidence).float().log_softmax(-1) for network in self.networks]
        log_p = torch.stack(each).logsumexp(0) - math.log(len(each))
        return log_p if y is None else F.nll_loss(log_p.flatten(0, 1), y.flatten())

    def backward(self, x: Tensor, y: Tensor, positions: Tensor) -> float:
        """Add the gradients of each network's mean cross-entropy on its own share of the windows, side by side.

        Args:
            x, y, positions: (N * B, T) int64 each, as in ``forward``, B windows for each of N networks.

        Returns:
            The mean cross-entropy in nats.
        """

        def learn(network: GPT, *share: Tensor) -> float:
            loss = network._own_loss(*share)
            loss.backward()  # type: ignore[no-untyped-call]
            return float(loss.detach())

        if not self.others:
            return learn(self, x, y, positions)
        shares = (each.chunk(len(self.networks)) for each in (x, y, positions))
        with one_core_each() as pool:
            return sum(pool.map(learn, self.networks, *shares)) / len(self.networks)

    def _own_loss(self, x: Tensor, y: Tensor, positions: Tensor) -> Tensor:
        return self._score(x, y, self._evidence(x, positions))

    def _evidence(self, x: Tensor, positions: Tensor | None) -> Evidence | None:
        return self.experts.evidence(x, positions) if self.experts is not None else None

    def _score(self, x: Tensor, y: Tensor | None, evidence: Evidence | None) -> Tensor:
        """What ``forward`` gives, of this network alone."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            hidden = self._hidden(x, evidence)
            if self.experts is None or evidence is None:
                logits: Tensor = self.head(hidden)
            else:  # of the bytes that occur in the training text; the others' logit is 0
                logits = F.linear(hidden, self.head.weight[self.experts.alphabet])
        if self.experts is None or evidence is None:
            return logits if y is None else F.cross_entropy(logits.float().flatten(0, 1), y.flatten())
        hidden = hidden.flatten(0, 1)
        sums = logits.float().flatten(0, 1)[:, None] + self.experts.mix(hidden, evidence)
        columns, log_prior = _with_absent(sums), self.experts.log_prior(hidden)
        if y is None:
            log_p = (columns.log_softmax(-1) + log_prior[:, :, None]).logsumexp(1)
            return _spread_absent(log_p, sums.shape[-1])[:, self.experts.rank].view(*x.shape, VOCAB_SIZE)
        return _mixture_loss(columns, log_prior, self.experts.rank[y].flatten(), sums.shape[-1])

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
                parameter.fill_(settings.gate_mixtures / len(parameter))
            elif parameter.dim() >= 2:
                std = _init_std(name, parameter, settings)
                parameter.normal_(0.0, std, generator=generator) if std else parameter.zero_()
            elif name.endswith("bias"):
                parameter.zero_()

    def num_params(self) -> int:
        """Trained numbers and, once they are counted, the numbers in the experts' tables; a tied head counted once."""
        tables = self.experts.num_numbers() if self.experts is not None else 0
        return sum(parameter.numel() for parameter in self.parameters()) + tables


def _with_absent(sums: Tensor) -> Tensor:
    """Logits of the A bytes that occur, and one of all others together, which have logit 0 each: (P, M, A + 1)."""
    num_absent = VOCAB_SIZE - sums.shape[-1]
    return F.pad(sums, (0, 1), value=math.log(num_absent) if num_absent else -math.inf)


def _spread_absent(log_p: Tensor, num_symbols: int) -> Tensor:
    """Log-probabilities (P, A + 1) of the bytes that occur and of all others, to those of each byte, (P, V)."""
    num_absent = VOCAB_SIZE - num_symbols
    each = (log_p[:, num_symbols:] - math.log(max(num_absent, 1))).expand(-1, num_absent)
    return torch.cat((log_p[:, :num_symbols], each), 1)


def _mixture_loss(columns: Tensor, log_prior: Tensor, rank: Tensor, num_symbols: int) -> Tensor:
    """Mean cross-entropy in nats of M mixtures (P, M, A + 1), believed by log_prior (P, M); rank (P,) of the bytes."""
    num_mixtures = columns.shape[1]
    target = rank.clamp(max=num_symbols).repeat_interleave(num_mixtures)
    of_each = F.cross_entropy(columns.flatten(0, 1), target, reduction="none").view_as(log_prior)
    loss = -(log_prior - of_each).logsumexp(-1).mean()
    absent = rank >= num_symbols  # one of many
    return loss + absent.float().mean() * math.log(max(VOCAB_SIZE - num_symbols, 1))


def _init_std(name: str, parameter: Tensor, settings: TrialSettings) -> float:
    """Standard deviation of a parameter with two dimensions or more, at the beginning.

    As in GPT-2: 0.02, and 0.02 / sqrt(2 L) for what writes to the residual stream. With ``zero_init`` that and an
    untied head start at 0; with ``fan_in_init`` the blocks' other matrices, and the one that embeds the experts'
    confidence, have 1 / sqrt(their inputs).
    """
    if name.endswith("conv.kernel") or (name == "experts.gate.weight" and settings.gate_mixtures == 1):
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
