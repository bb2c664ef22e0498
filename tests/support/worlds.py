"""A make-believe world, of another program's parameters."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

SPACE = """
[best_known]
rate = 1e-3
size = 8

[parameters.rate]
type = "float"
low = 1e-4
high = 1e-1
log = true

[parameters.size]
type = "int"
low = 2
high = 64
log = true

[parameters.kind]
type = "categorical"
choices = ["plain", "fancy"]
"""


def world_lines(num_runs: int = 60, *, with_curves: bool = True, failing: bool = False) -> list[dict[str, Any]]:
    """Best at a rate of 4e-3, a size of 16, and fancy; every tenth run repeats the best settings."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(num_runs):
        rate, size = float(10 ** rng.uniform(-4, -1)), round(2 ** rng.uniform(1, 6))
        kind = str(rng.choice(["plain", "fancy"]))
        if number % 10 == 0:
            rate, size, kind = 4e-3, 16, "fancy"
        bpb = 1.8 + 0.08 * np.log10(rate / 4e-3) ** 2 + 0.01 * np.log2(size / 16) ** 2 + 0.02 * (kind == "plain")
        bpb = float(bpb + rng.normal(0, 0.004))
        ending = "diverged" if failing and rate > 3e-2 else "finished"
        line = {"params.rate": rate, "params.size": size, "params.kind": kind, "ending": ending, "loss": 3}
        line["val_bpb"] = bpb if ending == "finished" else None
        if with_curves:
            line["curve"] = [[p, bpb + 0.1 * ((100 / p) ** 0.7 - 1)] for p in range(10, 101, 10)]
        lines.append(line)
    return lines


def write_world(folder: Path, lines: list[dict[str, Any]], *, space: str = SPACE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "space.toml").write_text(space)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "runs.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return folder
