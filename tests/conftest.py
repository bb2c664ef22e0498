"""What several tests share: a small text, small settings, one thread."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from bardtune.data.corpus import Corpus, corpus_of
from bardtune.model.settings import TrialSettings
from support.tiny import TINY

if TYPE_CHECKING:
    from support.at_hand import Place

# The same examples each time, and no stopwatch on them: a busy machine is not a failure.
hypothesis.settings.register_profile("house", derandomize=True, deadline=None)
hypothesis.settings.load_profile("house")


LONG_S = 3600  # for each test that is marked long


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked long has a time limit of its own."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(LONG_S))


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


@pytest.fixture
def place(tmp_path: Path) -> "Iterator[Place]":
    """A folder for whole studies, run by the command line."""
    from support.at_hand import Place

    place = Place.at(tmp_path)
    yield place
    place.end_all()


class ModelTime:
    """Seconds that pass with the model: ``step_s`` for each training pass, ``scoring_s`` for each scoring."""

    def __init__(self, *, step_s: float, scoring_s: float) -> None:
        self.now_s, self.step_s, self.scoring_s = 0.0, step_s, scoring_s

    def __call__(self) -> float:
        return self.now_s

    def let_pass(self, seconds: float) -> None:
        self.now_s += seconds

    def pass_with(self, model: Any) -> None:
        backward = model.backward

        def timed_backward(*batch: Any) -> Any:
            self.let_pass(self.step_s)
            return backward(*batch)

        model.backward = timed_backward
        model.register_forward_pre_hook(lambda model, batch: self.let_pass(self.scoring_s))


@pytest.fixture(scope="session")
def begin_run(tiny_corpus: Corpus, tiny_settings: Callable[..., TrialSettings]) -> Callable[..., Any]:
    """A maker of training runs of 20 seconds whose steps take a second each, and each scoring a hundred.

    Arguments are those of TrainingRun, ``step_s``, and any settings.
    """
    from bardtune.model.training.trainer import TrainingRun

    def begin(*, step_s: float = 1.0, **changes: Any) -> TrainingRun:
        ours = {name: changes.pop(name) for name in ("budget", "checkpoint", "on_step") if name in changes}
        run = TrainingRun(tiny_settings(**{"budget_s": 20.0, **changes}), tiny_corpus, **ours)
        if run.steps == 0:
            run.clock.seconds["train"] = 0.0  # counting the text took real time
        run.clock.now = ModelTime(step_s=step_s, scoring_s=100.0)
        run.clock.now.pass_with(run.model)
        return run

    return begin
