"""Positions against plain formulas, and what each choice of them must tell apart."""

import cmath
import math
from collections.abc import Callable

import pytest
import torch

from bardtune.model.network.attention import whole_mask
from bardtune.model.network.positions import alibi_slopes, rope_turns, rotate
from bardtune.model.settings import TrialSettings
from support.options import CHOICES
from support.small_models import random_bytes, random_model, seeded

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]


def test_rope_angles_fall_with_theta_from_channel_to_channel() -> None:
    turns = rope_turns(head_dim=6, theta=100.0, num_positions=4)
    for t in range(4):
        for pair in range(3):
            angle = t * 100.0 ** (-2 * pair / 6)
            assert complex(turns[t, pair]) == pytest.approx(cmath.exp(1j * angle), abs=1e-6)


def test_rope_turns_each_pair_by_its_angle() -> None:
    turns = rope_turns(head_dim=4, theta=10.0, num_positions=3)
    x = torch.randn(1, 3, 4, generator=seeded())
    turned = rotate(x, turns)
    for t in range(3):
        for i in range(2):
            pair = complex(*x[0, t, 2 * i : 2 * i + 2]) * complex(turns[t, i])
            assert complex(*turned[0, t, 2 * i : 2 * i + 2]) == pytest.approx(pair, abs=1e-5)


def test_rope_scores_depend_on_the_distance_only() -> None:
    turns = rope_turns(head_dim=8, theta=100.0, num_positions=40)
    q, k = torch.randn(2, 1, 1, 8, generator=seeded())
    scores = (rotate(q.expand(1, 40, 8), turns) @ rotate(k.expand(1, 40, 8), turns).mT)[0]
    for distance in (0, 1, 7):
        diagonal = scores.diagonal(-distance)
        assert torch.allclose(diagonal, diagonal[0].expand_as(diagonal), atol=1e-4)
    assert not torch.isclose(scores[1, 0], scores[7, 0])


def test_theta_matters_to_rope_and_to_no_other_position(tiny_settings: MakeSettings) -> None:
    x = random_bytes(1, 40)
    for position in CHOICES["position"]:
        settings = [tiny_settings(position=position, rope_theta=theta) for theta in (50.0, 10_000.0)]
        near, far = (random_model(each)(x) for each in settings)
        assert torch.equal(near, far) == (position != "rope")


def test_alibi_penalty_grows_with_the_distance_at_each_heads_slope() -> None:
    mask = whole_mask(alibi_slopes(4), 6)
    assert mask.shape == (4, 6, 6)
    for head, slope in enumerate((1 / 4, 1 / 16, 1 / 64, 1 / 256)):
        for t in range(6):
            expected = [-slope * (t - s) if s <= t else -math.inf for s in range(6)]
            assert mask[head, t].tolist() == expected


@pytest.mark.parametrize("position", CHOICES["position"])
def test_only_learned_positions_tell_equal_bytes_apart(position: str, tiny_settings: MakeSettings) -> None:
    """Whatever its scores, attention averages equal values to the same value."""
    logits = random_model(tiny_settings(position=position))(torch.full((1, 30), 65))
    assert torch.allclose(logits[:, :1].expand_as(logits), logits, atol=1e-4) == (position != "learned")


@pytest.mark.parametrize("position", CHOICES["position"])
def test_the_order_of_earlier_bytes_matters(position: str, tiny_settings: MakeSettings) -> None:
    x = random_bytes(1, 30)
    swapped = x.clone()
    swapped[:, [3, 20]] = x[:, [20, 3]]
    model = random_model(tiny_settings(position=position))
    assert not torch.allclose(model(x)[:, -1], model(swapped)[:, -1], atol=1e-4)
