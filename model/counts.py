"""How often each byte followed each context in the training text, with or without the part that is being read.

A model that is trained on the very text whose counts it reads would learn to trust them blindly: each position finds
itself. So the text is cut into folds, and a position of the training text is shown the counts of all folds but its
own and the two beside it. What is left says as much about it as the whole text says about unseen text.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

NUM_FOLDS = 24  # of 200 kB in the built-in corpus: no play is longer
_FOLD_BITS, _BYTE_BITS = 5, 8
_KEY_BITS = 63 - _FOLD_BITS - _BYTE_BITS  # of a context's key; enough to tell 10**7 contexts apart, all but surely
_COUNT_BITS = 24
_ROW_BYTES = 1 << 14  # the text is read in rows of this many bytes ...
_HALO_BYTES = 256  # ... that begin this far into the row before: as far as any window looks back


@dataclass(frozen=True, slots=True)
class _Context:
    """The counts of one kind of context. U distinct contexts, G (context, fold) groups, N positions."""

    keys: Tensor  # (U,) int64, sorted
    totals_start: Tensor  # (U + 1,) int64 into totals
    totals: Tensor  # int32: count << 8 | symbol, by context
    groups: Tensor  # (G, 4) int32: start and length in totals; start and length in parts
    parts: Tensor  # int32: -count << 8 | symbol, by context and fold
    group_of: Tensor  # (N,) int32: the group that each position of the text belongs to


class CountTables:
    """Successor counts of K kinds of contexts in one text.

    Args:
        text: (N,) uint8, the training part.
        contexts: maps rows of bytes (B, T) int64 to K keys (B, T) int64 each; 0 means no context. The key at t is
            of the context of byte t + 1.
    """

    def __init__(self, text: np.ndarray, contexts: Callable[[Tensor], list[Tensor]]) -> None:
        present = np.unique(text)
        self.alphabet = torch.from_numpy(present.astype(np.int64))  # (A,) the bytes that occur
        self.symbol_of = torch.zeros(256, dtype=torch.int64)  # rank in the alphabet
        self.symbol_of[self.alphabet] = torch.arange(len(present))
        after = torch.from_numpy(text[1:].astype(np.int64))
        tail = (torch.arange(len(after)) * NUM_FOLDS // len(after)) << _BYTE_BITS | self.symbol_of[after]
        self._contexts = [_count(keys, tail) for keys in _keys_of_text(text, contexts)]
        self._lay_out()

    @property
    def num_symbols(self) -> int:
        return len(self.alphabet)

    def num_numbers(self) -> int:
        """Contexts and counts held, as numbers."""
        return len(self.entries) + sum(len(context.keys) for context in self._contexts)

    def _lay_out(self) -> None:
        """Put the entries of all contexts into one tensor, totals first, so that one gather reads them all."""
        offset = 0
        entries, self._totals_start, groups = [], [], []
        for context in self._contexts:
            parts_offset = offset + len(context.totals)
            entries += [context.totals, context.parts]
            self._totals_start.append((context.totals_start + offset).to(torch.int32))
            groups.append(context.groups + torch.tensor([offset, 0, parts_offset, 0], dtype=torch.int32))
            offset = parts_offset + len(context.parts)
        self.entries = torch.cat(entries) if entries else torch.empty(0, dtype=torch.int32)
        self._groups = groups

    def read(self, keys: list[Tensor], positions: Tensor | None = None) -> Tensor:
        """Count what followed the contexts of each position.

        Args:
            keys: K tensors (B, T) int64, from ``contexts``.
            positions: (B, T) int64, where in the text the bytes stand, if they are a part of it; None for any other
                text. With positions, the folds around them are left out.

        Returns:
            (P, K, A) float32, P = B * T; zeros for a context that is unknown.
        """
        starts_lengths = self._whole(keys) if positions is None else self._elsewhere(keys, positions.flatten())
        return self._add_up(*starts_lengths, num_positions=keys[0].numel())

    def _whole(self, keys: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Starts and lengths in ``entries``, (K * P,) each: the totals."""
        starts, lengths = [], []
        for context, totals_start, key in zip(self._contexts, self._totals_start, keys, strict=True):
            wanted = _clip(key.flatten())
            row = torch.searchsorted(context.keys, wanted).clamp(max=len(context.keys) - 1)
            known = (context.keys[row] == wanted) & (key.flatten() != 0)
            starts.append(totals_start[row])
            lengths.append((totals_start[row + 1] - totals_start[row]) * known)
        return torch.cat(starts), torch.cat(lengths)

    def _elsewhere(self, keys: list[Tensor], positions: Tensor) -> tuple[Tensor, Tensor]:
        """The same, (2 * K * P,): the totals, then the parts to take away from them."""
        rows = []
        for context, groups, key in zip(self._contexts, self._groups, keys, strict=True):
            row = groups.index_select(0, context.group_of[positions])
            row[:, 1::2] *= (key.flatten() != 0)[:, None]
            rows.append(row)
        start, length, own_start, own_length = torch.cat(rows).unbind(1)
        return torch.cat((start, own_start)), torch.cat((length, own_length))

    def _add_up(self, starts: Tensor, lengths: Tensor, *, num_positions: int) -> Tensor:
        num_contexts, num_symbols = len(self._contexts), self.num_symbols
        ends = lengths.cumsum(0)
        num_entries = int(ends[-1])
        place = torch.arange(num_entries, dtype=torch.int32)
        row = torch.repeat_interleave(torch.arange(len(lengths), dtype=torch.int32), lengths, output_size=num_entries)
        entries = self.entries.index_select(0, place + (starts - ends + lengths).int().index_select(0, row))
        cells = torch.arange(num_positions * num_contexts, dtype=torch.int32).view(num_positions, num_contexts)
        cells = (cells.T.flatten() * num_symbols).repeat(len(lengths) // cells.numel())
        counts = torch.zeros(num_positions * num_contexts * num_symbols)
        counts.index_add_(0, cells.index_select(0, row) + (entries & 255), (entries >> _BYTE_BITS).float())
        return counts.view(num_positions, num_contexts, num_symbols)


def _keys_of_text(text: np.ndarray, contexts: Callable[[Tensor], list[Tensor]]) -> list[Tensor]:
    """The keys of every byte of the text but the last, (N - 1,) int64 for each kind of context."""
    x = torch.from_numpy(text[:-1].astype(np.int64))
    num_rows = -(-len(x) // _ROW_BYTES)
    padded = F.pad(x, (_HALO_BYTES, num_rows * _ROW_BYTES - len(x)))
    rows = padded.unfold(0, _ROW_BYTES + _HALO_BYTES, _ROW_BYTES)
    chunks = [contexts(row[None]) for row in rows]
    keys = [torch.cat([key[0, _HALO_BYTES:] for key in of_kind])[: len(x)] for of_kind in zip(*chunks, strict=True)]
    first = contexts(x[None, :_HALO_BYTES])  # the padding before the text is no context
    for key, beginning in zip(keys, first, strict=True):
        key[:_HALO_BYTES] = beginning[0]
    return keys


def _clip(keys: Tensor) -> Tensor:
    """The part of the keys that is compared."""
    return (keys >> (_FOLD_BITS + _BYTE_BITS)) & ((1 << _KEY_BITS) - 1)


def _count(keys: Tensor, tails: Tensor) -> _Context:
    """Sort the text by context, fold and symbol, and count.

    Args:
        keys: (N,) int64.
        tails: (N,) int64, fold << 8 | symbol.
    """
    triples, order = torch.sort(_clip(keys) << (_FOLD_BITS + _BYTE_BITS) | tails)
    starts = _starts(triples)
    counts = torch.diff(starts, append=torch.tensor([len(triples)]))
    triples = triples[starts]
    group_starts = _starts(triples >> _BYTE_BITS)
    group_keys = triples[group_starts] >> _BYTE_BITS
    context_starts = _starts(group_keys >> _FOLD_BITS)
    context_of_group = _ranks(context_starts, len(group_keys))
    group_of_triple = _ranks(group_starts, len(triples))
    group_of = torch.empty(len(order), dtype=torch.int32)
    group_of[order] = torch.repeat_interleave(group_of_triple.to(torch.int32), counts)
    symbols = triples & 255
    totals, totals_start = _totals(context_of_group[group_of_triple], symbols, counts)
    own_start, own_end = _with_neighbours(group_starts, len(triples), group_keys)
    start = totals_start[context_of_group]
    length = totals_start[context_of_group + 1] - start
    return _Context(
        keys=group_keys[context_starts] >> _FOLD_BITS,
        totals_start=totals_start,
        totals=totals,
        groups=torch.stack((start, length, own_start, own_end - own_start), 1).to(torch.int32),
        parts=(symbols - (counts << _BYTE_BITS)).to(torch.int32),
        group_of=group_of,
    )


def _totals(contexts: Tensor, symbols: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Merge the folds: entries (M,) int32, and where each context's begin, (U + 1,) int64."""
    packed = np.sort(((contexts << _BYTE_BITS | symbols) << _COUNT_BITS | counts).numpy())
    pairs = torch.from_numpy(packed >> _COUNT_BITS)
    starts = _starts(pairs)
    sums = F.pad(torch.from_numpy(packed & ((1 << _COUNT_BITS) - 1)).cumsum(0), (1, 0))
    merged = torch.diff(sums[F.pad(starts, (0, 1), value=len(pairs))])
    pairs = pairs[starts]
    totals_start = F.pad(_starts(pairs >> _BYTE_BITS), (0, 1), value=len(pairs))
    return (merged << _BYTE_BITS | pairs & 255).to(torch.int32), totals_start


def _with_neighbours(starts: Tensor, end: int, group_keys: Tensor) -> tuple[Tensor, Tensor]:
    """Start and end of each group's triples, widened over the folds before and after it in the same context."""
    bounds = F.pad(starts, (0, 1), value=end)
    first, last = bounds[:-1].clone(), bounds[1:].clone()
    # the key of a group is context << 5 | fold: the next fold of the same context differs by one
    follows = torch.diff(group_keys) == 1
    follows &= (group_keys[1:] >> _FOLD_BITS) == (group_keys[:-1] >> _FOLD_BITS)
    first[1:] = torch.where(follows, bounds[:-2], first[1:])
    last[:-1] = torch.where(follows, bounds[2:], last[:-1])
    return first, last


def _starts(values: Tensor) -> Tensor:
    """Where a new value begins in sorted values (N,): int64."""
    new = torch.ones(len(values), dtype=torch.bool)
    torch.ne(values[1:], values[:-1], out=new[1:])
    return new.nonzero().flatten()


def _ranks(starts: Tensor, length: int) -> Tensor:
    """(length,) int64: how many starts lie at or before each place, less one."""
    marks = torch.zeros(length, dtype=torch.int64)
    marks[starts] = 1
    return marks.cumsum(0) - 1
