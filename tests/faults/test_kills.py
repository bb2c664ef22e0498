"""Kill anything at any moment: nothing is lost, nothing runs twice, the cap holds, no process stays."""

import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from support.at_hand import Place, children, is_running, kill, wait_until

TRIALS = 8
PLAN = {"trials": TRIALS, "seconds": 1, "sampler": "curvegp"}  # the default, which is killed while it decides, too
LOG = logging.getLogger(__name__)  # see the figures with: pytest -m long -o log_cli=true


@pytest.mark.parametrize(
    ("seed", "kills"),
    [
        pytest.param(1564, 5, marks=pytest.mark.long),
        *(pytest.param(seed, 100, marks=pytest.mark.long) for seed in range(8)),
    ],
)
def test_every_planned_trial_ends_exactly_once_whatever_is_killed_when(place: Place, seed: int, kills: int) -> None:
    chance, left, studies = random.Random(seed), kills, 0
    killed: Counter[str] = Counter()
    began = time.monotonic()
    while left > 0:
        studies += 1
        hurt(place, f"study-{studies}", chance, killed, at_most=left)
        check(place, f"study-{studies}")
        left = kills - killed.total()
    place.check_sound()
    LOG.warning("%d studies, %s, %.0f s", studies, dict(killed), time.monotonic() - began)


def hurt(place: Place, name: str, chance: random.Random, killed: Counter[str], *, at_most: int) -> None:
    """Run a study, killing it, its trial process or both again and again; counts in ``killed``."""
    before = killed.total()
    process = place.start(name, **PLAN)
    while killed.total() - before < at_most:
        time.sleep(chance.uniform(0.1, 5.0))
        workers = children(process.pid)
        if process.poll() is not None:  # finished, or stopped by crashes in a row
            process.communicate()
            state = place.shown_if_any(name)
            if state is not None and state["state"] == "finished":
                return
        else:
            what = chance.choices(("worker", "coordinator", "both"), (0.35, 0.45, 0.2))[0] if workers else "coordinator"
            if what in ("worker", "both"):
                os.kill(workers[0], signal.SIGKILL)
            if what in ("coordinator", "both"):
                kill(process)
            killed[what] += 1
            if what == "worker":
                continue
        state = place.shown_if_any(name)
        assert state is None or state["trials"]["total"] <= TRIALS
        process = place.begin("resume", name) if state else place.start(name, **PLAN)
    process.communicate(timeout=240)
    assert not any(map(is_running, children(process.pid)))


def check(place: Place, name: str) -> None:
    state = place.finish(name)
    trials = state["trials"]
    assert trials["total"] == trials["planned"] == TRIALS
    assert trials["running"] == trials["interrupted"] == 0
    assert trials["complete"] + trials["pruned"] + trials["failed"] == TRIALS
    runs = [(run["role"], run["trial"]) for run in state["runs"]]
    searched = [run["ending"] for run in state["runs"] if run["role"] == "search"]
    confirmed = [("confirmation", 1), ("confirmation", 2)] if "finished" in searched[: TRIALS - 3] else []
    search = [
        ("search", number) for number in range(TRIALS - 1 - len(confirmed))
    ]  # all of it, if none can be confirmed
    assert runs == [("baseline", 0), *confirmed, *search]
    for run in state["runs"]:
        assert run["ending"] in ("finished", "crashed"), run
        if run["ending"] == "crashed":
            assert "killed (SIGKILL)" in run["reason"], run


TRAIN_BY_STEPS = """
import sys
from pathlib import Path
from bardtune.data.corpus import load_corpus
from bardtune.model.training import trainer
from bardtune.model.training.budget import step_budget
from bardtune.model.training.checkpoint import CheckpointFile
from bardtune.model.presets import preset
trainer.CHECKPOINT_SHARE = 1.0  # saved at each report, also on a slow disk
small = {"d_model": 16, "n_layers": 1, "n_heads": 2, "d_ff": 32, "batch_size": 2, "count_max_order": 4}
file = CheckpointFile(Path(sys.argv[1]), "the run")
settings = preset("modern", budget_s=60.0, seed=3, **small)
budget = step_budget(num_steps=200)
for progress in trainer.TrainingRun(settings, load_corpus("text.txt"), budget=budget, checkpoint=file).events():
    print(progress.percent, progress.step, repr(progress.val_bpb), flush=True)
"""


