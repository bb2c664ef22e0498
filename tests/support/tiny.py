"""Settings that train in a blink."""

from typing import Any

TINY: dict[str, Any] = {
    "d_model": 16,
    "n_layers": 1,
    "n_heads": 2,
    "d_ff": 32,
    "history_depth": 0,
    "batch_size": 2,
    "learning_rate": 0.01,
    "budget_s": 0.3,
    "seed": 1,
}
