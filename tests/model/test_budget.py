"""Runs that can be had again: a number of steps for a budget, and the steps of another run."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bardtune.data.corpus import Corpus, load_corpus
from bardtune.model.settings import SettingsError, TrialSettings, settings_from
from bardtune.model.training.budget import StepBudget, step_budget
from bardtune.model.training.checkpoint import CheckpointFile
from bardtune.model.training.trainer import StepAction, TrainingRun
from support.fakes import text_of
from support.small_models import assert_equal_states
from support.training import train

pytestmark = pytest.mark.usefixtures("one_thread")
MakeSettings = Callable[..., TrialSettings]
BeginRun = Callable[..., TrainingRun]  # see conftest.py: 20 seconds, a second for each step
SCHEDULED = {
    "optimizer": "muon", "count_max_order": 4, "window_max_order": 3, "schedule": "cosine", "warmup": 0.2,
}  # fmt: skip


def save_at(number: int) -> Callable[[int, float], StepAction]:
    return lambda step, spent_s: StepAction.SAVE_AND_STOP if step == number else StepAction.GO_ON


def reports(run: TrainingRun) -> list[tuple[int, int, float]]:
    return [(progress.percent, progress.step, progress.val_bpb) for progress in run.events()]


# By steps


def test_a_run_by_steps_reports_at_each_tenth_of_them(begin_run: BeginRun) -> None:
    heard = reports(begin_run(budget=step_budget(num_steps=30), step_s=100.0))
    assert [(percent, step) for percent, step, _ in heard] == [(10 * tenth, 3 * tenth) for tenth in range(1, 11)]


def test_a_run_of_few_steps_skips_tenths(begin_run: BeginRun) -> None:
    assert [percent for percent, *_ in reports(begin_run(budget=step_budget(num_steps=3)))] == [30, 60, 100]


def test_the_learning_rate_follows_the_steps(begin_run: BeginRun) -> None:
    run = begin_run(budget=step_budget(num_steps=5), schedule="linear", warmup=0.0, learning_rate=0.01)
    heard = [run.optimizers.optimizers[0].param_groups[0]["lr"] for _ in run.events()]
    assert heard == pytest.approx([0.01, 0.008, 0.006, 0.004, 0.002])
    assert run.fractions == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_a_run_by_steps_is_the_same_however_long_its_steps_take(begin_run: BeginRun) -> None:
    quick, slow = (begin_run(budget=step_budget(num_steps=12), step_s=step_s, **SCHEDULED) for step_s in (0.01, 50.0))
    assert reports(quick) == reports(slow)
    assert_equal_states(quick.model.state_dict(), slow.model.state_dict())


def test_a_run_by_steps_that_was_stopped_goes_on_as_if_it_had_not(begin_run: BeginRun, tmp_path: Path) -> None:
    budget = step_budget(num_steps=15)
    file = CheckpointFile(tmp_path / "run.pt", "15 steps")
    unbroken = begin_run(budget=budget, **SCHEDULED)
    all_reports = reports(unbroken)
    before = reports(begin_run(budget=budget, checkpoint=file, on_step=save_at(8), **SCHEDULED))
    going_on = begin_run(budget=budget, checkpoint=file, **SCHEDULED)
    assert before + reports(going_on) == all_reports
    assert going_on.fractions == unbroken.fractions
    assert_equal_states(going_on.model.state_dict(), unbroken.model.state_dict())


def test_a_run_by_steps_is_saved_at_each_tenth(begin_run: BeginRun) -> None:
    class Shelf:
        def __init__(self) -> None:
            self.saved_at: list[int] = []

        def load(self) -> None: ...

        def save(self, state: dict[str, Any]) -> None:
            self.saved_at.append(state["steps"])

    list(begin_run(budget=step_budget(num_steps=63), checkpoint=(shelf := Shelf()), budget_s=1.0).events())
    assert shelf.saved_at == [7, 13, 19, 26, 32, 38, 45, 51, 57, 63]


# Again


def test_a_run_by_seconds_is_had_again_from_its_fractions(tiny_corpus: Corpus, tiny_settings: MakeSettings) -> None:
    settings = tiny_settings(budget_s=0.3, **SCHEDULED)
    first = TrainingRun(settings, tiny_corpus)
    *_, last = first.events()
    assert len(first.fractions) == last.step
    *_, again = train(settings, tiny_corpus, budget=StepBudget(tuple(json.loads(json.dumps(first.fractions)))))
    assert (again.step, again.val_bpb) == (last.step, last.val_bpb)


def test_a_run_that_is_had_again_reports_at_the_same_steps(begin_run: BeginRun) -> None:
    first = begin_run(step_s=1.3, **SCHEDULED)
    heard = reports(first)
    again = begin_run(budget=StepBudget(tuple(first.fractions)), step_s=0.3, **SCHEDULED)
    assert reports(again) == heard
    assert again.fractions == first.fractions
    assert_equal_states(again.model.state_dict(), first.model.state_dict())


def test_a_run_that_was_stopped_on_the_way_knows_all_its_fractions(begin_run: BeginRun, tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "run.pt", "by seconds")
    list(begin_run(checkpoint=file, on_step=save_at(7), **SCHEDULED).events())
    going_on = begin_run(checkpoint=file, **SCHEDULED)
    *_, last = going_on.events()
    assert len(going_on.fractions) == last.step > 7
    *_, again = begin_run(budget=StepBudget(tuple(going_on.fractions)), **SCHEDULED).events()
    assert again.val_bpb == last.val_bpb


# What no run could follow


@pytest.mark.parametrize("num_steps", [0, -1, 10_000_001])
def test_an_impossible_number_of_steps_is_refused(num_steps: int) -> None:
    with pytest.raises(SettingsError, match="give 1 to 10,000,000 steps"):
        step_budget(num_steps=num_steps)


@pytest.mark.parametrize("fractions", [(), (0.0, 1.5), (-0.1,), (math.nan,)])
def test_fractions_that_are_none_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(SettingsError, match="give"):
        StepBudget(fractions)


# On the command line


def result_of_a_process(folder: Path, *length: str) -> dict[str, Any]:
    (folder / "text.txt").write_bytes(text_of(20_000))
    order = ["train", "--corpus", "text.txt", "--threads", "1", "--set", "d_model=16", "--set", "count_max_order=3"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bardtune", *order, *length, "--json"],
        cwd=folder,
        env={**os.environ, "BARDTUNE_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.long
def test_two_processes_make_the_same_run_of_as_many_steps(tmp_path: Path) -> None:
    first, second = (result_of_a_process(tmp_path, "--steps", "12") for _ in range(2))
    assert first["val_bpb"] == pytest.approx(second["val_bpb"], abs=1e-6)
    assert (first["total_steps"], first["budget"]) == (12, "steps")


def test_a_recorded_run_of_another_process_is_had_again(tmp_path: Path) -> None:
    result = result_of_a_process(tmp_path, "--seconds", "0.3", "--record", "record.json")
    record = json.loads((tmp_path / "record.json").read_text())
    assert {**result, "fractions": record["fractions"]} == record
    corpus = load_corpus(str(tmp_path / "text.txt"))
    *_, again = train(settings_from(record["settings"]), corpus, budget=StepBudget(tuple(record["fractions"])))
    assert again.val_bpb == pytest.approx(record["val_bpb"], abs=1e-6)
