"""Several networks in one model: what they share, how they learn, and what they say together."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bardtune.data.corpus import Corpus
from bardtune.model.network.gpt import GPT
from bardtune.model.network.weights import read_weights, save_weights, trained_model
from bardtune.model.settings import TrialSettings
from bardtune.model.training.budget import step_budget
from bardtune.model.training.trainer import TrainingRun
from support.small_models import assert_equal_states, learned_text, new_model, random_bytes, random_model, seeded

MakeSettings = Callable[..., TrialSettings]
COUNTS = {"count_max_order": 3, "count_words": 1, "count_classes": 1, "window_max_order": 3, "gate_mixtures": 2}
X, Y = random_bytes(3, 32), random_bytes(3, 32, seed=1)


def windows_of_the_text() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x, y and positions, (B, T) int64 each."""
    positions = torch.tensor([[5], [900], [4000]]) + torch.arange(64)
    text = torch.from_numpy(learned_text().astype(np.int64))
    return text[positions], text[positions + 1], positions


@pytest.mark.parametrize("counts", [{}, COUNTS], ids=["alone", "with experts"])
def test_probabilities_are_averaged(counts: dict[str, int], tiny_settings: MakeSettings) -> None:
    model = random_model(tiny_settings(**counts, ensemble_size=3))
    with torch.no_grad():
        evidence = model._evidence(X, None)
        each = [network._score(X, None, evidence).softmax(-1) for network in model.networks]
        together = model(X).exp()
    assert len(each) == 3
    assert not torch.allclose(each[0], each[1], atol=1e-3)
    torch.testing.assert_close(together, sum(each) / 3)


def test_the_first_network_begins_as_it_would_alone(tiny_settings: MakeSettings) -> None:
    alone, together = (dict(new_model(tiny_settings(ensemble_size=n)).named_parameters()) for n in (1, 2))
    assert all(torch.equal(value, together[name]) for name, value in alone.items())
    assert not torch.equal(together["token.weight"], together["others.0.token.weight"])


@pytest.mark.parametrize("num_threads", [1, 2])
def test_each_network_learns_from_its_own_windows(num_threads: int, tiny_settings: MakeSettings) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        model = new_model(tiny_settings(**COUNTS, ensemble_size=3))
        x, y, positions = windows_of_the_text()
        loss = model.backward(x, y, positions)
        assert torch.get_num_threads() == num_threads
        losses = []
        torch.set_num_threads(1)
        all_together = [[parameter.grad for parameter in network.own_parameters()] for network in model.networks]
        model.zero_grad()
        for number, (network, together) in enumerate(zip(model.networks, all_together, strict=True)):
            share = slice(number, number + 1)
            own = network._score(x[share], y[share], network._evidence(x[share], positions[share]))
            own.backward()  # type: ignore[no-untyped-call]
            losses.append(float(own.detach()))
            for parameter, grad in zip(network.own_parameters(), together, strict=True):
                assert grad is not None and parameter.grad is not None
                torch.testing.assert_close(grad, parameter.grad, rtol=0, atol=0)
        assert loss == pytest.approx(sum(losses) / 3)
    finally:
        torch.set_num_threads(before)


def test_tables_are_held_once(tiny_settings: MakeSettings) -> None:
    one, three = (new_model(tiny_settings(**COUNTS, ensemble_size=n)) for n in (1, 3))
    assert one.experts is not None and three.experts is not None
    trained = sum(parameter.numel() for parameter in one.parameters())
    assert three.num_params() == 3 * trained + three.experts.num_numbers()
    assert all(other.experts.tables is three.experts.tables for other in three.others)  # type: ignore[union-attr]


def test_the_number_of_threads_does_not_matter_to_the_networks(
    tiny_settings: MakeSettings, tiny_corpus: Corpus
) -> None:
    def trained(num_threads: int) -> GPT:
        torch.set_num_threads(num_threads)
        run = TrainingRun(tiny_settings(ensemble_size=2), tiny_corpus, budget=step_budget(num_steps=5))
        list(run.events())
        return run.model

    before = torch.get_num_threads()
    try:
        one, two = (trained(num_threads).state_dict() for num_threads in (1, 2))
    finally:
        torch.set_num_threads(before)
    for name, value in one.items():
        torch.testing.assert_close(value, two[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("tied_head", [True, False])
def test_weights_come_back(tied_head: bool, tiny_settings: MakeSettings, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    settings = tiny_settings(ensemble_size=2, tied_head=tied_head)
    model = GPT(settings, seeded())
    save_weights(file, model, settings=settings, fractions=[0.0], threads=1)
    saved = read_weights(file)
    assert any(name.endswith("head.weight") for name in saved.tensors) != tied_head
    assert_equal_states(trained_model(saved).state_dict(), model.state_dict())
