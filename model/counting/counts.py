"""How often each byte followed each context in the training text, with or without the part that is being read.

A model that is trained on the very text whose counts it reads would learn to trust them blindly: each position finds
itself. So the text is cut into folds, and a position of the training text is shown the counts of all folds but its
own and the two beside it. What is left says nearly as much about it as the whole text says about unseen text.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bardtune.data.mapped import byte_counts
from bardtune.model.counting.loops import PLACE_BITS, compiled, count_sorted, in_threads, take_rows
from bardtune.model.machine import one_core_each, return_freed_memory

NUM_FOLDS = 24  # of 200 kB in the built-in corpus: no play is longer
MOST_COUNTED_BYTES = 8_000_000  # of a longer text only the beginning is counted; a count then fits its 23 bits
_FOLD_BITS, _BYTE_BITS = 5, 8
assert NUM_FOLDS < 1 << _FOLD_BITS
assert MOST_COUNTED_BYTES < 1 << PLACE_BITS
_COUNT_BITS = 24
_ROW_BYTES = 1 << 14  # the text is read in rows of this many bytes ...
_HALO_BYTES = 256  # ... that begin this far into the row before: as far as any window looks back
DENSE_ROWS = 1 << 16  # groups of the built-in corpus that hold four fifths of what a training step would add up


@dataclass(frozen=True, slots=True)
class _Context:
    """The counts of one kind of context. U distinct contexts, G (context, fold) groups, N positions."""

    keys: Tensor  # (U,) int64, sorted
    totals_start: Tensor  # (U + 1,) int32 into totals
    totals: Tensor  # int32: count << 8 | symbol, by context
    groups: Tensor  # (G, 5) int32: start and length in totals; start and length in parts; 0
    parts: Tensor  # int32: -count << 8 | symbol, by context and fold
    group_of: Tensor  # (N,) int32: the group that each position of the text belongs to

    def heaviest(self) -> tuple[Tensor, Tensor]:
        """Of the groups that training would spend the most time on, what it would add up, and which they are."""
        work = torch.bincount(self.group_of) * (self.groups[:, 1] + self.groups[:, 3])
        top = work.topk(min(DENSE_ROWS, len(work)))
        return top.values, top.indices


class CountTables:
    """Successor counts of K kinds of contexts in one text.

    Args:
        text: (N,) uint8, the training part.
        contexts: maps rows of bytes (B, T) int64 to K keys (B, T) int64 each; 0 means no context. The key at t is
            of the context of byte t + 1.
        most_bytes: of a longer text, only so many from its beginning are counted.
    """

    def __init__(
        self, text: np.ndarray, contexts: Callable[[Tensor], list[Tensor]], *, most_bytes: int | None = None
    ) -> None:
        present = byte_counts(text).nonzero()[0]
        self.alphabet = torch.from_numpy(present.astype(np.int64))  # (A,) the bytes that occur
        self.symbol_of = torch.zeros(256, dtype=torch.int64)  # rank in the alphabet
        self.symbol_of[self.alphabet] = torch.arange(len(present))
        text = text[: min(MOST_COUNTED_BYTES, most_bytes or MOST_COUNTED_BYTES)]
        after = self.symbol_of.to(torch.uint8)[torch.from_numpy(text[1:].astype(np.int64))]
        self._keys: list[Tensor] = []  # of each kind of context: (U,) int64, sorted
        self._totals_start: list[Tensor] = []  # (U + 1,) int32 into entries
        keys = _keys_of_text(text, contexts)
        self._group_of = torch.empty(len(keys), len(after), dtype=torch.int32)
        all_groups = [torch.empty(0, 5, dtype=torch.int32)]
        entries = [torch.empty(0, dtype=torch.int32)]
        heaviest = [(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))]
        num_groups = offset = 0
        for group_of, (context, (work, heavy)) in zip(self._group_of, _count_all(keys, after), strict=True):
            parts_offset = offset + len(context.totals)
            entries += [context.totals, context.parts]
            self._keys.append(context.keys)
            self._totals_start.append(context.totals_start.add_(offset))
            context.groups[:, 0] += offset
            context.groups[:, 2] += parts_offset
            all_groups.append(context.groups)
            torch.add(context.group_of, num_groups, out=group_of)
            heaviest.append((work, heavy + num_groups))
            num_groups += len(context.groups)
            offset = parts_offset + len(context.parts)
        self.entries = _joined(entries)  # of all kinds, so that one gather reads them all
        self._groups = _joined(all_groups)  # (G, 5) int32: start and length of totals and of parts; dense row
        self.dense = torch.zeros(1, len(present), dtype=torch.int32)  # (D, A), of a group; row 0: nothing
        self._add_dense_rows(*map(torch.cat, zip(*heaviest, strict=True)))

    @property
    def num_symbols(self) -> int:
        return len(self.alphabet)

    def num_numbers(self) -> int:
        """Contexts and counts held, as numbers."""
        return len(self.entries) + sum(len(keys) for keys in self._keys)

    def rows(self, keys: Tensor, positions: Tensor | None = None) -> Tensor:
        """Where the counts of the contexts of each position are.

        Args:
            keys: (K, B, T) int64, from ``contexts``.
            positions: (B, T) int64, where in the text the bytes stand, if they are a part of it; None for any other
                text. With positions, the folds around them are left out.

        Returns:
            (P, K, 5) int32, P = B * T: start and length of totals in ``entries``, of what is to be taken away, and row
            in ``dense``; zeros for a context that is unknown.
        """
        if not len(keys):
            return torch.empty(keys.shape[1] * keys.shape[2], 0, 5, dtype=torch.int32)
        keys = keys.flatten(1)
        return self._whole(keys) if positions is None else self._leave_fold_out(keys, positions.flatten())

    def read(self, rows: Tensor) -> Tensor:
        """Counts (P, K, A) float32 of what followed the contexts with these rows (P, K, 5)."""
        return self._add_up(rows.flatten(0, 1)).view(*rows.shape[:2], self.num_symbols)

    def _add_dense_rows(self, work: Tensor, groups: Tensor) -> None:
        """Add up once, for good, the groups that training would spend the most time on, out of those given."""
        chosen = groups[work.topk(min(DENSE_ROWS, len(work))).indices]
        self.dense = torch.cat((self.dense, self._add_up(self._groups[chosen]).int()))
        self._groups[chosen] = 0
        self._groups[chosen, 4] = torch.arange(1, len(self.dense), dtype=torch.int32)

    def _whole(self, keys: Tensor) -> Tensor:
        """Where the totals are, (P, K, 5) like ``_groups``, for keys (K, P)."""
        return torch.stack([self._find(kind, key) for kind, key in enumerate(keys)], 1)

    def _find(self, kind: int, key: Tensor) -> Tensor:
        """Where the totals of one kind of context are, for keys (P,): (P, 5) like ``_groups``."""
        sought, held, totals_start = _clip(key), self._keys[kind], self._totals_start[kind]
        row = torch.searchsorted(held, sought).clamp(max=len(held) - 1)
        known = (held[row] == sought) & (key != 0)
        found = torch.stack((totals_start[row], (totals_start[row + 1] - totals_start[row]) * known), 1)
        return F.pad(found.to(torch.int32), (0, 3))

    def _leave_fold_out(self, keys: Tensor, positions: Tensor) -> Tensor:
        """Where the totals are and the parts to take away from them, (P, K, 5) like ``_groups``."""
        num_counted = self._group_of.shape[1]
        counted = positions < num_counted
        rows = self._take_rows(positions.clamp(max=num_counted - 1), (keys != 0) & counted)
        if not bool(counted.all()):  # beyond what is counted there is nothing to take away
            for kind, key in enumerate(keys):
                rows[~counted, kind] = self._find(kind, key[~counted])
        return rows

    def _take_rows(self, positions: Tensor, known: Tensor) -> Tensor:
        """Groups (P, K, 5) of positions (P,) where known (K, P), else zeros."""
        loop = compiled(take_rows)
        if loop is None:
            rows = self._groups.index_select(0, self._group_of[:, positions].flatten()).view(*known.shape, 5)
            return (rows * known[:, :, None]).transpose(0, 1).contiguous()
        rows = torch.empty(len(positions), len(known), 5, dtype=torch.int32)
        groups, group_of, flags, places, out = (
            each.numpy() for each in (self._groups, self._group_of, known, positions, rows)
        )
        in_threads(lambda here: loop(groups, group_of, flags[:, here], places[here], out[here]), len(places))
        return rows

    def _add_up(self, rows: Tensor) -> Tensor:
        """Counts (R, A) float32 of rows (R, 5) like ``_groups``."""
        start, length, own_start, own_length, dense = rows.unbind(1)
        counts = self.dense.index_select(0, dense).float()
        starts, lengths = torch.cat((start, own_start)), torch.cat((length, own_length))
        ends = lengths.cumsum(0)
        num_entries = int(lengths.sum())
        place = torch.arange(num_entries, dtype=torch.int32)
        row = torch.repeat_interleave(torch.arange(len(lengths), dtype=torch.int32), lengths, output_size=num_entries)
        entries = self.entries.index_select(0, place + (starts - ends + lengths).int().index_select(0, row))
        cells = (torch.arange(len(rows), dtype=torch.int32) * self.num_symbols).repeat(2)
        counts.view(-1).index_add_(0, cells.index_select(0, row) + (entries & 255), (entries >> _BYTE_BITS).float())
        return counts


def _keys_of_text(text: np.ndarray, contexts: Callable[[Tensor], list[Tensor]]) -> list[Tensor]:
    """The keys of every byte of the text but the last, (N - 1,) int64 for each kind of context."""
    x = torch.from_numpy(text[:-1].astype(np.int64))
    num_rows = -(-len(x) // _ROW_BYTES)
    rows = F.pad(x, (_HALO_BYTES, num_rows * _ROW_BYTES - len(x))).unfold(0, _ROW_BYTES + _HALO_BYTES, _ROW_BYTES)
    first = contexts(x[None, :_HALO_BYTES])  # what stands before the text is no context
    keys = [torch.empty(num_rows * _ROW_BYTES, dtype=torch.int64) for _ in first]

    def fill(number: int) -> None:
        for all_keys, of_row in zip(keys, contexts(rows[number, None]), strict=True):
            all_keys[number * _ROW_BYTES : (number + 1) * _ROW_BYTES] = of_row[0, _HALO_BYTES:]

    with one_core_each() as pool:
        deque(pool.map(fill, range(num_rows)), maxlen=0)
    for all_keys, beginning in zip(keys, first, strict=True):
        all_keys[: beginning.shape[1]] = beginning[0]
    return [all_keys[: len(x)] for all_keys in keys]


def _joined(parts: list[Tensor]) -> Tensor:
    """Like ``torch.cat``, but each part is forgotten once it is copied: all of them are never held twice."""
    whole = torch.empty(sum(map(len, parts)), *parts[0].shape[1:], dtype=parts[0].dtype)
    parts.reverse()
    start = 0
    while parts:
        part = parts.pop()
        whole[start : start + len(part)] = part
        start += len(part)
        del part
        return_freed_memory()
    return whole


def _clip(keys: Tensor) -> Tensor:
    """The part of the keys that is compared."""
    return keys >> PLACE_BITS


def _count_all(keys: list[Tensor], after: Tensor) -> Iterator[tuple[_Context, tuple[Tensor, Tensor]]]:
    """Count each kind of context, find its heaviest groups, and forget its keys.

    Sorting uses one core, so that as many kinds are counted at once as there are threads; no more, for their memory.
    """
    num_threads = torch.get_num_threads()

    def count(keys: Tensor) -> tuple[_Context, tuple[Tensor, Tensor]]:
        context = _count(keys, after)
        return context, context.heaviest()

    with one_core_each() as pool:
        begun: deque[Future[tuple[_Context, tuple[Tensor, Tensor]]]] = deque()
        keys.reverse()
        while keys or begun:
            while keys and len(begun) < num_threads:
                begun.append(pool.submit(count, keys.pop()))
            yield begun.popleft().result()
            return_freed_memory()  # counting takes several times what it leaves


def _count(keys: Tensor, after: Tensor) -> _Context:
    """Sort the text by context and count.

    Args:
        keys: (N,) int64.
        after: (N,) uint8, the symbol that follows.
    """
    loop = compiled(count_sorted)
    if loop is None:
        return _count_by_operations(keys, after)
    length = len(keys)
    packed = (keys & -(1 << PLACE_BITS)).bitwise_or_(torch.arange(length)).numpy()
    packed.sort()
    held, sizes = np.empty(length, np.int64), np.empty(4, np.int64)
    starts, totals, parts, group_of = (np.empty(length + 1, np.int32) for _ in range(4))
    groups = np.empty((length, 5), np.int32)
    loop(packed, after.numpy(), NUM_FOLDS, (held, starts, totals, parts), groups, group_of, sizes)
    num_contexts, num_totals, num_parts, num_groups = map(int, sizes)

    def kept(values: np.ndarray, number: int) -> Tensor:
        values.resize((number, *values.shape[1:]), refcheck=False)  # nobody else has it: shrunk where it is
        return torch.from_numpy(values)

    return _Context(
        keys=kept(held, num_contexts),
        totals_start=kept(starts, num_contexts + 1),
        totals=kept(totals, num_totals),
        groups=kept(groups, num_groups),
        parts=kept(parts, num_parts),
        group_of=kept(group_of, length),
    )


def _count_by_operations(keys: Tensor, after: Tensor) -> _Context:
    """The same without compiled loops: sort by context, fold and symbol."""
    folds = torch.arange(len(after)) * NUM_FOLDS // len(after)
    triples, order = torch.sort((_clip(keys) << _FOLD_BITS | folds) << _BYTE_BITS | after)
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
        totals_start=totals_start.to(torch.int32),
        totals=totals,
        groups=F.pad(torch.stack((start, length, own_start, own_end - own_start), 1).to(torch.int32), (0, 1)),
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
    # the key of a group is context << 5 | fold, and the last fold is below 31: only folds of one context differ by 1
    follows = torch.diff(group_keys) == 1
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
