"""Which parameter is moved by which optimizer, and how far."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import AdamW, Muon

from bardtune.model.network.gpt import GPT
from bardtune.model.settings import TrialSettings
from bardtune.model.training.muon import BatchedMuon, orthogonalize
from bardtune.model.training.optimizers import Optimizers, is_block_matrix, make_optimizers
from bardtune.model.training.schedules import learning_rate_multiplier
from support.options import CHOICES
from support.small_models import new_model, random_bytes, random_model, seeded

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]
SHAPES = [(16, 16), (16, 16), (32, 16), (16, 32), (24, 8), (48, 16)]


# Muon


def random_matrices() -> list[nn.Parameter]:
    generator = seeded()
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def moves(kind: type[Muon], num_steps: int, **arguments: float | str | bool) -> list[Tensor]:
    """How far each matrix has moved after ``num_steps`` steps with the same gradients for every kind."""
    matrices, generator = random_matrices(), seeded(1)
    optimizer = kind(matrices, **arguments)
    for _ in range(num_steps):
        for matrix in matrices:
            matrix.grad = torch.randn(matrix.shape, generator=generator)
        optimizer.step()
    return [(after - before).detach() for after, before in zip(matrices, random_matrices(), strict=True)]


@pytest.mark.parametrize("num_steps", [1, 5])
@pytest.mark.parametrize("adjust_lr_fn", ["original", "match_rms_adamw"])
@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_batched_muon_moves_as_torchs_muon_does(
    num_steps: int, adjust_lr_fn: str, nesterov: bool, weight_decay: float
) -> None:
    """Up to the bfloat16 in which torch's iterates."""
    arguments = {
        "lr": 0.1, "momentum": 0.9, "adjust_lr_fn": adjust_lr_fn, "nesterov": nesterov,
        "weight_decay": weight_decay,
    }  # fmt: skip
    ours, theirs = (moves(kind, num_steps, **arguments) for kind in (BatchedMuon, Muon))
    for our, their in zip(ours, theirs, strict=True):
        assert torch.cosine_similarity(our.flatten(), their.flatten(), dim=0) > 0.99
        assert float(our.norm()) == pytest.approx(float(their.norm()), rel=0.03)


def test_orthogonalizing_moves_all_singular_values_towards_one() -> None:
    group = BatchedMuon(random_matrices()).param_groups[0]
    wide = torch.randn(5, 12, 30, generator=seeded()) * torch.logspace(-3, 3, 5)[:, None, None]
    values = torch.linalg.svdvals(orthogonalize(wide, group["ns_coefficients"], 5, group["eps"]))
    assert values.min() > 0.5
    assert values.max() < 1.5


def test_orthogonalizing_keeps_the_directions() -> None:
    group = BatchedMuon(random_matrices()).param_groups[0]
    wide = torch.randn(1, 12, 30, generator=seeded())
    left, _, right = torch.linalg.svd(wide[0], full_matrices=False)
    core = left.T @ orthogonalize(wide, group["ns_coefficients"], 5, group["eps"])[0] @ right.T
    assert torch.allclose(core, core.diagonal().diag(), atol=1e-4)


def test_a_matrix_without_a_gradient_is_left_alone() -> None:
    matrices = random_matrices()
    for matrix in matrices[1:]:
        matrix.grad = torch.ones_like(matrix)
    BatchedMuon(matrices, lr=0.1).step()
    still = [torch.equal(after, before) for after, before in zip(matrices, random_matrices(), strict=True)]
    assert still == [True, False, False, False, False, False]


