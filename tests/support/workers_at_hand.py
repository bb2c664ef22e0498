"""Orders for real trial processes, and what is heard of them."""

import time
from pathlib import Path

from bardtune.data.corpus import load_corpus
from bardtune.model.presets import preset
from bardtune.search.launch.local import LocalLauncher
from bardtune.search.launch.protocol import Launcher, RunEvent, RunOrder

SMALL = {"d_model": 16, "n_layers": 1, "n_heads": 2, "d_ff": 16, "batch_size": 2, "history_depth": 0}


def order(
    corpus_path: Path,
    run_id: str,
    budget_s: float,
    limit_s: float = 300.0,
    most_s: float = 3_000.0,
    text: Path | None = None,
    **changes,
) -> RunOrder:
    """A run's order; its files lie beside the text, which may really lie elsewhere."""
    return RunOrder(
        run_id=run_id,
        settings=preset("reference", budget_s=budget_s, seed=1, **{**SMALL, **changes}).as_dict(),
        corpus=str(corpus_path),
        corpus_sha256=load_corpus(str(text or corpus_path)).sha256,
        checkpoint=corpus_path.parent / f"{run_id}.pt",
        weights=corpus_path.parent / f"{run_id}.safetensors",
        limit_s=limit_s,
        most_s=most_s,
    )


def until(launcher: Launcher, wanted: type[RunEvent], seconds: float = 300) -> list[RunEvent]:
    """Events up to the first of a kind."""
    heard: list[RunEvent] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        heard += launcher.events(0.2)
        if any(isinstance(event, wanted) for event in heard):
            return heard
    raise AssertionError(f"no {wanted.__name__} in {seconds} s; heard {heard}")


def pid_of(launcher: LocalLauncher) -> int:
    process = launcher.workers[0].process
    assert process is not None
    return process.pid
