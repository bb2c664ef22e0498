"""Text from a model: as it predicts, from its seed, with any prompt."""

from collections.abc import Callable
from itertools import islice

import pytest
import torch

from bardtune.data.corpus import CONTEXT_BYTES
from bardtune.model.generation import generate
from bardtune.model.network.gpt import GPT
from bardtune.model.settings import TrialSettings
from bardtune.search.commands.sample import SampleFlags
from bardtune.studies.errors import PlanError
from support.small_models import random_model

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tiny_settings: Callable[..., TrialSettings]) -> GPT:
    return random_model(tiny_settings(count_max_order=3, window_max_order=3)).eval()


def written(model: GPT, prompt: bytes, *, temperature: float = 1.0, seed: int = 0, count: int = 20) -> list[int]:
    return list(islice(generate(model, prompt, temperature=temperature, seed=seed), count))


def test_the_seed_decides(model: GPT) -> None:
    assert written(model, b"thou", seed=1) == written(model, b"thou", seed=1)
    assert written(model, b"thou", seed=1) != written(model, b"thou", seed=2)


def test_temperature_0_takes_the_likeliest_byte_whatever_the_seed(model: GPT) -> None:
    found = written(model, b"thou", temperature=0.0, seed=1)
    assert found == written(model, b"thou", temperature=0.0, seed=2)
    with torch.no_grad():
        assert found[0] == int(model(torch.tensor([list(b"thou")]))[0, -1].argmax())


def test_without_a_prompt_a_new_line_begins(model: GPT) -> None:
    assert written(model, b"") == written(model, b"\n")


def test_only_the_last_bytes_that_the_model_can_see_count(model: GPT) -> None:
    seen = bytes(range(256))
    assert len(seen) == CONTEXT_BYTES
    assert written(model, b"before" + seen, count=3) == written(model, seen, count=3)


@pytest.mark.parametrize("prompt", [b"\xff\x00\x80", "\u00e9t\u00e9".encode(), b"a" * 1000])
def test_any_bytes_are_a_prompt(model: GPT, prompt: bytes) -> None:
    assert all(0 <= value < 256 for value in written(model, prompt, count=3))


def test_draws_follow_the_predicted_probabilities(model: GPT) -> None:
    with torch.no_grad():
        expected = model(torch.tensor([list(b"th")]))[0, -1].double().softmax(-1)
    draws = torch.tensor([written(model, b"th", seed=seed, count=1)[0] for seed in range(400)])
    likeliest = int(expected.argmax())
    assert float((draws == likeliest).double().mean()) == pytest.approx(float(expected[likeliest]), abs=0.1)


@pytest.mark.parametrize(
    "changes",
    [{"num_bytes": 0}, {"temperature": -0.1}, {"temperature": float("nan")}, {"temperature": 1e9}, {"seed": -1}],
)
def test_what_no_text_could_have_is_refused(changes: dict[str, float]) -> None:
    said = {"prompt": "", "num_bytes": 5, "temperature": 1.0, "seed": 0}
    with pytest.raises(PlanError, match="choose --"):
        SampleFlags(**{**said, **changes})  # type: ignore[arg-type]