def moved_by_muon(settings: TrialSettings, *, query_scale: Tensor | float) -> dict[str, Tensor]:
    """How each matrix of a block moves in one step, with the gradient of the queries multiplied."""
    model = new_model(settings)
    muon = next(each for each in make_optimizers(model, settings) if isinstance(each, BatchedMuon))
    generator = seeded(2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
        if "query.weight" in name:
            parameter.grad *= query_scale
    muon.step()
    return {name: value - before[name] for name, value in model.state_dict().items()}


def test_queries_keys_and_values_are_orthogonalized_apart(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(optimizer="muon", weight_decay=0.0)
    plain = moved_by_muon(settings, query_scale=1.0)
    lopsided = moved_by_muon(settings, query_scale=torch.logspace(0, 3, 16)[:, None])
    assert not torch.allclose(
        plain["blocks.0.attention.query.weight"], lopsided["blocks.0.attention.query.weight"], rtol=0.1
    )
    for part in ("key", "value", "project"):
        name = f"blocks.0.attention.{part}.weight"
        assert torch.allclose(plain[name], lopsided[name], atol=1e-7)


def test_muons_steps_are_as_large_as_adamws(tiny_settings: MakeSettings) -> None:
    """So that one learning rate serves both: the root mean square of an update is about 0.2 of the rate."""
    settings = tiny_settings(optimizer="muon", weight_decay=0.0, learning_rate=0.01, muon_lr_ratio=2.0)
    for name, move in moved_by_muon(settings, query_scale=1.0).items():
        if name.startswith("blocks.0.") and move.dim() == 2:
            assert float(move.square().mean().sqrt()) == pytest.approx(0.2 * 0.02, rel=0.3), name


# Who moves what


@given(
    optimizer=st.sampled_from(CHOICES["optimizer"]),
    position=st.sampled_from(CHOICES["position"]),
    activation=st.sampled_from(CHOICES["activation"]),
    norm=st.sampled_from(CHOICES["norm"]),
    switches=st.fixed_dictionaries({name: st.booleans() for name in ("tied_head", "biases", "qk_norm")}),
    sizes=st.fixed_dictionaries({"conv_width": st.sampled_from([0, 4]), "history_depth": st.sampled_from([0, 3])}),
)
def test_every_parameter_has_one_optimizer_and_decays_if_it_has_two_dimensions(
    optimizer: str, position: str, activation: str, norm: str,
    switches: dict[str, bool], sizes: dict[str, int], tiny_settings: MakeSettings,
) -> None:  # fmt: skip
    settings = tiny_settings(
        optimizer=optimizer, position=position, activation=activation, norm=norm, **switches, **sizes
    )
    model = new_model(settings)
    groups = [group for each in make_optimizers(model, settings) for group in each.param_groups]
    moved = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(moved) == sorted(id(parameter) for parameter in model.parameters())
    for group in groups:
        for parameter in group["params"]:
            assert group["weight_decay"] == (settings.weight_decay if parameter.dim() >= 2 else 0.0)


def test_muon_moves_the_linear_maps_of_the_blocks_and_adamw_all_else(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(
        optimizer="muon", activation="swiglu", tied_head=False,
        history_depth=2, position="learned", conv_width=2,
    )  # fmt: skip
    model = new_model(settings)
    adamw, muon = make_optimizers(model, settings)
    by_muon = {id(parameter) for group in muon.param_groups for parameter in group["params"]}
    names = {name for name, parameter in model.named_parameters() if id(parameter) in by_muon}
    attention = {f"blocks.0.attention.{part}.weight" for part in ("query", "key", "value", "project")}
    feed_forward = {f"blocks.0.feed_forward.{part}.weight" for part in ("expand", "gate", "project")}
    assert names == attention | feed_forward
    assert isinstance(adamw, AdamW)


def test_adamw_alone_moves_everything_by_default(tiny_settings: MakeSettings) -> None:
    (only,) = make_optimizers(new_model(tiny_settings()), tiny_settings())
    assert isinstance(only, AdamW)


def test_adamw_is_given_the_settings_of_the_run(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(learning_rate=0.003, beta1=0.8, beta2=0.9, weight_decay=0.7)
    (adamw,) = make_optimizers(new_model(settings), settings)
    assert [group["betas"] for group in adamw.param_groups] == [(0.8, 0.9)] * 2
    assert [group["lr"] for group in adamw.param_groups] == [0.003] * 2
    assert [group["weight_decay"] for group in adamw.param_groups] == [0.7, 0.0]


def test_the_experts_gate_has_a_rate_of_its_own(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(learning_rate=0.01, gate_lr_ratio=0.2, weight_decay=0.7, count_max_order=3)
    model = new_model(settings)
    (adamw,) = make_optimizers(model, settings)
    rates = {id(parameter): group["lr"] for group in adamw.param_groups for parameter in group["params"]}
    for name, parameter in model.named_parameters():
        assert rates[id(parameter)] == pytest.approx(0.002 if name.startswith("experts.gate") else 0.01), name


def test_decay_shrinks_what_has_two_dimensions_and_nothing_else(tiny_settings: MakeSettings) -> None:
    """Without a gradient to follow, the decay is all that moves."""
    settings = tiny_settings(
        optimizer="muon", learning_rate=0.1, muon_lr_ratio=2.0, weight_decay=0.5, warmup=0.0, history_depth=1
    )
    model = random_model(settings)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    Optimizers(model, settings).step(0.5)
    for name, parameter in model.named_parameters():
        kept = 1.0 if parameter.dim() < 2 else 0.90 if is_block_matrix(name, parameter) else 0.95
        assert torch.allclose(parameter, before[name] * kept), name


# All optimizers as one


def graded(model: GPT) -> None:
    x = random_bytes(2, 20)
    model.train()(x, x).backward()


@pytest.mark.parametrize("schedule", CHOICES["schedule"])
def test_every_learning_rate_follows_the_schedule(schedule: str, tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(
        optimizer="muon",
        schedule=schedule,
        warmup=0.1,
        learning_rate=0.01,
        muon_lr_ratio=3.0,
    )
    model = new_model(settings)
    optimizers = Optimizers(model, settings)
    for progress in (0.0, 0.05, 0.1, 0.6, 1.0):
        graded(model)
        optimizers.step(progress)
        multiplier = learning_rate_multiplier(progress, schedule=schedule, warmup=0.1)
        adamw, muon = optimizers.optimizers
        assert [group["lr"] for group in adamw.param_groups] == pytest.approx([0.01 * multiplier] * 2)
        assert muon.param_groups[0]["lr"] == pytest.approx(0.03 * multiplier)


@pytest.mark.parametrize(("grad_clip", "reaching"), [(0.0, 40.0), (1.0, 1.0), (7.0, 7.0), (100.0, 40.0)])
def test_the_gradient_is_clipped_to_its_largest_norm_or_not_at_all(
    grad_clip: float, reaching: float, tiny_settings: MakeSettings
) -> None:
    settings = tiny_settings(grad_clip=grad_clip, beta1=0.5)
    model = new_model(settings)
    num_params = sum(parameter.numel() for parameter in model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 40.0 / num_params**0.5)
    optimizers = Optimizers(model, settings)
    optimizers.step(0.5)
    (adamw,) = optimizers.optimizers
    averages = torch.cat([state["exp_avg"].flatten() for state in adamw.state.values()])
    assert float(averages.norm()) == pytest.approx(0.5 * reaching, rel=1e-3)


def test_a_step_clears_the_gradients(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(optimizer="muon")
    model = new_model(settings)
    graded(model)
    Optimizers(model, settings).step(0.5)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_step_moves_every_parameter(tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(
        optimizer="muon", count_max_order=4, window_max_order=3, history_depth=1, tied_head=False, conv_width=2
    )
    model = random_model(settings)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    graded(model)
    Optimizers(model, settings).step(0.5)
    for name, value in model.state_dict().items():
        assert not torch.equal(value, before[name]), name
