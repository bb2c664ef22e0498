"""Loops over the counts of each position, compiled by numba where it is installed.

The operations of counts.py and experts.py that do the same go through memory a dozen times; a loop goes over the
counts of a position while they are in the processor's nearest cache. Both give the same numbers to the last bit: sums
are of whole numbers, and all else is the same differences, products and sums in the same order. So whether numba is
there decides how fast a run is, and nothing else.

Why numba (https://numba.pydata.org): it needs no compiler on the user's machine and keeps on disk what it compiled.

P positions, E experts, of which K are counted in the training text and W in the window; A bytes that occur.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

PLACE_BITS = 23  # the other 41 of a context's key are compared: of five million contexts, about ten share theirs
AT_ONCE = 256  # positions; what a loop leaves of them in the second-level cache serves the next
FETCHED_AT_ONCE = 16  # positions, whose counts are scattered over hundreds of megabytes


@cache
def compiled(loop: Callable[..., None]) -> Callable[..., None] | None:
    """The loop, compiled when it is first called and kept for other processes; None without numba."""
    try:
        import numba
    except ImportError:
        return None
    unkept: Callable[..., None] = numba.njit(nogil=True)(loop)
    try:
        kept = numba.njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # there is no folder to keep it in
        return unkept
    return _while_disk_serves(kept, unkept)


def _while_disk_serves(kept: Callable[..., None], unkept: Callable[..., None]) -> Callable[..., None]:
    """The loop that is kept on disk, until the disk is full or what it holds of it is torn."""
    used = kept

    def call(*args: Any) -> None:
        nonlocal used
        try:
            used(*args)
        except (OSError, EOFError, UnpicklingError):  # of numba's own files, before anything is computed
            used = unkept
            used(*args)

    return call


def in_threads(work: Callable[[slice], None], length: int, *, at_once: int = AT_ONCE) -> None:
    """Call ``work`` for all of a ``length``, ``at_once`` at a time, on as many threads as torch uses."""
    stretches = [slice(first, min(first + at_once, length)) for first in range(0, length, at_once)]
    num_threads = min(torch.get_num_threads(), len(stretches))

    def share(number: int) -> None:
        for stretch in stretches[number::num_threads]:
            work(stretch)

    others = [_pool(num_threads).submit(share, number) for number in range(1, num_threads)]
    share(0)
    for other in others:
        other.result()


@cache
def _pool(num_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_threads - 1, thread_name_prefix="loops")


def count_sorted(packed: Any, symbols: Any, num_folds: Any, found: Any, groups: Any, group_of: Any, sizes: Any) -> None:
    """Count what follows each context, whole and by fold; U contexts, M and L entries, G groups, N positions.

    Args:
        packed: (N,) int64, sorted: a context's key and, in the lowest ``PLACE_BITS``, where in the text it stands.
        symbols: (N,) uint8, what follows there.
        found: what is filled: keys (N,) int64; totals_start, totals and parts, (N + 1,) int32 each.
        groups: (N, 5) int32, filled.
        group_of: (N + 1,) int32, filled but for the last.
        sizes: (4,) int64, filled with U, M, L and G: how much of the above.
    """
    keys, totals_start, totals, parts = found
    length = len(packed)
    in_context, in_fold = np.zeros(256, np.int32), np.zeros(256, np.int32)
    seen, seen_in_fold = np.empty(256, np.int32), np.empty(256, np.int32)  # symbols, sorted
    fold_of, begins = np.empty(num_folds, np.int64), np.empty(num_folds + 1, np.int64)
    num_contexts = num_totals = num_parts = num_groups = first = 0
    while first < length:
        key, last = packed[first] >> PLACE_BITS, first
        num_seen = folds = 0
        while last < length and packed[last] >> PLACE_BITS == key:  # one turn a fold
            fold = (packed[last] & (1 << PLACE_BITS) - 1) * num_folds // length
            end = ((fold + 1) * length + num_folds - 1) // num_folds  # first place of the next fold
            num_seen_in_fold = 0
            while last < length and packed[last] < key << PLACE_BITS | end:
                place = packed[last] & (1 << PLACE_BITS) - 1
                symbol = symbols[place]
                if in_fold[symbol] == 0:
                    s = num_seen_in_fold
                    while s > 0 and seen_in_fold[s - 1] > symbol:
                        seen_in_fold[s] = seen_in_fold[s - 1]
                        s -= 1
                    seen_in_fold[s] = symbol
                    num_seen_in_fold += 1
                in_fold[symbol] += 1
                group_of[place] = num_groups + folds
                last += 1
            fold_of[folds], begins[folds] = fold, num_parts
            folds += 1
            for i in range(num_seen_in_fold):
                symbol = seen_in_fold[i]
                parts[num_parts] = symbol - (in_fold[symbol] << 8)
                num_parts += 1
                if in_context[symbol] == 0:
                    s = num_seen
                    while s > 0 and seen[s - 1] > symbol:
                        seen[s] = seen[s - 1]
                        s -= 1
                    seen[s] = symbol
                    num_seen += 1
                in_context[symbol] += in_fold[symbol]
                in_fold[symbol] = 0
        begins[folds] = num_parts
        keys[num_contexts], totals_start[num_contexts] = key, num_totals
        num_contexts += 1
        for f in range(folds):  # with the folds beside it
            low = f - (f > 0 and fold_of[f - 1] == fold_of[f] - 1)
            high = f + (f + 1 < folds and fold_of[f + 1] == fold_of[f] + 1)
            groups[num_groups, 0], groups[num_groups, 1] = num_totals, num_seen
            groups[num_groups, 2], groups[num_groups, 3] = begins[low], begins[high + 1] - begins[low]
            groups[num_groups, 4] = 0
            num_groups += 1
        for i in range(num_seen):
            totals[num_totals] = seen[i] | in_context[seen[i]] << 8
            in_context[seen[i]] = 0
            num_totals += 1
        first = last
    totals_start[num_contexts] = num_totals
    sizes[0], sizes[1], sizes[2], sizes[3] = num_contexts, num_totals, num_parts, num_groups


def take_rows(groups: Any, group_of: Any, known: Any, positions: Any, rows: Any) -> None:
    """Fill rows (P, K, 5) int32 with the groups (G, 5) int32 of positions of the text.

    Args:
        group_of: (K, N) int32.
        known: (K, P) bool; zeros where it is false.
        positions: (P,) int64 below N.
    """
    for p in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            if known[k, p]:
                for column in range(5):
                    rows[p, k, column] = groups[group_of[k, positions[p]], column]
            else:
                for column in range(5):
                    rows[p, k, column] = 0


def count_in_text(rows: Any, entries: Any, dense: Any, counts: Any, times: Any, kinds: Any) -> None:
    """Fill the experts below K: counts (P, E, A), times and kinds (P, E), all float32.

    Args:
        rows: (P, K, 5) int32, from ``CountTables.rows``.
        entries: (M,) int32, and dense: (D, A) int32, both of the ``CountTables``.
    """
    for first in range(0, rows.shape[0], FETCHED_AT_ONCE):
        last = min(first + FETCHED_AT_ONCE, rows.shape[0])
        for p in range(first, last):  # have the memory fetch at the same time what is read one by one below
            for k in range(rows.shape[1]):
                fetched = entries[rows[p, k, 0]] + entries[rows[p, k, 2]]
                for a in range(0, dense.shape[1], 16):
                    fetched += dense[rows[p, k, 4], a]
                times[p, k] = fetched
        for p in range(first, last):
            for k in range(rows.shape[1]):
                row, heavy, total, distinct = counts[p, k], rows[p, k, 4], 0, 0
                for a in range(len(row)):
                    row[a] = np.float32(0)
                if heavy > 0:
                    for a in range(len(row)):
                        row[a] = dense[heavy, a]
                        total += dense[heavy, a]
                        distinct += dense[heavy, a] > 0
                for e in range(rows[p, k, 0], rows[p, k, 0] + rows[p, k, 1]):
                    row[entries[e] & 255] = entries[e] >> 8
                    total += entries[e] >> 8
                    distinct += 1
                for e in range(rows[p, k, 2], rows[p, k, 2] + rows[p, k, 3]):  # to take away
                    row[entries[e] & 255] += np.float32(entries[e] >> 8)
                    total += entries[e] >> 8
                    distinct -= row[entries[e] & 255] == np.float32(0)
                times[p, k], kinds[p, k] = total, distinct


def count_in_windows(keys: Any, ranks: Any, counts: Any, times: Any, kinds: Any) -> None:
    """Fill the last W experts: counts (B, T, E, A), times and kinds (B, T, E), all float32.

    Args:
        keys: (B, W, T) int32; 0 for no context.
        ranks: (B, T) int64 of the bytes; A and more for one that does not occur in the training text.
    """
    others = counts.shape[2] - keys.shape[1]
    for b in range(keys.shape[0]):
        for t in range(keys.shape[2]):
            for w in range(keys.shape[1]):
                row, key, total, distinct = counts[b, t, others + w], keys[b, w, t], 0, 0
                for a in range(len(row)):
                    row[a] = np.float32(0)
                for s in range(t if key != 0 else 0):
                    if keys[b, w, s] == key and ranks[b, s + 1] < len(row):
                        distinct += row[ranks[b, s + 1]] == np.float32(0)
                        row[ranks[b, s + 1]] += np.float32(1)
                        total += 1
                times[b, t, others + w], kinds[b, t, others + w] = total, distinct


def smooth(counts: Any, times: Any, kinds: Any, base: Any, rule: Any) -> None:
    """Make probabilities of counts, in place; see ``CountExperts``, whose shapes and constants these are.

    Args:
        rule: how many experts are orders, how many of these are mixed with words, discount, least probability.
    """
    num_orders, num_longest, discount, least = rule
    shorter, longest = np.empty(base.shape[1], np.float32), np.empty(base.shape[1], np.float32)
    for p in range(counts.shape[0]):
        for a in range(len(shorter)):
            shorter[a] = longest[a] = base[p, a]
        for k in range(counts.shape[1]):
            per_time, left = np.float32(1), np.float32(1)
            if times[p, k] > np.float32(0):
                per_time = np.float32(1) / times[p, k]
                left = discount * kinds[p, k] * per_time
            for a in range(len(shorter)):
                over = max(counts[p, k, a] - discount, np.float32(0))
                probability = over * per_time + left * (shorter[a] if k < num_orders else longest[a])
                counts[p, k, a] = max(probability, least)
                if k < num_orders:
                    shorter[a] = probability
                if k < num_longest:
                    longest[a] = probability
