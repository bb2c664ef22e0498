"""The parts of a block against plain formulas."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bardtune.model.network.attention import CausalSelfAttention, LocalAttention, local_mask, whole_mask
from bardtune.model.network.layers import ACTIVATIONS, Activation, Block, CausalDepthwiseConv, FeedForward
from bardtune.model.network.positions import alibi_slopes
from bardtune.model.settings import TrialSettings
from support.options import CHOICES
from support.small_models import new_model, random_bytes, random_model, randomize, seeded

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]


def plain_rope(x: Tensor, theta: float) -> Tensor:
    """Turn each pair of channels (i, i + D / 2) of x (..., T, D) by its position's angle."""
    first, second = x.chunk(2, -1)
    frequencies = theta ** (-torch.arange(first.shape[-1]) / first.shape[-1])
    angles = torch.outer(torch.arange(x.shape[-2]), frequencies)
    turned = (first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos())
    return torch.cat(turned, -1)


def plain_attention(attention: CausalSelfAttention, x: Tensor, position: str, window: int = 256) -> Tensor:
    """(B, T, C) to (B, T, C), one head and one score matrix at a time."""
    heads = []
    width = x.shape[-1] // attention.n_heads
    for head in range(attention.n_heads):
        part = slice(head * width, (head + 1) * width)
        q, k, v = (linear(x)[..., part] for linear in (attention.query, attention.key, attention.value))
        if attention.qk_norm:
            q, k = ((z - z.mean(-1, keepdim=True)) / z.std(-1, keepdim=True, correction=0) for z in (q, k))
        if position == "rope":
            q, k = plain_rope(q, 100.0), plain_rope(k, 100.0)
        scores = q @ k.mT / math.sqrt(width)
        if position == "alibi":
            scores = scores + whole_mask(alibi_slopes(attention.n_heads), x.shape[1])[head]
        ones = torch.ones(x.shape[1], x.shape[1])
        unseen = (ones.triu(1) + ones.tril(-window)).bool()
        heads.append(scores.masked_fill(unseen, -math.inf).softmax(-1) @ v)
    return attention.project(torch.cat(heads, -1))


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("qk_norm", [True, False])
@pytest.mark.parametrize("position", CHOICES["position"])
def test_attention_is_the_plain_formula(
    position: str, qk_norm: bool, biases: bool, tiny_settings: MakeSettings
) -> None:
    settings = tiny_settings(position=position, qk_norm=qk_norm, biases=biases, n_heads=4, d_model=24, rope_theta=100.0)
    attention = CausalSelfAttention(settings)
    randomize(attention)
    x = torch.randn(2, 12, 24, generator=seeded())
    assert torch.allclose(attention(x), plain_attention(attention, x, position), atol=1e-4)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("window", [1, 4, 5, 12, 30])
