"""Experts that predict the next byte by counting, and how the network mixes them. B, T, C as in layers.py.

Each of the E experts knows one kind of context: the last n bytes or the last words, counted in the training text, or
the last n bytes counted in the window itself. Their log-probabilities are added to the network's logits with weights
that the network chooses at each position: logistic mixing, as PAQ does it (M. Mahoney, 2005), with a transformer as
the mixer. M such mixtures, each with weights of its own, are averaged as probabilities: a mixture of softmaxes
(Yang et al., arXiv 1711.03953). P = B * T positions, A bytes that occur in the training text.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bardtune.data.corpus import VOCAB_SIZE
from bardtune.data.mapped import let_go
from bardtune.model.counting.contexts import (
    GOLDEN,
    class_contexts,
    order_contexts,
    skip_contexts,
    spread,
    suffix_contexts,
    word_contexts,
    words_of,
)
from bardtune.model.counting.counts import NUM_FOLDS, CountTables
from bardtune.model.counting.loops import AT_ONCE, compiled, count_in_text, count_in_windows, in_threads, smooth
from bardtune.model.counting.word_classes import WordClasses
from bardtune.model.precision import uses_bfloat16
from bardtune.model.settings import TrialSettings

LEAST_ORDER = 2  # a single byte is the table that all experts start from
LEAST_WINDOW_ORDER = 3
BASE_ORDER = 5  # what words and the window say is mixed with the longest context of up to this many bytes
DISCOUNT = 0.8  # taken from each count and given to the shorter context (absolute discounting, Ney et al. 1994)
LEAST_PROBABILITY = 1e-7
COUNTED_BYTES_PER_S = 200_000  # of budget: counting 14 kinds of contexts takes a third to a half of a short one then
LEAST_COUNTED_BYTES = 200_000
BLOCK_BYTES = 1 << 20  # of a text are counted at once, which may be as long as memory is large
CONFIDENCE_SCALE = 0.25
ROOT_SCALE = 5.0  # of square roots of probabilities, beside logarithms that reach -16; 10 did as well


class Evidence(NamedTuple):
    """What the experts say of each position; nothing in it is trained."""

    log_p: Tensor  # (P, E, A) float32
    confidence: Tensor  # (P, 2 E) float32: log(1 + times seen) and log(1 + distinct successors) of each, scaled


class CountExperts(nn.Module):
    """E experts, K counted in the training text and W in the window; their embedding, and the gate that weighs them.

    ``learn`` must be called with the training text before anything else.
    """

    def __init__(self, settings: TrialSettings) -> None:
        super().__init__()
        self.most_bytes = max(LEAST_COUNTED_BYTES, int(settings.budget_s * COUNTED_BYTES_PER_S))
        self.orders = range(LEAST_ORDER, settings.count_max_order + 1)
        self.num_words, self.num_skips = settings.count_words, settings.count_skips
        self.num_suffixes, self.num_classes = settings.count_suffixes, settings.count_classes
        self.dropout = settings.count_dropout
        self.window_orders = range(LEAST_WINDOW_ORDER, settings.window_max_order + 1, 2)
        self.window_words = settings.window_words
        num_counted = len(self.orders) + self.num_words + self.num_skips + self.num_suffixes + self.num_classes
        num_experts = num_counted + len(self.window_orders) + self.window_words
        self.confidence = nn.Linear(2 * num_experts, settings.d_model, bias=False)
        self.guess = nn.Linear(4 * VOCAB_SIZE, settings.d_model, bias=False)
        self.num_mixtures = settings.gate_mixtures
        self.gate = nn.Linear(settings.d_model, self.num_mixtures * num_experts)
        self.prior = nn.Linear(settings.d_model, self.num_mixtures) if self.num_mixtures > 1 else None
        self.dtype = torch.bfloat16 if uses_bfloat16(settings.precision) else torch.float32
        self.tables: CountTables | None = None
        self.word_classes: WordClasses | None = None

    @staticmethod
    def needed_by(settings: TrialSettings) -> bool:
        """Whether these settings ask for any expert."""
        return (
            settings.count_max_order >= LEAST_ORDER
            or settings.count_words + settings.count_skips + settings.count_suffixes + settings.count_classes > 0
            or settings.window_max_order >= LEAST_WINDOW_ORDER
            or settings.window_words > 0
        )

    def learn(self, text: np.ndarray) -> None:
        """Count the training text (N,) uint8, or as much of its beginning as the budget allows."""
        self.word_classes = WordClasses(text[: self.most_bytes]) if self.num_classes else None
        self.tables = CountTables(text, lambda x: self._contexts(x)[0], most_bytes=self.most_bytes)
        self.alphabet = alphabet = self.tables.alphabet
        self.base = base_probabilities(text, alphabet)
        self.text_length = len(text)
        absent = torch.ones(VOCAB_SIZE, dtype=torch.bool)
        absent[alphabet] = False
        self.rank = torch.cat((alphabet, absent.nonzero().flatten())).argsort()  # bytes that occur come first
        self.guess_columns = torch.cat([alphabet + VOCAB_SIZE * number for number in range(4)])

    def share(self, other: "CountExperts") -> None:
        """Know what another network's experts have learned, without a copy of it."""
        self.tables, self.word_classes = other.tables, other.word_classes
        self.alphabet, self.rank, self.guess_columns = other.alphabet, other.rank, other.guess_columns
        self.base, self.text_length = other.base, other.text_length

    def num_numbers(self) -> int:
        """Numbers in the tables."""
        return 0 if self.tables is None else self.tables.num_numbers() + self.base.numel()

    @torch.no_grad()
    def evidence(self, x: Tensor, positions: Tensor | None) -> Evidence:
        """Ask all experts about windows.

        Args:
            x: (B, T) int64.
            positions: (B, T) int64, where each byte stands in the training text; None for any other text.
        """
        assert self.tables is not None, "learn the training text first"
        counted, in_window = (_stack(keys, x) for keys in self._contexts(x))
        if positions is not None and self.dropout:
            counted = self._drop(counted, positions)
        asked = _Asked(
            rows=self.tables.rows(counted, positions),
            window_keys=(in_window.transpose(0, 1) >> 32).int().contiguous(),
            ranks=self.rank[x],
            base=self._base(self.rank[x], positions),
        )
        probabilities, times, kinds = self._by_loops(asked) or self._by_operations(asked)
        confidence = torch.cat((times, kinds), 1).log1p_().mul_(CONFIDENCE_SCALE)
        return Evidence(probabilities.log_(), confidence)

    def embed(self, evidence: Evidence) -> Tensor:
        """(P, C): the longest context's and the window's distributions, and how sure each expert can be.

        The logarithms of probabilities tell apart what is hardly possible, their square roots what is likely.
        """
        last_order = max(len(self.orders) - 1, 0)
        log_p = torch.cat((evidence.log_p[:, last_order], evidence.log_p[:, -1]), -1)
        guess = torch.cat((log_p, log_p.mul(0.5).exp_().mul_(ROOT_SCALE)), -1)
        embedded: Tensor = self.confidence(evidence.confidence)
        return embedded + F.linear(guess, self.guess.weight[:, self.guess_columns])

    def mix(self, hidden: Tensor, evidence: Evidence) -> Tensor:
        """What to add to the logits of the bytes that occur: hidden (P, C) to (P, M, A) for M mixtures, float32.

        Bytes that do not occur have probability ``LEAST_PROBABILITY`` with every expert; that is the zero here.
        """
        with torch.autocast("cpu", enabled=False):
            weights = self.gate(hidden.float()).view(len(hidden), self.num_mixtures, -1)
            mixed = torch.bmm(weights, evidence.log_p)
            over_least: Tensor = mixed - math.log(LEAST_PROBABILITY) * weights.sum(-1, keepdim=True)
            return over_least

    def log_prior(self, hidden: Tensor) -> Tensor:
        """How far each of the M mixtures is to be believed: hidden (P, C) to (P, M), float32."""
        if self.prior is None:
            return torch.zeros(len(hidden), 1)
        with torch.autocast("cpu", enabled=False):
            believed: Tensor = self.prior(hidden.float()).log_softmax(-1)
            return believed

    def _contexts(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Keys (B, T) int64 of x (B, T): K of what is counted in the training text, W of what is in the window."""
        orders = range(1, max(self.orders.stop, self.window_orders.stop))
        of_order = dict(zip(orders, order_contexts(x, orders), strict=True))
        num_words = max(self.num_words, self.window_words)
        reach = max(
            num_words - 1, self.num_suffixes, *(number and number + 1 for number in (self.num_skips, self.num_classes))
        )
        words = words_of(x, reach)
        of_words = word_contexts(words, num_words)
        counted = [of_order[order] for order in self.orders] + of_words[: self.num_words]
        counted += skip_contexts(words, self.num_skips) + suffix_contexts(words, self.num_suffixes)
        if self.word_classes is not None:
            classes = [self.word_classes.before(words, back) for back in range(self.num_classes + 1)]
            counted += class_contexts(words, classes)
        return counted, [of_order[order] for order in self.window_orders] + of_words[: self.window_words]

    def _base(self, ranks: Tensor, positions: Tensor | None) -> Tensor:
        """Probabilities (P, A) after the bytes with these ranks (B, T)."""
        num_rows = self.base.shape[1]
        row = ranks.clamp(max=num_rows - 1)
        if positions is not None:
            row += (1 + positions * NUM_FOLDS // self.text_length) * num_rows
        return self.base.flatten(0, 1).index_select(0, row.flatten())

    def _drop(self, keys: Tensor, positions: Tensor) -> Tensor:
        """Make each kind of context unknown in a share ``dropout`` of the training windows; keys (K, B, T).

        Which ones is a function of where a window begins, so that a repeated run needs no other state.
        """
        chance = (positions[:, :1] + 1) * GOLDEN + torch.arange(len(keys))[:, None, None]
        drawn = (spread(spread(chance) * GOLDEN) >> 40) & 0xFFFF  # (K, B, 1)
        return keys * (drawn >= self.dropout * 0x10000)

    def _by_loops(self, asked: "_Asked") -> tuple[Tensor, Tensor, Tensor] | None:
        """What ``_by_operations`` gives, to the last bit, but faster; None without numba."""
        in_text, in_windows, to_probabilities = map(compiled, (count_in_text, count_in_windows, smooth))
        if in_text is None or in_windows is None or to_probabilities is None:
            return None
        assert self.tables is not None
        num_positions, num_windows = len(asked.rows), len(asked.ranks)
        num_experts = asked.rows.shape[1] + asked.window_keys.shape[1]
        counts = torch.empty(num_positions, num_experts, self.tables.num_symbols)
        times, kinds = torch.empty(num_positions, num_experts), torch.empty(num_positions, num_experts)
        rows, keys, ranks, base = (each.numpy() for each in asked)
        entries, dense = self.tables.entries.numpy(), self.tables.dense.numpy()
        found = [each.numpy() for each in (counts, times, kinds)]
        by_window = [each.reshape(num_windows, -1, *each.shape[1:]) for each in found]
        rule = (len(self.orders), self._num_longest(), np.float32(DISCOUNT), np.float32(LEAST_PROBABILITY))
        length = num_positions // num_windows

        def work(window: slice) -> None:
            here = slice(window.start * length, window.stop * length)
            in_text(rows[here], entries, dense, *(each[here] for each in found))
            in_windows(keys[window], ranks[window], *(each[window] for each in by_window))
            to_probabilities(*(each[here] for each in found), base[here], rule)

        in_threads(work, num_windows, at_once=max(1, AT_ONCE // length))
        return counts, times, kinds

    def _by_operations(self, asked: "_Asked") -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities (P, E, A); how often and how many kinds of bytes followed each context, (P, E): float32."""
        assert self.tables is not None
        counts = torch.cat([self.tables.read(asked.rows), *self._count_in_windows(asked)], 1)
        times = counts.sum(-1, keepdim=True)
        kinds = counts.clamp(max=1).sum(-1, keepdim=True)
        probabilities = self._smooth(counts, times, kinds, asked.base).clamp_(LEAST_PROBABILITY)
        return probabilities, times[:, :, 0], kinds[:, :, 0]

    def _count_in_windows(self, asked: "_Asked") -> list[Tensor]:
        """What followed each context earlier in its window: (P, 1, A) each."""
        assert self.tables is not None
        num_positions = asked.ranks.shape[1]
        follower = F.one_hot(asked.ranks, VOCAB_SIZE)[:, 1:, : self.tables.num_symbols]
        follower = F.pad(follower, (0, 0, 0, 1)).to(self.dtype)  # what follows the last byte is not in the window
        counts = []
        for key in asked.window_keys.unbind(1):
            same = key[:, :, None] == key[:, None, :]
            same &= torch.ones(num_positions, num_positions, dtype=torch.bool).tril(-1)
            same &= (key != 0)[:, :, None]
            found = torch.bmm(same.to(self.dtype), follower)  # at most 256: exact in bfloat16 too
            counts.append(found.float().flatten(0, 1)[:, None])
        return counts

    def _num_longest(self) -> int:
        """How many of the orders the words and the window may be mixed with."""
        return sum(order <= BASE_ORDER for order in self.orders)

    def _smooth(self, counts: Tensor, times: Tensor, kinds: Tensor, base: Tensor) -> Tensor:
        """Mix each expert's counts with those of a shorter context, by absolute discounting.

        Args:
            counts: (P, E, A), overwritten.
            times: (P, E, 1), sums of the counts.
            kinds: (P, E, 1), how many are not 0.
            base: (P, A) probabilities.

        Returns:
            (P, E, A) probabilities.
        """
        per_time = 1 / times.clamp(min=1)
        left = torch.where(times > 0, DISCOUNT * kinds * per_time, 1.0)  # for the shorter context
        probabilities = counts.sub_(DISCOUNT).clamp_(min=0).mul_(per_time)
        longest = base
        for expert in range(len(self.orders)):  # product and sum apart, each rounded, as in the compiled loop
            base = probabilities[:, expert].add_(left[:, expert] * base)
            if expert < self._num_longest():
                longest = base
        for expert in range(len(self.orders), counts.shape[1]):
            probabilities[:, expert].add_(left[:, expert] * longest)
        return probabilities


def _stack(keys: list[Tensor], x: Tensor) -> Tensor:
    """Of K keys (B, T): (K, B, T) int64."""
    return torch.stack(keys) if keys else torch.empty(0, *x.shape, dtype=torch.int64)


class _Asked(NamedTuple):
    """What the experts are asked about P positions of B windows of T."""

    rows: Tensor  # (P, K, 5) int32, where the counts of the training text are
    window_keys: (
        Tensor  # (B, W, T) int32, 0 for no context: half of each key; two are equal by chance in 1 of 10**5 windows
    )
    ranks: Tensor  # (B, T) int64, of the bytes
    base: Tensor  # (P, A) float32, probabilities after the last byte


def base_probabilities(text: np.ndarray, alphabet: Tensor) -> Tensor:
    """Smoothed probabilities after one byte of text (N,) uint8 that holds the A bytes of ``alphabet``.

    Returns:
        (1 + F, A + 1, A) float32: of the whole text, then for each of its F folds of the text without this fold and the
        two beside it, as in ``CountTables``. The last of A + 1 rows is for a byte that does not occur.
    """
    ends = [-(-len(text) * fold // NUM_FOLDS) for fold in range(NUM_FOLDS + 1)]
    of_folds = []
    for begin, end in itertools.pairwise(ends):
        of_folds.append(_count_pairs(text[begin : end + 1]))
        let_go(text)
    folds = torch.stack(of_folds)
    folds = folds[:, alphabet][:, :, alphabet]
    around = F.pad(folds, (0, 0, 0, 0, 1, 1)).unfold(0, 3, 1).sum(-1)
    whole = folds.sum(0, keepdim=True)
    counts = torch.cat((whole, whole - around)).float()
    times = counts.sum(-1, keepdim=True)
    kinds = counts.clamp(max=1).sum(-1, keepdim=True)
    alone = counts.sum(1, keepdim=True) + 0.1
    alone /= alone.sum(-1, keepdim=True)
    after_one = ((counts - DISCOUNT).clamp_(min=0) + DISCOUNT * kinds * alone) / times.clamp(min=1)
    return torch.cat((torch.where(times > 0, after_one, alone), alone), 1)


def _count_pairs(text: np.ndarray) -> Tensor:
    """How often each byte followed each other one: (V, V) int64."""
    counts = np.zeros(VOCAB_SIZE**2, dtype=np.int64)
    for first in range(0, len(text) - 1, BLOCK_BYTES):
        block = text[first : first + BLOCK_BYTES + 1].astype(np.int32)
        counts += np.bincount(block[:-1] * VOCAB_SIZE + block[1:], minlength=VOCAB_SIZE**2)
    return torch.from_numpy(counts).view(VOCAB_SIZE, VOCAB_SIZE)
