"""Contexts of a byte as 64-bit keys: its last bytes, its last words. B rows, T positions.

A context that begins before its row does not exist: its key is 0. So a row of a long text and a window of 256 bytes
agree on every context that the window can see, which is what makes counts of one usable in the other.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# Odd 64-bit numbers, as signed integers: 2**64 / golden ratio, the FNV prime, and a multiplier of the Murmur family.
GOLDEN = 0x9E3779B97F4A7C15 - 2**64
FNV = 0x100000001B3
MURMUR = 0xFF51AFD7ED558CCD - 2**64
FNV_INVERSE = (pow(FNV, -1, 2**64) + 2**63) % 2**64 - 2**63


def previous_bytes(x: Tensor, back: int) -> Tensor:
    """x (B, T) shifted so that position t holds byte t - back; 0 before the row begins."""
    return F.pad(x, (back, 0))[:, : x.shape[1]]


def order_contexts(x: Tensor, orders: range) -> list[Tensor]:
    """Keys of the last n bytes at each position, for each n of ``orders``: (B, T) int64 each, x (B, T) int64."""
    key, keys = torch.zeros_like(x), []
    position = torch.arange(x.shape[1])
    for order in range(1, orders.stop):
        key = key * GOLDEN + previous_bytes(x, order - 1) + 1
        if order in orders:
            keys.append(torch.where(position >= order - 1, spread(key), 0))
    return keys


class Words(NamedTuple):
    """The word at each position and the words before it; (B, T) int64 each but ``known``, which is bool.

    A word is a run of letters, apostrophes and bytes above 127; case does not matter. Between words, the last byte
    stands in for the word so far.
    """

    so_far: Tensor  # hash
    known: list[Tensor]  # whether the row holds the whole of the word so far, of the word before, ...
    before: list[Tensor]  # hash of the word before, of the one before that, ...
    suffix: list[Tensor]  # its last two bytes, in lower case


def words_of(x: Tensor, num_before: int) -> Words:
    """The words of x (B, T) int64, and ``num_before`` words back from each position."""
    letter, lower = _is_letter(x), _lower(x)
    position = torch.arange(x.shape[1]).expand_as(x)
    none = torch.full_like(x, -1)
    gap = torch.where(letter, none, position).cummax(1).values  # last position up to t that is no letter
    last_letter = torch.where(letter, position, none).cummax(1).values
    hashes = _run_hashes(torch.where(letter, lower, 0), gap)  # of the letters that end at t
    so_far = hashes * GOLDEN + torch.where(letter, 0, x) + 1
    known, before, suffix, end = [gap >= 0], [], [], position
    for _ in range(num_before):
        end = last_letter.gather(1, gap.gather(1, end).clamp(min=0))
        whole = known[-1] & (end >= 0)
        end = end.clamp(min=0)
        known.append(whole & (gap.gather(1, end) >= 0))
        before.append(hashes.gather(1, end))
        suffix.append(lower.gather(1, end) << 8 | lower.gather(1, (end - 1).clamp(min=0)))
    return Words(so_far, known, before, suffix)


def word_contexts(words: Words, number: int) -> list[Tensor]:
    """Keys of the word so far; of it and the word before; and so on: ``number`` tensors (B, T) int64."""
    key, keys = words.so_far, []
    for back in range(number):
        key = key * GOLDEN + words.before[back - 1] if back else key
        keys.append(torch.where(words.known[back], spread(key), 0))
    return keys


def skip_contexts(words: Words, number: int) -> list[Tensor]:
    """Keys of the word so far and the one word 2 before it, or 3, and so on (skip-grams, Guthrie et al. 2006).

    Returns:
        ``number`` tensors (B, T) int64.
    """
    return [
        torch.where(words.known[back + 1], spread(words.so_far * GOLDEN + words.before[back]), 0)
        for back in range(1, number + 1)
    ]


def suffix_contexts(words: Words, number: int) -> list[Tensor]:
    """Keys of the word so far and how the word before ends; and the word before that; and so on.

    The last two letters tell more of a word's form than of what it means, and come back oftener than the word.

    Returns:
        ``number`` tensors (B, T) int64.
    """
    key, keys = words.so_far, []
    for back in range(number):
        key = key * GOLDEN + words.suffix[back]
        keys.append(torch.where(words.known[back + 1], spread(key), 0))
    return keys


def class_contexts(words: Words, classes: list[Tensor]) -> list[Tensor]:
    """Keys of the word so far and the classes of the 2 words before it; of the 3 words before it; and so on.

    Args:
        words: which tell the word so far.
        classes: (B, T) int64 each, of the word before, of the one before that, ...

    Returns:
        One tensor (B, T) int64 for each of the classes but the first.
    """
    key, keys = words.so_far, []
    for back, of_word in enumerate(classes):
        key = key * GOLDEN + of_word + 1
        keys.append(torch.where(words.known[back + 1], spread(key), 0))
    return keys[1:]


def spread(key: Tensor) -> Tensor:
    """Spread what tells keys apart over all 64 bits."""
    key = (key ^ (key >> 32)) * MURMUR
    return key ^ (key >> 29)


def _is_letter(x: Tensor) -> Tensor:
    upper_or_lower = x | 32
    return ((upper_or_lower >= ord("a")) & (upper_or_lower <= ord("z")) | (x == ord("'"))) | (x > 127)


def _lower(x: Tensor) -> Tensor:
    return torch.where((x >= ord("A")) & (x <= ord("Z")), x + 32, x)


def _run_hashes(values: Tensor, gap: Tensor) -> Tensor:
    """Polynomial hash of the run of values after position ``gap`` up to each position: (B, T) int64.

    The hash of a run is a difference of two prefix sums of value * FNV**t, divided by FNV**start: modulo 2**64 an odd
    number has an inverse.
    """
    num_positions = values.shape[1]
    powers = torch.full((num_positions,), FNV, dtype=torch.int64).cumprod(0)
    inverse_powers = torch.full((num_positions + 1,), FNV_INVERSE, dtype=torch.int64).cumprod(0)
    sums = F.pad((values * powers).cumsum(1), (1, 0))  # sums[t] is that of the positions before t
    return (sums[:, 1:] - sums.gather(1, gap + 1)) * inverse_powers[gap + 1]
