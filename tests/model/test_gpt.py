"""The whole model: its size, its first weights, its positions."""

import math
from collections.abc import Callable

import pytest
import torch

from bardtune.model.network.gpt import GPT
from bardtune.model.presets import preset
from bardtune.model.settings import TrialSettings
from support.options import CHOICES
from support.small_models import new_model, random_bytes, random_model, seeded

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]


def test_the_reference_recipe_has_284_688_parameters() -> None:
    assert GPT(preset("reference", budget_s=1.0, seed=0), seeded()).num_params() == 284_688


def test_an_untied_head_is_counted(tiny_settings: MakeSettings) -> None:
    plain = new_model(tiny_settings()).num_params()
    assert GPT(tiny_settings(tied_head=False), seeded()).num_params() == plain + 256 * 16


def test_a_tied_head_is_the_token_embedding(tiny_settings: MakeSettings) -> None:
    tied, untied = (GPT(tiny_settings(tied_head=tied), seeded()) for tied in (True, False))
    assert tied.head.weight is tied.token.weight
    assert not torch.equal(untied.head.weight, untied.token.weight)


@pytest.mark.parametrize("norm", CHOICES["norm"])
@pytest.mark.parametrize("activation", CHOICES["activation"])
def test_without_biases_there_is_no_bias(norm: str, activation: str, tiny_settings: MakeSettings) -> None:
    model = GPT(tiny_settings(biases=False, norm=norm, activation=activation), seeded())
    assert not [name for name, _ in model.named_parameters() if "bias" in name]


def test_same_seed_same_weights(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(history_depth=2, position="learned", tied_head=False)
    first, second = (GPT(settings, seeded(5)).state_dict() for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_different_seeds_give_different_weights(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(history_depth=2, position="learned", tied_head=False, biases=False)
    first, second = (dict(GPT(settings, seeded(seed)).named_parameters()) for seed in (5, 6))
    same = [name for name, value in first.items() if torch.equal(value, second[name])]
    assert all("norm" in name for name in same), same


def test_weights_neither_read_nor_move_the_global_generator(tiny_settings: MakeSettings) -> None:
    torch.manual_seed(1)
    first = new_model(tiny_settings()).token.weight
    torch.manual_seed(2)
    second = new_model(tiny_settings()).token.weight
    assert torch.equal(first, second)


def test_weights_start_small_and_residual_ones_smaller(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(d_model=64, d_ff=128, n_layers=8, history_depth=1, position="learned")
    model = new_model(settings)
    for name, parameter in model.named_parameters():
        expected = 0.02 / math.sqrt(2 * 8) if name.endswith("project.weight") else 0.02
        if parameter.dim() >= 2:
            assert float(parameter.detach().std()) == pytest.approx(expected, rel=0.1), name
        elif "bias" in name:
            assert not parameter.any(), name


def test_with_zero_init_blocks_begin_as_nothing(tiny_settings: MakeSettings) -> None:
    model = new_model(tiny_settings(zero_init=True, n_layers=2, conv_width=4))
    x = random_bytes(2, 20)
    assert torch.equal(model(x), model.head(model.norm(model.token(x))))


def test_windows_may_be_shorter_than_the_context(tiny_settings: MakeSettings) -> None:
    x = random_bytes(1, 256)
    for position in CHOICES["position"]:
        model = random_model(tiny_settings(position=position, count_max_order=4, window_max_order=3))
        assert torch.allclose(model(x[:, :10]), model(x)[:, :10], atol=1e-4)


def test_bf16_computes_in_bf16_and_grades_in_float32(tiny_settings: MakeSettings) -> None:
    model = random_model(tiny_settings(precision="bf16"))
    x = random_bytes(2, 20)
    assert model(x).dtype == torch.bfloat16
    assert model(x, x).dtype == torch.float32
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize("window", [0, 16])
@pytest.mark.parametrize("qk_norm", [True, False])
def test_bf16_is_fp32_but_for_rounding(qk_norm: bool, window: int, tiny_settings: MakeSettings) -> None:
    coarse, fine = (
        random_model(tiny_settings(precision=precision, attention_window=window, qk_norm=qk_norm))
        for precision in ("bf16", "fp32")
    )
    x = random_bytes(2, 50)
    losses = [model(x, x) for model in (coarse, fine)]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=0.02)
    for loss in losses:
        loss.backward()
    for rough, smooth in zip(coarse.parameters(), fine.parameters(), strict=True):
        assert rough.grad is not None and smooth.grad is not None
        assert (rough.grad - smooth.grad).norm() <= 0.05 * smooth.grad.norm()
