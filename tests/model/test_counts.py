"""Counts of successors, against a dictionary that counts one by one."""

from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from torch import Tensor

from bardtune.model.counting.contexts import order_contexts, word_contexts, words_of
from bardtune.model.counting.counts import NUM_FOLDS, CountTables

pytestmark = pytest.mark.usefixtures("one_thread", "dense_rows")
ORDER = 3


@pytest.fixture(params=[5, 1 << 16], ids=["few dense rows", "all rows dense"])
def dense_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bardtune.model.counting.counts.DENSE_ROWS", request.param)


def some_text(num_bytes: int = 40_000, *, seed: int = 0) -> np.ndarray:
    """Bytes of few values, longer than the rows that the text is read in."""
    return np.random.default_rng(seed).choice(np.frombuffer(b"aabc ,", dtype=np.uint8), num_bytes)


def contexts(x: Tensor) -> list[Tensor]:
    return order_contexts(x, range(ORDER - 1, ORDER + 1)) + word_contexts(words_of(x, 0), 1)


def read(tables: CountTables, keys: list[Tensor], positions: Tensor | None = None) -> Tensor:
    return tables.read(tables.rows(torch.stack(keys), positions))


def count_one_by_one(text: np.ndarray) -> dict[bytes, Counter[tuple[int, int]]]:
    """For each context of ORDER bytes, how often each (next byte, fold) came."""
    num_places = len(text) - 1
    counted: dict[bytes, Counter[tuple[int, int]]] = defaultdict(Counter)
    for last in range(ORDER - 1, num_places):
        fold = last * NUM_FOLDS // num_places
        counted[text[last - ORDER + 1 : last + 1].tobytes()][int(text[last + 1]), fold] += 1
    return counted


def windows_of(text: np.ndarray, offsets: list[int]) -> tuple[Tensor, Tensor]:
    """(x, positions), (B, 64) each."""
    positions = torch.tensor(offsets)[:, None] + torch.arange(64)
    return torch.from_numpy(text.astype(np.int64))[positions], positions


def test_counts_of_the_whole_text() -> None:
    text = some_text()
    tables, counted = CountTables(text, contexts), count_one_by_one(text)
    x, _ = windows_of(text, [0, 777, 16_300, 39_000])
    counts = read(tables, contexts(x)).view(4, 64, 3, tables.num_symbols)
    for window in range(4):
        for place in range(ORDER - 1, 64):
            expected: Counter[int] = Counter()
            for (byte, _), times in counted[bytes(x[window, place - ORDER + 1 : place + 1].tolist())].items():
                expected[byte] += times
            assert counts[window, place, 1].tolist() == [expected[int(byte)] for byte in tables.alphabet]


def test_a_position_of_the_text_is_not_shown_its_own_fold_nor_those_beside_it() -> None:
    text = some_text()
    tables, counted = CountTables(text, contexts), count_one_by_one(text)
    x, positions = windows_of(text, [0, 1234, 20_000, len(text) - 66])
    counts = read(tables, contexts(x), positions).view(4, 64, 3, tables.num_symbols)
    for window in range(4):
        for place in range(ORDER - 1, 64):
            own = int(positions[window, place]) * NUM_FOLDS // (len(text) - 1)
            expected: Counter[int] = Counter()
            for (byte, fold), times in counted[bytes(x[window, place - ORDER + 1 : place + 1].tolist())].items():
                expected[byte] += times * (abs(fold - own) > 1)
            assert counts[window, place, 1].tolist() == [expected[int(byte)] for byte in tables.alphabet]


def test_what_stands_only_here_is_unknown_here() -> None:
    text = np.random.default_rng(0).integers(256, size=30_000).astype(np.uint8)
    tables = CountTables(text, lambda x: order_contexts(x, range(6, 7)))
    x, positions = windows_of(text, [5_000])
    keys = order_contexts(x, range(6, 7))
    assert read(tables, keys).sum() == 64 - 5  # each context of six random bytes is found once: in its own place
    assert read(tables, keys, positions).sum() == 0


def test_an_unknown_context_counts_nothing() -> None:
    tables = CountTables(some_text(), contexts)
    x = torch.full((1, 64), ord("z"))
    assert read(tables, contexts(x)).sum() == 0


def test_the_end_of_one_row_of_reading_is_the_beginning_of_the_next() -> None:
    text = np.tile(np.frombuffer(b"abcdefgh", dtype=np.uint8), 8_000)
    tables = CountTables(text, lambda x: order_contexts(x, range(5, 6)))
    x = torch.tensor([list(b"fghab")])  # reaches over the end of each row
    counts = read(tables, order_contexts(x, range(5, 6)))[-1, 0]
    assert counts.nonzero().flatten().tolist() == [tables.alphabet.tolist().index(ord("c"))]
    assert counts.sum() == 7_999


@pytest.mark.parametrize("num_bytes", [16_384, 16_385, 16_386])
def test_a_text_may_end_with_a_row(num_bytes: int) -> None:
    text = np.tile(np.frombuffer(b"abcdefgh", dtype=np.uint8), 3_000)[:num_bytes]
    tables = CountTables(text, lambda x: order_contexts(x, range(1, 2)))
    keys = order_contexts(torch.arange(ord("a"), ord("i"))[None], range(1, 2))
    assert read(tables, keys).sum() == num_bytes - 1


def test_what_lies_beyond_the_counted_part_is_read_as_other_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bardtune.model.counting.counts.MOST_COUNTED_BYTES", 20_000)
    text = some_text()
    tables = CountTables(text, contexts)
    x, positions = windows_of(text, [1_000, 19_970, 30_000])
    counts = read(tables, contexts(x), positions).view(3, 64, -1)
    whole = read(tables, contexts(x)).view(3, 64, -1)
    assert torch.equal(counts[2], whole[2])
    assert torch.equal(counts[1, 30:], whole[1, 30:])
    assert (counts[:2, :29] <= whole[:2, :29]).all()
    assert counts[0].sum() < whole[0].sum()
