"""The history embedding against a hand-written loop."""

import pytest
import torch

from bardtune.model.counting.contexts import previous_bytes
from bardtune.model.network.embedding import HistoryEmbedding
from support.small_models import random_bytes, randomize

pytestmark = pytest.mark.usefixtures("one_thread")


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
