"""All that one training run needs to know."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any

from bardtune.data.errors import UserError

CHOICES: dict[str, tuple[str, ...]] = {
    "position": ("rope", "learned", "alibi", "none"),
    "activation": ("gelu", "swiglu", "relu2"),
    "norm": ("layernorm", "rmsnorm"),
    "optimizer": ("adamw", "muon"),
    "schedule": ("constant", "cosine", "linear"),
    "precision": ("fp32", "bf16", "auto"),
    "attention": ("sdpa", "explicit"),
}
# name: (lowest, highest), both allowed
RANGES: dict[str, tuple[float, float]] = {
    "d_model": (2, 1024),
    "n_layers": (1, 16),
    "n_heads": (1, 64),
    "d_ff": (1, 8192),
    "batch_size": (1, 1024),
    "learning_rate": (1e-6, 1.0),
    "rope_theta": (1.0, 1e7),
    "history_depth": (0, 5),
    "embedding_std": (0.0, 10.0),
    "conv_width": (0, 16),
    "count_max_order": (0, 12),
    "count_words": (0, 4),
    "count_skips": (0, 3),
    "count_suffixes": (0, 3),
    "count_classes": (0, 3),
    "count_dropout": (0.0, 0.9),
    "window_max_order": (0, 12),
    "window_words": (0, 4),
    "gate_mixtures": (1, 8),
    "ensemble_size": (1, 8),
    "attention_window": (0, 256),
    "muon_lr_ratio": (1e-3, 100.0),
    "gate_lr_ratio": (1e-3, 100.0),
    "warmup": (0.0, 0.9),
    "weight_decay": (0.0, 10.0),
    "beta1": (0.0, 0.9999),
    "beta2": (0.0, 0.99999),
    "grad_clip": (0.0, 1000.0),
    "budget_s": (0.05, 86_400.0),
    "seed": (0, 2**31 - 1),
}


class SettingsError(UserError):
    """Settings that no run could work with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialSettings:
    """All that one training run needs. Equal settings, equal model and equal windows.

    Raises:
        SettingsError: a value that cannot work; the sentence names one that does.
    """

    # shape
    d_model: int  # channels per position, C
    n_layers: int
    n_heads: int  # must divide d_model
    d_ff: int  # channels inside the feed-forward part
    history_depth: int  # tables for the previous bytes: 0 to 5
    # variants
    position: str = "rope"
    rope_theta: float = 10_000.0  # wavelength base of RoPE; unused by the other positions
    activation: str = "gelu"
    norm: str = "layernorm"
    tied_head: bool = True
    biases: bool = True
    qk_norm: bool = False  # LayerNorm without gain on queries and keys (arXiv 2302.05442)
    zero_init: bool = False  # residual projections and an untied head start at 0
    fan_in_init: bool = False  # matrices of the blocks start at N(0, 1 / inputs) instead of N(0, 0.02^2)
    embedding_std: float = 0.02  # of the token and history tables at the start
    embedding_norm: bool = False  # normalize the sum of embeddings before the first block
    conv_width: int = 0  # bytes that a causal depthwise convolution before attention sees; 0: none
    attention: str = "sdpa"  # explicit: matrix products and softmax, faster for small heads on CPU
    attention_window: int = 0  # bytes that a position attends to, itself included; 0: all of the window so far
    count_max_order: int = 0  # count experts for the last 2..this bytes; below 2: none
    count_words: int = 0  # count experts for the word so far, it and the word before, ...: this many
    count_skips: int = 0  # count experts for the word so far and the one word 2 before it, or 3, ...: this many
    count_suffixes: int = 0  # count experts for the word so far and how the word before ends, and the one before, ...
    count_classes: int = 0  # count experts for the word so far and the classes of the 2 words before, of the 3, ...
    count_dropout: float = 0.0  # share of training windows in which a kind of counted context is unknown
    window_max_order: int = 0  # experts that count in the window, for the last 3, 5, .. this bytes; below 3: none
    window_words: int = 0  # experts that count in the window, for the word so far, it and the word before, ...
    gate_mixtures: int = 1  # ways to weigh the experts, averaged as the network sees fit
    ensemble_size: int = 1  # networks that learn side by side and whose probabilities are averaged
    # optimization
    batch_size: int  # windows of 256 bytes per step, for each network
    learning_rate: float  # AdamW's peak, reached at the end of the warm-up
    optimizer: str = "adamw"  # muon: Muon for the matrices of the blocks, AdamW for the rest
    muon_lr_ratio: float = 2.0  # Muon's peak as a multiple of learning_rate
    gate_lr_ratio: float = 1.0  # peak of the weights that mix the count experts, as a multiple of learning_rate
    schedule: str = "constant"
    warmup: float = 0.01  # fraction of the budget
    weight_decay: float = 0.1  # on parameters with two dimensions or more
    beta1: float = 0.9
    beta2: float = 0.95
    grad_clip: float = 1.0  # largest gradient norm; 0: no clipping
    precision: str = "fp32"  # bf16 is slower on most CPUs; auto: bf16 where it is faster
    # the run
    budget_s: float  # seconds of training
    seed: int

    def __post_init__(self) -> None:
        for name, (lowest, highest) in RANGES.items():
            _check_number(name, getattr(self, name), lowest, highest)
        for name, choices in CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise SettingsError(f"{name} {value!r} is unknown; choose one of {', '.join(choices)}.")
        for name in ("tied_head", "biases", "qk_norm", "zero_init", "fan_in_init", "embedding_norm"):
            if not isinstance(getattr(self, name), bool):
                raise SettingsError(f"{name} is {getattr(self, name)!r}; give true or false.")
        self._check_heads()

    def _check_heads(self) -> None:
        unit = self.n_heads * (2 if self.position == "rope" else 1)  # d_model must be a multiple of it
        nearest = max(unit, self.d_model - self.d_model % unit)
        if self.d_model % self.n_heads:
            raise SettingsError(
                f"d_model {self.d_model} cannot be shared by n_heads {self.n_heads}; try d_model {nearest}."
            )
        if self.d_model % unit:
            raise SettingsError(
                f"RoPE turns pairs of channels, but d_model {self.d_model} / n_heads {self.n_heads} is odd; "
                f"try d_model {nearest}."
            )

    @property
    def windows_per_step(self) -> int:
        """Of all networks."""
        return self.batch_size * self.ensemble_size

    def as_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; ``settings_from`` takes them back."""
        return asdict(self)


SETTING_NAMES = tuple(field.name for field in fields(TrialSettings))
_WHOLE = frozenset(field.name for field in fields(TrialSettings) if field.type is int)


def settings_from(values: Mapping[str, Any]) -> TrialSettings:
    """Build settings from plain values; a name that is unknown or missing is refused."""
    for name in values:
        check_setting_name(name)
    if missing := {
        "d_model",
        "n_layers",
        "n_heads",
        "d_ff",
        "history_depth",
        "batch_size",
        "learning_rate",
        "budget_s",
        "seed",
    } - set(values):
        raise SettingsError(f"these settings are missing: {', '.join(sorted(missing))}.")
    return TrialSettings(**values)


def check_setting_name(name: str) -> None:
    """Raise SettingsError with the nearest known name if ``name`` is not a setting."""
    if name not in SETTING_NAMES:
        near = get_close_matches(name, SETTING_NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(SETTING_NAMES)}."
        raise SettingsError(f"unknown setting {name!r}; {hint}")


def _check_number(name: str, value: object, lowest: float, highest: float) -> None:
    whole = name in _WHOLE
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        kind = "a whole number" if whole else "a number"
        raise SettingsError(f"{name} is {value!r}; give {kind} from {lowest:.10g} to {highest:.10g}.")
    if not lowest <= value <= highest:  # NaN is neither
        raise SettingsError(f"{name} is {value}; give a value from {lowest:.10g} to {highest:.10g}.")
