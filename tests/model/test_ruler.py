"""The ruler: facts anybody can check by hand."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bardtune.data.corpus import Corpus
from bardtune.data.windows import evaluation_windows
from bardtune.model.measure.ruler import bits_per_byte, evaluate, window_nats
from bardtune.model.settings import TrialSettings
from support.small_models import learned_text, new_model

MakeSettings = Callable[..., TrialSettings]


class Table(nn.Module):
    """Logits by the current byte, and nothing else."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.modes: list[bool] = []
        self.gradients: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training)
        self.gradients.append(torch.is_grad_enabled())
        return self.logits[x]


@pytest.fixture
def table() -> Table:
    return Table(3 * torch.randn(256, 256, generator=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def windows(tiny_corpus: Corpus) -> np.ndarray:
    """(67, 257): two full batches of the ruler and a rest."""
    return evaluation_windows(tiny_corpus.train, at_most=67)


def bits_by_hand(logits: Tensor, windows: np.ndarray) -> float:
    """The mean over bytes of -log2 p(next), one byte at a time."""
    rows = logits.double().tolist()
    totals = [math.log(sum(map(math.exp, row))) for row in rows]
    bits = [
        (totals[now] - rows[now][following]) / math.log(2)
        for window in windows.tolist()
        for now, following in pairwise(window)
    ]
    return sum(bits) / len(bits)


def test_a_blind_guess_costs_eight_bits_per_byte(windows: np.ndarray) -> None:
    assert bits_per_byte(1_000 * math.log(256), num_bytes=1_000) == pytest.approx(8.0)
    assert evaluate(Table(torch.zeros(256, 256)), windows) == pytest.approx(8.0)


def test_a_coin_toss_costs_one_bit_per_byte() -> None:
    logits = torch.full((256, 256), -100.0)
    logits[:, [65, 66]] = 0.0
    tosses = np.array([[65, 66, 66, 65, 66], [66, 66, 65, 65, 65]], dtype=np.uint8)
    assert evaluate(Table(logits), tosses) == pytest.approx(1.0)


def test_the_value_is_the_one_computed_by_hand(table: Table, windows: np.ndarray) -> None:
    assert evaluate(table, windows) == pytest.approx(bits_by_hand(table.logits, windows), rel=1e-6)


def test_the_value_over_all_windows_is_the_mean_of_its_parts(table: Table, windows: np.ndarray) -> None:
    parts = [evaluate(table, windows[:40]) * 40, evaluate(table, windows[40:]) * 27]
    assert evaluate(table, windows) == pytest.approx(sum(parts) / 67, rel=1e-6)


def test_a_subset_is_scored_by_itself(table: Table, windows: np.ndarray) -> None:
    subset = windows[[0, 30, 66]]
    assert evaluate(table, subset) == pytest.approx(bits_by_hand(table.logits, subset), rel=1e-6)
    assert evaluate(table, subset) != pytest.approx(evaluate(table, windows), rel=1e-4)


@pytest.mark.parametrize("at_once", [1, 10, 67, 1000])
def test_it_does_not_matter_how_many_windows_are_scored_at_once(
    at_once: int, table: Table, windows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = evaluate(table, windows)
    monkeypatch.setattr("bardtune.model.measure.ruler.WINDOWS_AT_ONCE", at_once)
    table.modes.clear()
    assert evaluate(table, windows) == pytest.approx(expected, rel=1e-6)
    assert len(table.modes) == math.ceil(67 / at_once)


@pytest.mark.parametrize("training", [True, False])
def test_scoring_is_not_training_and_the_mode_is_put_back(training: bool, table: Table, windows: np.ndarray) -> None:
    table.train(training)
    evaluate(table, windows)
    assert not any(table.modes)
    assert table.training is training


def test_scoring_needs_no_gradients_and_leaves_them_on(table: Table, windows: np.ndarray) -> None:
    evaluate(table, windows)
    assert not any(table.gradients)
    assert torch.is_grad_enabled()


def test_bf16_logits_are_scored_in_float32(table: Table, windows: np.ndarray) -> None:
    coarse = table.logits.detach().bfloat16()
    expected = bits_by_hand(coarse, windows)
    assert evaluate(Table(coarse), windows) == pytest.approx(expected, rel=1e-6)


def test_window_nats_are_one_per_byte_in_float32() -> None:
    y = torch.tensor([[0, 255, 7], [1, 2, 3]])
    nats = window_nats(torch.zeros(2, 3, 256, dtype=torch.bfloat16), y)
    assert nats.dtype == torch.float32
    assert torch.allclose(nats, torch.full((2, 3), math.log(256)))


def test_window_nats_belong_to_their_own_byte() -> None:
    logits = torch.randn(2, 3, 256, generator=torch.Generator().manual_seed(1))
    y = torch.tensor([[0, 255, 7], [1, 2, 3]])
    nats = window_nats(logits, y)
    for b in range(2):
        for t in range(3):
            assert nats[b, t] == pytest.approx(-float(logits[b, t].log_softmax(-1)[y[b, t]]), rel=1e-5)


def test_order_and_company_of_the_windows_do_not_change_the_value(tiny_settings: MakeSettings) -> None:
    experts = {"count_max_order": 4, "count_words": 1, "window_max_order": 3}
    model = new_model(tiny_settings(**experts, zero_init=True, tied_head=False))
    windows = learned_text()[: 257 * 40].reshape(40, 257)
    together = evaluate(model, windows)
    assert evaluate(model, windows[np.random.default_rng(0).permutation(40)]) == pytest.approx(together, abs=1e-6)
    alone = [evaluate(model, windows[place : place + 1]) for place in range(40)]
    assert float(np.mean(alone)) == pytest.approx(together, abs=1e-6)
