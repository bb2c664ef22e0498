"""All that one training run needs to know.

A setting is one field of ``TrialSettings``: its type, what it may be, what it means, and its default. All else
follows from that. What a choice does stands under its name in the table of the module that does it, such as
``ACTIVATIONS``, since this module is to be there without waiting for torch.
"""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from typing import Annotated, Any

from bardtune.data.errors import UserError


class SettingsError(UserError):
    """Settings that no run could work with."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number from ``low`` to ``high``, both allowed; a whole one if these are."""

    low: float
    high: float
    meaning: str

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int)

    @property
    def allowed(self) -> str:
        return f"{self.low:.10g} to {self.high:.10g}"

    def check(self, name: str, value: object) -> None:
        """Raise SettingsError unless ``value`` is allowed; ``name`` is that of the setting."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            kind = "a whole number" if self.whole else "a number"
            raise SettingsError(f"{name} is {value!r}; give {kind} from {self.allowed}.")
        if not self.low <= value <= self.high:  # NaN is neither
            raise SettingsError(f"{name} is {value}; give a value from {self.allowed}.")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several names."""

    names: tuple[str, ...]
    meaning: str

    @property
    def allowed(self) -> str:
        return ", ".join(self.names)

    def check(self, name: str, value: object) -> None:
        """As of ``Number``."""
        if value not in self.names:
            raise SettingsError(f"{name} {value!r} is unknown; choose one of {self.allowed}.")


@dataclass(frozen=True, slots=True)
class Switch:
    """True or false."""

    meaning: str

    @property
    def allowed(self) -> str:
        return "true, false"

    def check(self, name: str, value: object) -> None:
        """As of ``Number``."""
        if not isinstance(value, bool):
            raise SettingsError(f"{name} is {value!r}; give true or false.")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialSettings:
    """All that one training run needs. Equal settings, equal model and equal windows.

    Raises:
        SettingsError: a value that cannot work; the sentence names one that does.
    """

    # shape
    d_model: Annotated[int, Number(2, 1024, "channels per position, C")]
    n_layers: Annotated[int, Number(1, 16, "blocks of attention and feed-forward, L")]
    n_heads: Annotated[int, Number(1, 64, "attention heads, H; must divide d_model")]
    d_ff: Annotated[int, Number(1, 8192, "channels inside the feed-forward part")]
    history_depth: Annotated[int, Number(0, 5, "how many of the bytes before each byte are embedded with it")]
    # variants
    position: Annotated[
        str, Choice(("rope", "learned", "alibi"), "how the network knows where in the window a byte stands")
    ] = "rope"
    rope_theta: Annotated[float, Number(1.0, 1e7, "wavelength base of RoPE; unused by other positions")] = 10_000.0
    activation: Annotated[str, Choice(("gelu", "swiglu", "relu2"), "nonlinearity of the feed-forward part")] = "gelu"
    norm: Annotated[
        str, Choice(("layernorm", "rmsnorm"), "normalization before each part of a block and before the head")
    ] = "layernorm"
    tied_head: Annotated[bool, Switch("the head shares the table of the byte embedding")] = True
    biases: Annotated[bool, Switch("linear maps and norms of the blocks have biases")] = True
    qk_norm: Annotated[bool, Switch("LayerNorm without gain on queries and keys (arXiv 2302.05442)")] = False
    zero_init: Annotated[bool, Switch("what writes to the residual stream, and an untied head, start at 0")] = False
    fan_in_init: Annotated[bool, Switch("matrices of the blocks start at N(0, 1 / inputs) instead of N(0, 0.02^2)")] = (
        False
    )
    embedding_std: Annotated[
        float, Number(0.0, 10.0, "standard deviation of the byte and history embeddings at the start")
    ] = 0.02
    embedding_norm: Annotated[bool, Switch("the sum of all embeddings is normalized before the first block")] = False
    conv_width: Annotated[
        int, Number(0, 16, "bytes that a causal depthwise convolution before attention sees; 0: no convolution")
    ] = 0
    attention_window: Annotated[
        int, Number(0, 256, "bytes that a position attends to, itself included; 0: all before it in the window")
    ] = 0
    # experts that count in the training text, and in the window
    count_max_order: Annotated[
        int, Number(0, 12, "one expert for each number of last bytes from 2 to this; below 2: none")
    ] = 0
    count_words: Annotated[
        int, Number(0, 4, "experts for the word so far and the 0, 1, 2, ... words before it: this many")
    ] = 0
    count_skips: Annotated[
        int, Number(0, 3, "experts for the word so far and one word further back, the 2nd, 3rd, ...: this many")
    ] = 0
    count_suffixes: Annotated[
        int, Number(0, 3, "experts for the word so far and the last two letters of 1, 2, ... words before: this many")
    ] = 0
    count_classes: Annotated[
        int, Number(0, 3, "experts for the word so far and the classes of the 2, 3, ... words before it: this many")
    ] = 0
    count_dropout: Annotated[
        float, Number(0.0, 0.9, "share of the training windows in which such an expert is told nothing")
    ] = 0.0
    window_max_order: Annotated[
        int,
        Number(0, 12, "experts that count in the window, for the last 3, 5, 7, ... bytes up to this; below 3: none"),
    ] = 0
    window_words: Annotated[
        int, Number(0, 4, "experts that count in the window, for the word so far and 0, 1, ... words before: this many")
    ] = 0
    gate_mixtures: Annotated[int, Number(1, 8, "ways to weigh the experts, whose probabilities are averaged")] = 1
    ensemble_size: Annotated[
        int, Number(1, 8, "networks that learn side by side and whose probabilities are averaged")
    ] = 1
    # optimization
    batch_size: Annotated[int, Number(1, 1024, "windows of 256 bytes per step, for each network")]
    learning_rate: Annotated[float, Number(1e-6, 1.0, "AdamW's peak, reached at the end of the warm-up")]
    optimizer: Annotated[str, Choice(("adamw", "muon"), "what moves the blocks' matrices; AdamW moves all else")] = (
        "adamw"
    )
    muon_lr_ratio: Annotated[float, Number(1e-3, 100.0, "Muon's peak as a multiple of learning_rate")] = 2.0
    gate_lr_ratio: Annotated[
        float, Number(1e-3, 100.0, "peak of the weights that weigh the experts, as a multiple of learning_rate")
    ] = 1.0
    schedule: Annotated[
        str,
        Choice(("constant", "cosine", "linear"), "the learning rate after the warm-up; cosine and linear fall to 0"),
    ] = "constant"
    warmup: Annotated[float, Number(0.0, 0.9, "part of the budget in which the learning rate rises")] = 0.01
    weight_decay: Annotated[
        float,
        Number(0.0, 10.0, "decay of parameters with two dimensions or more, as a multiple of their learning rate"),
    ] = 0.1
    beta1: Annotated[float, Number(0.0, 0.9999, "AdamW's momentum")] = 0.9
    beta2: Annotated[float, Number(0.0, 0.99999, "AdamW's memory of squared gradients")] = 0.95
    grad_clip: Annotated[float, Number(0.0, 1000.0, "largest norm of a network's gradient; 0: no clipping")] = 1.0
    precision: Annotated[
        str,
        Choice(("fp32", "bf16", "auto"), "what matrices are multiplied in; auto: bf16 where the CPU is faster with it"),
    ] = "fp32"
    # the run
    budget_s: Annotated[float, Number(0.05, 86_400.0, "seconds of training")]
    seed: Annotated[int, Number(0, 2**31 - 1, "decides the first weights and the order of the windows")]

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            setting.check(name, getattr(self, name))
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


