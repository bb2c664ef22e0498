"""History and n-gram tables against hand-written loops."""

from collections.abc import Callable

import pytest
import torch
from small_models import new_model, random_bytes, randomize, seeded
from torch import Tensor

from model.embedding import HistoryEmbedding, NgramTables, previous_bytes
from model.settings import TrialSettings

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]


def test_previous_bytes_are_zero_before_the_window_begins() -> None:
    assert previous_bytes(torch.tensor([[7, 8, 9]]), 2).tolist() == [[0, 0, 7]]
    assert previous_bytes(torch.tensor([[7, 8, 9]]), 5).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_the_history_embedding_is_the_hand_written_loop(depth: int) -> None:
    history = HistoryEmbedding(depth, channels=4)
    randomize(history)
    x = random_bytes(2, 8)
    expected = torch.zeros(2, 8, 4)
    for b in range(2):
        for t in range(8):
            for back in range(1, depth + 1):
                byte = int(x[b, t - back]) if t >= back else 0
                expected[b, t] += history.tables[(back - 1) * 256 + byte].detach()
    assert torch.allclose(history(x), expected, atol=1e-6)


def tables(max_order: int = 4, rows_log2: int = 16, channels: int = 4) -> NgramTables:
    return NgramTables(max_order=max_order, rows_log2=rows_log2, channels=channels)


def test_the_same_last_bytes_are_the_same_row_whatever_came_before() -> None:
    x, other = random_bytes(1, 12, seed=1), random_bytes(1, 12, seed=2)
    other[:, -4:] = x[:, -4:]
    ids, other_ids = tables(max_order=6).ids(x), tables(max_order=6).ids(other)
    same = (ids[:, 0, -1] == other_ids[:, 0, -1]).tolist()
    assert same == [True, True, True, False, False]  # the last 2, 3, 4 bytes agree, the last 5 and 6 do not


def test_each_byte_of_an_ngram_decides_its_row() -> None:
    x = random_bytes(1, 4)
    ids = tables(max_order=4).ids(x)[:, 0, -1]
    for back, changed_orders in ((0, [2, 3, 4]), (1, [2, 3, 4]), (2, [3, 4]), (3, [4])):
        other = x.clone()
        other[0, 3 - back] = (other[0, 3 - back] + 1) % 256
        moved = (tables(max_order=4).ids(other)[:, 0, -1] != ids).tolist()
        assert [order for order, move in zip((2, 3, 4), moved, strict=True) if move] == changed_orders


def test_the_order_of_the_bytes_decides_the_row() -> None:
    ids = tables(max_order=2).ids(torch.tensor([[65, 66, 65]]))[0, 0]
    assert ids[1] != ids[2]


def test_each_order_has_rows_of_its_own() -> None:
    ids = tables(max_order=4, rows_log2=8).ids(random_bytes(4, 200))
    for table in range(3):
        assert ids[table].min() >= table * 2**8
        assert ids[table].max() < (table + 1) * 2**8
    assert tables(max_order=4, rows_log2=8).rows.shape == (3 * 2**8, 4)


def test_ngrams_spread_over_the_rows() -> None:
    """Of 2**16 pairs in 2**16 rows a random hash fills 63 %."""
    pairs = torch.cartesian_prod(torch.arange(256), torch.arange(256))
    rows = tables(max_order=2).ids(pairs)[0, :, 1]
    assert len(rows.unique()) / 2**16 > 0.6


def test_row_numbers_see_no_later_byte() -> None:
    x = random_bytes(1, 10)
    changed = x.clone()
    changed[:, 6:] += 1
    assert torch.equal(tables().ids(x)[:, :, :6], tables().ids(changed % 256)[:, :, :6])


def test_ngram_tables_add_up_their_rows() -> None:
    ngrams = tables(rows_log2=8)
    randomize(ngrams)
    x = random_bytes(2, 6)
    assert torch.allclose(ngrams(x), ngrams.rows[ngrams.ids(x)].sum(0), atol=1e-6)


