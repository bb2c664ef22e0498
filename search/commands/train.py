"""What ``bardtune train`` does and prints: one run without a study."""

import json
import os
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bardtune.data.corpus import load_corpus
from bardtune.data.files import write_whole
from bardtune.data.host import available_cores
from bardtune.data.paths import user_path
from bardtune.model.presets import preset as preset_settings
from bardtune.model.settings import SETTINGS, SettingsError, TrialSettings, check_setting_name
from bardtune.model.training.budget import StepBudget, step_budget
from bardtune.search.launch.processes import thread_variables
from bardtune.studies.errors import PlanError

OWN_OPTIONS = {"budget_s": "--seconds", "seed": "--seed"}
DEFAULT_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainFlags:
    """What was given on the command line; None: not given."""

    preset: str
    seconds: float | None
    steps: int | None  # instead of seconds
    corpus: str
    seed: int
    threads: int | None
    changes: list[str]  # NAME=VALUE
    record: Path | None


def train_command(flags: TrainFlags, *, as_json: bool) -> int:
    """Train, telling of each tenth of the budget on standard error; exit code 1 if the run diverges."""
    budget_s = check_seconds(flags.seconds)
    settings = preset_settings(flags.preset, budget_s=budget_s, seed=flags.seed, **parse_changes(flags.changes))
    budget = check_steps(flags)
    threads = check_threads(flags.threads)
    record = writable_file(flags.record, "--record")
    os.environ.update(thread_variables(threads))  # before torch is imported
    result, fractions = train_once(settings, flags.corpus, threads=threads, budget=budget)
    if record is not None:
        write_record(record, {**result, "fractions": fractions})
    if not as_json:
        bpb = "diverged" if result["val_bpb"] is None else f"{result['val_bpb']:.4f} bpb"
        print(f"{flags.preset}: {bpb}, {result['total_steps']:,} steps, {result['num_params']:,} parameters")
    print(json.dumps(result))
    return 0 if result["val_bpb"] is not None else 1


def train_once(
    settings: TrialSettings, corpus_name: str, *, threads: int, budget: StepBudget | None
) -> tuple[dict[str, Any], list[float]]:
    """Train in this process; return the fields of the result line, and the fraction of the budget at each step."""
    corpus = load_corpus(corpus_name)
    import torch

    from bardtune.model.machine import keep_freed_memory
    from bardtune.model.training.trainer import TrainingRun

    torch.set_num_threads(threads)
    keep_freed_memory()
    run = TrainingRun(settings, corpus, budget=budget)
    with closing(run.events()) as events:  # type: ignore[type-var]
        for progress in events:
            bpb = "diverged" if progress.diverged else f"{progress.val_bpb:.4f} bpb"
            print(
                f"{progress.percent:3d} %  step {progress.step:6d}  {progress.elapsed_s:6.1f} s  {bpb}",
                file=sys.stderr,
            )
    stats = replace(progress.stats, threads=threads)
    result = {
        "val_bpb": None if progress.diverged else round(progress.val_bpb, 6),
        "total_steps": stats.steps,
        "num_params_M": stats.million_params,
        **stats.as_dict(),
        "build_s": round(run.build_s, 4),
        "budget": "seconds" if budget is None else "steps",
        "corpus_sha256": corpus.sha256,
        "settings": settings.as_dict(),
    }
    return result, run.fractions


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


def check_seconds(seconds: float | None) -> float:
    """The budget in seconds: what was given, or the published rule's."""
    if seconds is None:
        return DEFAULT_SECONDS
    setting = SETTINGS["budget_s"]
    try:
        setting.check("budget_s", seconds)
    except SettingsError as problem:
        raise PlanError(f"--seconds {seconds:g} is outside {setting.allowed}; choose --seconds 180.") from problem
    return seconds


def check_steps(flags: TrainFlags) -> StepBudget | None:
    """The budget by steps, if that was given."""
    if flags.steps is not None and flags.seconds is not None:
        raise PlanError("--steps and --seconds both say how long the run is; give one of them.")
    return step_budget(num_steps=flags.steps)


def check_threads(threads: int | None) -> int:
    """The number of threads to train with: what was given, or all cores."""
    cores = available_cores()
    if threads is None:
        return cores
    if not 1 <= threads <= cores:
        raise PlanError(f"--threads {threads} does not fit this machine's {cores} cores; choose --threads {cores}.")
    return threads


def writable_file(path: Path | None, option: str) -> Path | None:
    """The absolute path of a file to be written after the run; refused before it if that cannot be."""
    if path is None:
        return None
    path = user_path(path, f"the file of {option}")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise PlanError(f"{option} cannot write the file {path}; name a file in a folder that is there and yours.")
    return path


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write what a run or a benchmark has found; a full disk costs the record, not the run."""
    try:
        write_whole(path, f"{json.dumps(record)}\n".encode())
    except OSError as problem:
        print(f"bardtune: no record at {path}: {problem.strerror}", file=sys.stderr)