@pytest.mark.long
def test_a_trial_killed_at_seventy_percent_ends_as_one_that_was_not(place: Place) -> None:
    def begin(checkpoint: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-c", TRAIN_BY_STEPS, checkpoint]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=place.folder, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )

    whole, _ = begin("whole.pt").communicate(timeout=120)
    killed = begin("killed.pt")
    assert killed.stdout is not None
    before = []
    for line in killed.stdout:
        before.append(line)
        if line.startswith("70 "):
            killed.kill()
    killed.wait()
    after, _ = begin("killed.pt").communicate(timeout=120)
    assert 7 <= len(before) < 10
    assert int(after.split()[0]) > 10, "it began anew"
    assert after.splitlines() == whole.splitlines()[-len(after.splitlines()) :]
    assert Path(place.folder / "killed.pt").exists()


@pytest.mark.long
def test_the_minutes_between_a_kill_and_a_resume_are_not_used_up(place: Place) -> None:
    process = place.start("s", trials=2, seconds=2)
    place.wait_for("s", lambda state: state["trials"]["complete"] >= 1)
    began = time.monotonic()
    kill(process)
    before = place.shown("s")
    time.sleep(1.0)
    after = place.shown("s")
    assert before["seconds_used"] == after["seconds_used"]
    state = place.finish("s")
    assert state["seconds_used"] < before["seconds_used"] + time.monotonic() - began - 1.0


def test_a_request_to_end_is_followed_within_ten_seconds_with_the_trial_saved(place: Place) -> None:
    process = place.start("s", trials=2, seconds=20, hours=1)
    wait_until(lambda: any((place.home / "checkpoints").rglob("*.pt")))
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGTERM)  # as a terminal or a service manager does: to all processes at once
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 130, errors
    state = place.shown("s")
    assert (state["state"], state["trials"]["interrupted"]) == ("interrupted", 1)


def test_a_second_interrupt_stops_at_once_and_loses_no_trial(place: Place) -> None:
    process = place.start("s", trials=1, seconds=20)
    wait_until(lambda: any((place.home / "checkpoints").rglob("*.pt")))
    workers = children(process.pid)
    process.send_signal(signal.SIGINT)
    for _ in range(50):
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)  # it cannot save what it is asked to, although it is told to go on
        time.sleep(0.01)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 6  # 7 is how long it waits for the first
    assert (process.returncode, "Traceback" in errors) == (130, False), errors
    assert not any(map(is_running, workers))
    state = place.shown("s")
    assert (state["stop_reason"], state["trials"]["interrupted"], state["trials"]["total"]) == ("user", 1, 1)
    assert any((place.home / "checkpoints").rglob("*.pt"))


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_extension_that_is_killed_again_and_again_makes_exactly_its_runs(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    done = place.started("s", trials=5, seconds=0.5, hours=0.5)
    assert done.returncode == 0, done.stderr
    process = place.begin("extend", "s", "--trials", "11")
    for _ in range(6):
        time.sleep(chance.uniform(1.0, 6.0))
        if process.poll() is not None:
            break
        kill(process)
        process = place.begin("resume", "s")
    process.communicate()
    state = place.finish("s")
    assert state["trials"]["total"] in (5, 11)  # killed before the extension was stored, it is as it was
    if state["trials"]["total"] == 5:
        process = place.begin("extend", "s", "--trials", "11")
        process.communicate()
        state = place.finish("s")
    assert state["trials"]["total"] == 11
    assert len({(run["role"], run["trial"]) for run in state["runs"]}) == 11
    assert {run["ending"] for run in state["runs"]} == {"finished"}
    assert 0 < state["seconds_used"] < 0.5 * 3600
    place.check_sound()
