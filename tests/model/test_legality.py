"""Every architecture option makes a legal model; and the checks of legality.py catch models that are not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bardtune.data.corpus import VOCAB_SIZE
from bardtune.model.network.gpt import GPT
from bardtune.model.presets import preset
from bardtune.model.settings import SETTING_NAMES, TrialSettings
from support import legality
from support.options import CHOICES, SWITCHES
from support.small_models import random_model, seeded
from support.tiny import TINY

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]

# What shapes no model: the optimization and the run.
NOT_ARCHITECTURE = {
    *(
        "batch_size",
        "learning_rate",
        "optimizer",
        "muon_lr_ratio",
        "gate_lr_ratio",
        "schedule",
        "warmup",
        "weight_decay",
    ),
    *("count_dropout", "beta1", "beta2", "grad_clip", "budget_s", "seed"),
}
SMALL = {"d_model": 16, "n_heads": 2, "d_ff": 32, "n_layers": 2}
COUNTS = {"count_max_order": 5, "count_words": 2, "window_max_order": 5}
# What a position is mixed up with where attention is computed.
WITH_POSITION: dict[str, dict[str, Any]] = {
    "bf16": {"precision": "bf16"},
    "qk_norm": {"qk_norm": True},
    "window 32": {"attention_window": 32},
    "window 32, bf16": {"attention_window": 32, "precision": "bf16"},
}
MODERN_BLOCK = {"norm": "rmsnorm", "biases": False, "qk_norm": True, "zero_init": True, "tied_head": False}
# Choices and switches from the settings themselves; for each number, at least one other value than the default.
OPTIONS: dict[str, dict[str, Any]] = {
    **{
        f"{setting} {name}": {setting: name}
        for setting, names in CHOICES.items()
        if setting not in NOT_ARCHITECTURE
        for name in names
    },
    **{
        f"{setting} {value}": {setting: value}
        for setting in SWITCHES
        if setting not in NOT_ARCHITECTURE
        for value in (True, False)
    },
    **{
        f"position {name}, {case}": {"position": name, **changes}
        for name in CHOICES["position"]
        for case, changes in WITH_POSITION.items()
    },
    **{f"history {depth}": {"history_depth": depth} for depth in range(6)},
    **{f"heads {n}": {"n_heads": n, "d_model": d} for n, d in ((1, 16), (3, 18), (8, 16))},
    **{f"convolution {width}": {"conv_width": width} for width in (1, 4, 16)},
    "alibi with 3 heads": {"position": "alibi", "n_heads": 3, "d_model": 15},
    "theta 50": {"rope_theta": 50.0},
    "no biases, rmsnorm": {"biases": False, "norm": "rmsnorm"},
    "one layer": {"n_layers": 1},
    "counts and history": {**COUNTS, "history_depth": 5},
    "count experts": COUNTS,
    "count experts, bf16": {**COUNTS, "precision": "bf16"},
    "count experts of words": {"count_words": 3},
    "mixtures of experts": {"gate_mixtures": 3},
    "count experts of skips": {"count_skips": 2},
    "count experts of suffixes": {"count_suffixes": 2},
    "count experts of word classes": {"count_classes": 2},
    "two networks": {"ensemble_size": 2, "history_depth": 3, "tied_head": True},
    "three networks, count experts": {**COUNTS, "ensemble_size": 3, "count_classes": 2},
    "experts in the window": {"window_max_order": 7},
    "experts of words in the window": {"window_words": 2},
    "window 100": {"attention_window": 100, "n_heads": 1},
    "scaled start": {"fan_in_init": True, "embedding_std": 0.3},
    "everything": {**MODERN_BLOCK, **COUNTS, "history_depth": 3, "conv_width": 4, "activation": "swiglu"},
    "everything, alibi, bf16": {
        **MODERN_BLOCK,
        **COUNTS,
        "conv_width": 4,
        "activation": "relu2",
        "position": "alibi",
        "precision": "bf16",
    },
}


def small_presets() -> dict[str, TrialSettings]:
    small: dict[str, Any] = {**SMALL, "budget_s": 1.0, "seed": 0}
    return {
        "reference preset": preset("reference", **{**small, "n_heads": 4}),
        "modern preset": preset("modern", **small, precision="fp32"),
        "modern preset, bf16": preset("modern", **small, precision="bf16"),
    }


def distinct_options() -> list[str]:
    """Names of options; of several that say the same settings, the first."""
    made = {TrialSettings(**{**TINY, **SMALL, **changes}): name for name, changes in reversed(OPTIONS.items())}
    return [name for name in OPTIONS if name in made.values()]


@pytest.fixture(params=[*distinct_options(), *small_presets()], scope="module")
def settings(request: pytest.FixtureRequest, tiny_settings: MakeSettings) -> TrialSettings:
    return small_presets().get(request.param) or tiny_settings(**{**SMALL, **OPTIONS[request.param]})


@pytest.fixture(scope="module")
def model(settings: TrialSettings) -> GPT:
    return random_model(settings)


def test_no_architecture_option_escapes_these_tests(tiny_settings: MakeSettings) -> None:
    tested = [tiny_settings(**{**SMALL, **changes}) for changes in OPTIONS.values()]
    for name in set(SETTING_NAMES) - NOT_ARCHITECTURE - {"d_ff"}:
        values = {getattr(settings, name) for settings in tested}
        assert len(values) > 1, f"no option tests another value of {name}"


@given(
    window=st.one_of(st.binary(min_size=2, max_size=64), st.text("ab \n'B", min_size=2, max_size=256).map(str.encode)),
    cut=st.integers(0, 255),
)
@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_four_rules_hold_for_any_window(model: GPT, settings: TrialSettings, window: bytes, cut: int) -> None:
    if model.bf16:
        pytest.skip("bfloat16 rounds by shape; the other tests allow for that")
    legality.check_one_window(model, torch.tensor([list(window)]), cut % (len(window) - 1))


def test_random_weights_leave_nothing_at_zero(model: GPT) -> None:
    for name, value in model.state_dict().items():
        assert value.std() > 0.1, f"{name} would hide a leak"


def test_rule_1_later_bytes_do_not_matter(model: GPT) -> None:
    legality.check_later_bytes_do_not_matter(model)


def test_rule_1_no_value_of_the_next_byte_matters(model: GPT) -> None:
    legality.check_no_value_of_the_next_byte_matters(model)


def test_rule_1_has_power(model: GPT) -> None:
    legality.check_each_byte_matters(model)


def test_rule_1_later_targets_do_not_matter(model: GPT) -> None:
    legality.check_later_targets_do_not_matter(model)


def test_rule_2_probabilities_sum_to_one(model: GPT) -> None:
    legality.check_probabilities_sum_to_one(model)


def test_rule_3_windows_do_not_see_each_other(model: GPT, settings: TrialSettings) -> None:
    legality.check_windows_do_not_see_each_other(model, precision="bf16" if model.bf16 else "fp32")


def test_rule_3_nothing_outlives_a_call(model: GPT) -> None:
    legality.check_nothing_outlives_a_call(model)


def test_rule_4_the_loss_is_the_gather(model: GPT) -> None:
    legality.check_the_loss_is_the_gather(model)


class Bigram(nn.Module):
    """The honest model that the cheats below are built on: a table of logits by byte."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(VOCAB_SIZE, VOCAB_SIZE, generator=seeded()))

    def logits(self, x: Tensor) -> Tensor:
        return self.table[x]

    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(logits.flatten(0, 1), y.flatten())

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        logits = self.logits(x)
        return logits if y is None else self.loss(logits, y)


