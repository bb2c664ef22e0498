"""``bardtune train``: one run without a study."""

import json
import os
import sys
from contextlib import closing
from typing import Any

from data.corpus import load_corpus
from model.presets import preset as preset_settings
from model.settings import SettingsError, TrialSettings, check_setting_name
from search.launcher import THREAD_VARIABLES
from studies.errors import PlanError
from studies.plan import available_cores

OWN_OPTIONS = {"budget_s": "--seconds", "seed": "--seed"}


def train_command(
    preset: str,
    *,
    seconds: float,
    corpus: str,
    seed: int,
    threads: int | None,
    changes: list[str],
    as_json: bool,
) -> int:
    """Train, telling of each tenth of the budget on standard error; exit code 1 if the run diverges."""
    settings = preset_settings(preset, budget_s=seconds, seed=seed, **parse_changes(changes))
    threads = check_threads(threads)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))  # before torch is imported
    result = train_once(settings, corpus, threads=threads)
    if not as_json:
        bpb = "diverged" if result["val_bpb"] is None else f"{result['val_bpb']:.4f} bpb"
        print(f"{preset}: {bpb}, {result['total_steps']:,} steps, {result['num_params']:,} parameters")
    print(json.dumps(result))
    return 0 if result["val_bpb"] is not None else 1


def train_once(settings: TrialSettings, corpus_name: str, *, threads: int) -> dict[str, Any]:
    """Train in this process and return the fields of the result line."""
    corpus = load_corpus(corpus_name)
    import torch

    from model.machine import keep_freed_memory
    from model.trainer import train

    torch.set_num_threads(threads)
    keep_freed_memory()
    with closing(train(settings, corpus)) as events:  # type: ignore[type-var]
        for progress in events:
            bpb = "diverged" if progress.diverged else f"{progress.val_bpb:.4f} bpb"
            print(
                f"{progress.percent:3d} %  step {progress.step:6d}  {progress.elapsed_s:6.1f} s  {bpb}",
                file=sys.stderr,
            )
    stats = progress.stats
    return {
        "val_bpb": None if progress.diverged else round(progress.val_bpb, 6),
        "total_steps": stats.steps,
        "num_params_M": round(stats.num_params / 1e6, 6),
        "num_params": stats.num_params,
        "bytes_per_s": round(stats.bytes_per_s),
        "seconds": stats.seconds,
        "cpu_ratio": stats.cpu_ratio,
        "peak_memory_bytes": stats.peak_memory_bytes,
        "threads": threads,
        "corpus_sha256": corpus.sha256,
        "settings": settings.as_dict(),
    }


def parse_changes(changes: list[str]) -> dict[str, Any]:
    """``["d_model=96", "norm=rmsnorm"]`` to values; numbers, true and false are understood, the rest is text."""
    values: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise SettingsError(f"--set {change!r} has no value; write --set NAME=VALUE, such as --set d_model=96.")
        name = name.strip()
        check_setting_name(name)
        if name in OWN_OPTIONS:
            raise SettingsError(f"--set does not change {name}; use {OWN_OPTIONS[name]} for it.")
        try:
            values[name] = json.loads(text)
        except ValueError:  # not a number, true or false
            values[name] = text.strip()
    return values


def check_threads(threads: int | None) -> int:
    """The number of threads to train with: what was said, or all cores."""
    cores = available_cores()
    if threads is None:
        return cores
    if not 1 <= threads <= cores:
        raise PlanError(f"--threads {threads} does not fit this machine's {cores} cores; choose --threads {cores}.")
    return threads