@pytest.mark.parametrize("position", CHOICES["position"])
def test_local_attention_and_its_gradients_are_those_of_the_plain_formula_over_the_last_bytes(
    position: str, window: int, plain: bool, tiny_settings: MakeSettings
) -> None:
    shape = {"n_heads": 4, "d_model": 24, "rope_theta": 100.0, "biases": plain, "qk_norm": not plain}
    attention = CausalSelfAttention(tiny_settings(position=position, attention_window=window, **shape))
    randomize(attention)
    x = torch.randn(2, 12, 24, generator=seeded())
    found, expected = attention(x), plain_attention(attention, x, position, window)
    assert torch.allclose(found, expected, atol=1e-4)
    weights = torch.randn(found.shape, generator=seeded())
    parameters = list(attention.parameters())
    gradients = [torch.autograd.grad((out * weights).sum(), parameters) for out in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize(("num_windows", "n_heads"), [(2, 2), (1, 1)])
@pytest.mark.parametrize(("width", "num_positions"), [(4, 4), (4, 7), (4, 11), (4, 3), (1, 5), (3, 1)])
@pytest.mark.parametrize("alibi", [True, False])
def test_the_gradient_of_local_attention_is_that_of_finite_differences(
    alibi: bool, width: int, num_positions: int, num_windows: int, n_heads: int
) -> None:
    shape = (num_windows, num_positions, n_heads, 4)
    qk = torch.randn(*shape[:2], 2, *shape[2:], generator=seeded(), dtype=torch.float64, requires_grad=True)
    v = torch.randn(shape, generator=seeded(), dtype=torch.float64, requires_grad=True)
    mask = local_mask(alibi_slopes(n_heads) if alibi else torch.zeros(1), width).double()
    assert torch.autograd.gradcheck(lambda *inputs: LocalAttention.apply(*inputs, mask), (qk, v))


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_the_gradient_of_an_activation_is_that_of_finite_differences(activation: Activation) -> None:
    x = torch.randn(3, 5, generator=seeded(), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(activation.function, x)


def test_qk_norm_makes_the_size_of_queries_and_keys_meaningless(tiny_settings: MakeSettings) -> None:
    x = random_bytes(1, 30)
    for qk_norm in (True, False):
        model = random_model(tiny_settings(qk_norm=qk_norm, biases=False))
        before = model(x)
        model.blocks[0].attention.query.weight.data *= 3.0
        assert torch.allclose(model(x), before, atol=1e-3) == qk_norm


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        ("gelu", lambda x: x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))),
        ("swiglu", lambda x: x / (1 + torch.exp(-x))),
        ("relu2", lambda x: torch.maximum(x, torch.zeros(())) ** 2),
    ],
)
def test_the_feed_forward_part_is_the_plain_formula(
    activation: str, formula: Callable[[Tensor], Tensor], tiny_settings: MakeSettings
) -> None:
    x = torch.randn(2, 5, 16, generator=seeded())
    part = FeedForward(tiny_settings(activation=activation))
    randomize(part)
    hidden = part.expand(x)
    inner = formula(hidden) if part.gate is None else formula(part.gate(x)) * hidden
    assert torch.allclose(part(x), part.project(inner), atol=1e-5)
    assert (part.gate is not None) == (activation == "swiglu")


@pytest.mark.parametrize("name", ["layernorm", "rmsnorm"])
def test_a_norm_is_its_plain_formula(name: str, tiny_settings: MakeSettings) -> None:
    x = torch.randn(3, 16, generator=seeded())
    centred = x - x.mean(-1, keepdim=True) if name == "layernorm" else x
    norm = Block(tiny_settings(norm=name)).norm_attention
    assert torch.allclose(norm(x), centred / centred.square().mean(-1, keepdim=True).sqrt(), atol=1e-4)


def test_a_convolution_is_the_plain_loop() -> None:
    conv = CausalDepthwiseConv(channels=3, width=4)
    randomize(conv)
    x = torch.randn(2, 9, 3, generator=seeded())
    expected = x.clone()
    for t in range(9):
        for back in range(min(4, t + 1)):
            expected[:, t] += conv.kernel[back].detach() * x[:, t - back]
    assert torch.allclose(conv(x), expected, atol=1e-6)


def test_a_convolution_begins_as_the_identity(tiny_settings: MakeSettings) -> None:
    x = random_bytes(2, 20)
    plain, convolved = (new_model(tiny_settings(conv_width=width))(x) for width in (0, 4))
    assert torch.equal(plain, convolved)


def test_a_block_adds_attention_and_then_the_feed_forward(tiny_settings: MakeSettings) -> None:
    block = Block(tiny_settings(conv_width=3))
    randomize(block)
    x = torch.randn(2, 7, 16, generator=seeded())
    assert isinstance(block.conv, nn.Module)
    middle = x + block.attention(block.conv(block.norm_attention(x)))
    assert torch.equal(block(x), middle + block.feed_forward(block.norm_feed_forward(middle)))
