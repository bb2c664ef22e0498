"""Classes of words that keep the same company, learned from the training text (Schuetze 1995; Brown et al. 1992).

What follows two given words is rarely in the counts; what follows two words of these classes is. Each frequent word
is described by the words that stand one before, one after and two after it, these descriptions are reduced to their
principal components, and k-means puts words that are alike into one class.
"""

import re
from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bardtune.model.counting.contexts import Words, words_of

NUM_CLASSES = 64
_WORD = re.compile(rb"[a-z'\x80-\xff]+")  # of a text in lower case: the words of model/counting/contexts.py
_LONGEST = 32  # bytes; longer runs of letters are hardly words
_NUM_WORDS = 4_000  # that are put into classes; the others are told apart by how they end
_NUM_NEIGHBOURS = 400  # frequent words that describe the others; one more stands for all the rest
_NEIGHBOURS = ((1, 1.0), (2, 0.5), (-1, 0.5))  # how far after a word, and what that counts
_NUM_COMPONENTS = 60
_NUM_ROUNDS = 25  # of k-means
_BEYOND_CLASSES = 1_000  # more than there are classes


class WordClasses:
    """The class of each frequent word.

    Args:
        text: (N,) uint8, the training part or as much of it as is counted.
    """

    def __init__(self, text: np.ndarray) -> None:
        words, places = _frequent_words(text)
        self.hashes, self.classes = torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64)
        if words:
            classes = _k_means(*_descriptions(places, len(words)))
            self.hashes, order = _hashes(words).sort()
            self.classes = classes[order]

    def before(self, words: Words, back: int) -> Tensor:
        """Classes (B, T) int64 of the word before (back 0), or of the one before that (1), and so on.

        A word without a class is in that of its last two letters.
        """
        by_ending = _BEYOND_CLASSES + words.suffix[back]
        if not len(self.hashes):
            return by_ending
        hashes = words.before[back]
        place = torch.searchsorted(self.hashes, hashes).clamp(max=len(self.hashes) - 1)
        return torch.where(self.hashes[place] == hashes, self.classes[place], by_ending)


def _frequent_words(text: np.ndarray) -> tuple[list[bytes], np.ndarray]:
    """Words, the most frequent first, and for each word of the text its rank among all of them, (W,) int64."""
    found = _WORD.findall(text.tobytes().lower())
    ranked = [word for word, _ in Counter(found).most_common() if len(word) <= _LONGEST]
    rank = {word: number for number, word in enumerate(ranked)}
    places = np.fromiter((rank.get(word, len(ranked)) for word in found), dtype=np.int64, count=len(found))
    return ranked[:_NUM_WORDS], places


def _descriptions(places: np.ndarray, num_words: int) -> tuple[Tensor, Tensor]:
    """Describe each frequent word by its neighbours.

    Args:
        places: (W,) int64, from ``_frequent_words``.
        num_words: V, how many of them are frequent.

    Returns:
        Components (V, D), and what each word weighs, (V, 1), the root of how often it occurs: float64.
    """
    num_columns = min(_NUM_NEIGHBOURS, num_words) + 1
    parts = []
    for distance, share in _NEIGHBOURS:
        word, neighbour = (places[:-distance], places[distance:]) if distance > 0 else (places[1:], places[:-1])
        frequent = word < num_words
        cells = word[frequent] * num_columns + np.minimum(neighbour[frequent], num_columns - 1)
        counts = np.bincount(cells, minlength=num_words * num_columns).reshape(num_words, num_columns)
        parts.append(share * np.sqrt(counts / np.maximum(counts.sum(1, keepdims=True), 1)))
    described = torch.from_numpy(np.concatenate(parts, 1))
    times = np.bincount(places, minlength=num_words)[:num_words]
    weight = torch.from_numpy(np.sqrt(times))[:, None]
    described -= (described * weight).sum(0) / weight.sum()
    weighted = described * weight
    _, axes = torch.linalg.eigh(weighted.T @ weighted)  # the least first
    return described @ axes[:, -_NUM_COMPONENTS:], weight


def _k_means(points: Tensor, weight: Tensor) -> Tensor:
    """Classes (V,) int64 of points (V, D) of weights (V, 1), which are in the order of how frequent they are."""
    centres = points[:NUM_CLASSES].clone()
    classes = torch.zeros(len(points), dtype=torch.int64)
    for _ in range(_NUM_ROUNDS):
        classes = (centres.square().sum(1) - 2 * points @ centres.T).argmin(1)
        member = F.one_hot(classes, len(centres)).to(points.dtype) * weight
        total = member.sum(0)[:, None]
        centres = torch.where(total > 0, member.T @ points / total.clamp(min=1), centres)
    return classes


def _hashes(words: list[bytes]) -> Tensor:
    """What ``words_of`` calls these words, (V,) int64."""
    rows = torch.full((len(words), _LONGEST + 2), ord(" "))  # a word is whole between two bytes that are no letters
    for row, word in zip(rows, words, strict=True):
        row[1 : 1 + len(word)] = torch.tensor(list(word))
    return words_of(rows, 1).before[0][:, -1]