def test_ngram_tables_begin_as_nothing(tiny_settings: MakeSettings) -> None:
    x = random_bytes(2, 20)
    plain, counted = (new_model(tiny_settings(ngram_max_order=order, ngram_rows_log2=8))(x) for order in (0, 4))
    assert torch.equal(plain, counted)


def adagrad_by_hand(ngrams: NgramTables, x: Tensor, gradient: Tensor, learning_rate: float) -> tuple[Tensor, Tensor]:
    """Rows and accumulators after one update: all squares are added before any row moves."""
    rows, accumulator = ngrams.rows.clone(), ngrams.accumulator.clone()
    gradients = (gradient * x.numel()).flatten(0, 1)  # of the sum over positions, not of the mean
    touched = [(row, g) for ids in ngrams.ids(x) for row, g in zip(ids.flatten(), gradients, strict=True)]
    for row, g in touched:
        accumulator[row] += g.square().mean()
    for row, g in touched:
        rows[row] -= learning_rate * g / accumulator[row].sqrt()
    return rows, accumulator


DISTINCT, REPEATED = random_bytes(2, 6), torch.tensor([[65, 66, 65, 66, 65, 66]])


@pytest.mark.parametrize("x", [DISTINCT, REPEATED], ids=["distinct", "repeated"])
def test_ngram_rows_move_as_a_slow_adagrad_would_move_them(x: Tensor) -> None:
    ngrams = tables(max_order=3)
    ngrams.rows.normal_(generator=seeded(1))
    ngrams.accumulator.uniform_(generator=seeded(2))
    target = torch.randn(*x.shape, 4, generator=seeded(3))
    for _ in range(2):
        ((ngrams(x) - target).square().sum() / x.numel()).backward()
        gradient = 2 * (ngrams.rows[ngrams.ids(x)].sum(0) - target) / x.numel()
        rows, accumulator = adagrad_by_hand(ngrams, x, gradient, 0.1)
        ngrams.update(0.1)
        assert torch.allclose(ngrams.rows, rows, atol=1e-5)
        assert torch.allclose(ngrams.accumulator, accumulator, atol=1e-4)


def test_a_row_that_was_not_read_does_not_move() -> None:
    ngrams = tables(rows_log2=8)
    x = random_bytes(1, 5)
    ngrams(x).sum().backward()
    ngrams.update(0.1)
    read = torch.zeros(len(ngrams.rows), dtype=torch.bool).index_fill(0, ngrams.ids(x).flatten(), True)
    assert torch.equal(ngrams.rows.any(1), read)


def test_an_update_without_a_backward_pass_moves_nothing() -> None:
    ngrams = tables(rows_log2=8)
    ngrams(random_bytes(1, 5))
    ngrams.update(0.1)
    assert not ngrams.rows.any()


def test_only_a_training_pass_asks_for_gradients() -> None:
    ngrams, x = tables(rows_log2=8), random_bytes(1, 5)
    assert ngrams(x).requires_grad
    with torch.no_grad():
        assert not ngrams(x).requires_grad
    assert not ngrams.eval()(x).requires_grad


def test_a_gradient_is_spent_once() -> None:
    ngrams = tables(rows_log2=8)
    ngrams(random_bytes(1, 5)).sum().backward()
    ngrams.update(0.1)
    rows = ngrams.rows.clone()
    ngrams.update(0.1)
    assert torch.equal(ngrams.rows, rows)


def test_a_row_learns_the_same_from_a_window_whatever_the_batch_size(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(ngram_max_order=2, ngram_rows_log2=20)
    x = torch.arange(200).view(10, 20)  # no pair of bytes comes twice
    learned = []
    for batch in (x[:1], x):
        model = new_model(settings).train()
        assert model.ngrams is not None
        model(batch, batch).backward()
        model.ngrams.update(0.1)
        rows = model.ngrams.ids(x[:1])[0, 0]
        learned.append((model.ngrams.rows[rows], model.ngrams.accumulator[rows]))
    (few_rows, few_squares), (many_rows, many_squares) = learned
    assert torch.allclose(few_rows, many_rows, atol=1e-4)
    assert torch.allclose(few_squares, many_squares, rtol=1e-3)
