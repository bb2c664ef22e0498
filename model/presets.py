"""Named starting points: the recipe of the published search, and the best one known here."""

from typing import Any

from bardtune.model.settings import SETTINGS, SettingsError, TrialSettings, settings_from

PRESETS: dict[str, dict[str, Any]] = {
    # The best run of the published 26-run search: 284,688 parameters.
    "reference": {
        "d_model": 80,
        "n_layers": 3,
        "n_heads": 4,
        "d_ff": 256,
        "history_depth": 3,
        "rope_theta": 100.0,
        "batch_size": 8,
        "learning_rate": 3e-3,
        "warmup": 0.01,
    },
    "modern": {
        "d_model": 64,
        "n_layers": 2,
        "n_heads": 2,
        "d_ff": 256,
        "history_depth": 0,
        "rope_theta": 100.0,
        "activation": "relu2",
        "biases": False,
        "tied_head": False,
        "qk_norm": True,
        "zero_init": True,
        "fan_in_init": True,
        "embedding_std": 0.3,
        "embedding_norm": True,
        "attention_window": 64,
        "precision": "auto",
        "count_max_order": 10,
        "count_words": 3,
        "count_skips": 1,
        "count_suffixes": 1,
        "count_classes": 2,
        "count_dropout": 0.1,
        "window_max_order": 5,
        "window_words": 1,
        "gate_mixtures": 3,
        "ensemble_size": 2,
        "batch_size": 8,
        "learning_rate": 3e-3,
        "optimizer": "muon",
        "gate_lr_ratio": 0.2,
        "schedule": "linear",
        "warmup": 0.01,
        "weight_decay": 0.5,
    },
}


def preset(name: str, *, budget_s: float, seed: int, **changes: Any) -> TrialSettings:
    """Return the settings of a preset with ``changes`` applied.

    Raises:
        SettingsError: an unknown preset, or a change that cannot work.
    """
    if name not in PRESETS:
        raise SettingsError(f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return settings_from({**PRESETS[name], "budget_s": budget_s, "seed": seed, **changes})


def settings_table() -> str:
    """All settings but those of a single run, in Markdown: name, what it may be, the presets' values, meaning."""
    values = [preset(name, budget_s=1.0, seed=0).as_dict() for name in PRESETS]
    rows = [["setting", "may be", *(f"`{name}`" for name in PRESETS), "meaning"], ["---"] * (3 + len(PRESETS))]
    for name, setting in SETTINGS.items():
        if name not in ("budget_s", "seed"):
            rows.append([f"`{name}`", setting.allowed, *(_as_text(each[name]) for each in values), setting.meaning])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