class PeeksAtNextByte(Bigram):
    def logits(self, x: Tensor) -> Tensor:
        return self.table[x] + 0.01 * F.one_hot(x.roll(-1, dims=1), VOCAB_SIZE)


class WaitsForOneByte(Bigram):
    def logits(self, x: Tensor) -> Tensor:
        return self.table[x] + 0.01 * (x.roll(-1, dims=1)[..., None] == 7) * self.table[7]


class PeeksAtLastByteOfWindow(Bigram):
    def logits(self, x: Tensor) -> Tensor:
        return self.table[x] + 0.01 * self.table[x[:, -1:]]


class PeeksAtNextTarget(Bigram):
    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        return super().loss(logits + 0.1 * F.one_hot(y.roll(-1, dims=1), VOCAB_SIZE), y)


class FavoursItsTarget(Bigram):
    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        return super().loss(logits + 0.01 * F.one_hot(y, VOCAB_SIZE), y)


class SaysNothingSensible(Bigram):
    def logits(self, x: Tensor) -> Tensor:
        return self.table[x].where(x[..., None] != 65, torch.nan)


class AveragesOverTheBatch(Bigram):
    def logits(self, x: Tensor) -> Tensor:
        return self.table[x] + 0.01 * self.table[x].mean(0)


class RemembersTheLastCall(Bigram):
    last: Tensor | None = None

    def logits(self, x: Tensor) -> Tensor:
        logits = self.table[x]
        if self.last is not None:
            logits = logits + 0.01 * self.last
        self.last = self.table[x[0, -1]].detach()
        return logits


class LearnsWhileItScores(Bigram):
    """Counts the graded bytes in a buffer, as a cache would."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("counts", torch.zeros(VOCAB_SIZE))

    def logits(self, x: Tensor) -> Tensor:
        return self.table[x] + 0.001 * self.counts

    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        loss = super().loss(logits, y)
        self.counts += y.flatten().bincount(minlength=VOCAB_SIZE)
        return loss


class AnswersBetterWhenTrained(Bigram):
    def loss(self, logits: Tensor, y: Tensor) -> Tensor:
        return super().loss(logits * (1.01 if self.training else 1.0), y)


@pytest.mark.parametrize("check", legality.CHECKS)
def test_an_honest_model_passes_every_check(check: Callable[[nn.Module], None]) -> None:
    check(Bigram())


@pytest.mark.parametrize(
    ("cheat", "check"),
    [
        (PeeksAtNextByte, legality.check_later_bytes_do_not_matter),
        (WaitsForOneByte, legality.check_no_value_of_the_next_byte_matters),
        (PeeksAtLastByteOfWindow, legality.check_later_bytes_do_not_matter),
        (PeeksAtNextTarget, legality.check_later_targets_do_not_matter),
        (FavoursItsTarget, legality.check_probabilities_sum_to_one),
        (SaysNothingSensible, legality.check_probabilities_sum_to_one),
        (AveragesOverTheBatch, legality.check_windows_do_not_see_each_other),
        (RemembersTheLastCall, legality.check_windows_do_not_see_each_other),
        (RemembersTheLastCall, legality.check_nothing_outlives_a_call),
        (LearnsWhileItScores, legality.check_nothing_outlives_a_call),
        (PeeksAtNextTarget, legality.check_the_loss_is_the_gather),
        (FavoursItsTarget, legality.check_the_loss_is_the_gather),
        (AnswersBetterWhenTrained, legality.check_the_loss_is_the_gather),
    ],
)
def test_a_cheat_is_caught(cheat: type[Bigram], check: Callable[[nn.Module], None]) -> None:
    with pytest.raises(AssertionError):
        check(cheat())


def test_a_model_blind_to_its_bytes_is_no_proof_of_causality() -> None:
    blind = Bigram()
    with torch.no_grad():
        blind.table.zero_()
    with pytest.raises(AssertionError, match="does not matter"):
        legality.check_each_byte_matters(blind)