SETTINGS: dict[str, Number | Choice | Switch] = {
    field.name: field.type.__metadata__[0]  # type: ignore[union-attr]
    for field in fields(TrialSettings)
}
DEFAULTS: dict[str, Any] = {
    field.name: field.default for field in fields(TrialSettings) if field.default is not MISSING
}
SETTING_NAMES = tuple(SETTINGS)


def settings_from(values: Mapping[str, Any]) -> TrialSettings:
    """Build settings from plain values, also those of an older study; an unknown or missing name is refused."""
    values = _without_retired(values)
    for name in values:
        check_setting_name(name)
    if missing := SETTINGS.keys() - DEFAULTS.keys() - values.keys():
        raise SettingsError(f"these settings are missing: {', '.join(sorted(missing))}.")
    return TrialSettings(**values)


def check_setting_name(name: str) -> None:
    """Raise SettingsError with the nearest known name if ``name`` is not a setting."""
    if name not in SETTINGS:
        near = get_close_matches(name, SETTINGS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(SETTINGS)}."
        raise SettingsError(f"unknown setting {name!r}; {hint}")


def _without_retired(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out ``attention``, how older studies computed it over the whole window; ``sdpa`` is what is left."""
    kept = dict(values)
    if kept.pop("attention", "sdpa") != "sdpa" and not kept.get("attention_window"):
        raise SettingsError(
            f"the setting attention is gone, and {values['attention']!r} would train otherwise now; "
            "use the bardtune that stored these settings, or leave it out."
        )
    return kept
