"""What several tests share: a small text, small settings, one thread."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

from data.corpus import Corpus, corpus_of
from model.settings import TrialSettings

# The same examples each time, and no stopwatch on them: a busy machine is not a failure.
hypothesis.settings.register_profile("house", derandomize=True, deadline=None)
hypothesis.settings.load_profile("house")

TINY: dict[str, Any] = {
    "d_model": 16,
    "n_layers": 1,
    "n_heads": 2,
    "d_ff": 32,
    "history_depth": 0,
    "batch_size": 2,
    "learning_rate": 0.01,
    "budget_s": 0.3,
    "seed": 1,
}


@pytest.fixture(scope="session")
def tiny_corpus() -> Corpus:
    """20 kB of words drawn from a short list, with a line of bytes that are not UTF-8 now and then."""
    chance = random.Random(1616)
    words = [bytes(chance.choices(b"abcdefghilmnorstu", k=chance.randint(1, 7))) for _ in range(60)]
    endings = [b".\n", b",\n", b"!\n", b"\xff\xe9\x80\n"]
    text = bytearray()
    while len(text) < 20_000:
        text += b" ".join(chance.choices(words, k=8)) + chance.choice(endings)
    return corpus_of("tiny", bytes(text[:20_000]))


@pytest.fixture(scope="session")
def tiny_settings() -> Callable[..., TrialSettings]:
    """A maker of settings that train in a blink; what it is given replaces what is in TINY."""

    def make(**changes: Any) -> TrialSettings:
        return TrialSettings(**{**TINY, **changes})

    return make


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Compute on one thread: tiny matrices gain nothing from two, and timings are steadier."""
    import torch  # here, so that tests of the text need not wait for it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
