"""Many processes that want the same study, and many trials that want the last places under the cap."""

import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest

from support.at_hand import Place, children, is_running, kill, wait_until

MANY = 10


@pytest.mark.long
@pytest.mark.parametrize("rounds", [20])
def test_of_ten_that_start_a_study_at_once_one_runs_it_and_nine_are_told_who(place: Place, rounds: int) -> None:
    for number in range(rounds):
        name = f"wanted-{number}"
        starting = [place.start(name, trials=1, seconds=30, hours=1) for _ in range(MANY)]
        one_of(starting, name)
        resuming = [place.begin("resume", name) for _ in range(MANY)]
        one_of(resuming, name)


def one_of(processes: list[subprocess.Popen[str]], name: str) -> None:
    """Check that one runs the study and the others are refused; then end it."""
    wait_until(lambda: sum(process.poll() is None for process in processes) == 1, seconds=180)
    (owner,) = [process for process in processes if process.poll() is None]
    for process in processes:
        if process is not owner:
            _, errors = process.communicate()
            assert process.returncode == 2, errors
            assert re.fullmatch(rf"bardtune: the study '{name}' is being run by process {owner.pid} on .*\n", errors)
    kill(owner)


FOUR_WORKERS = """
import sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/.."]
from support.fakes import ScriptedLauncher, SilentView, falling_to
from support.studies_at_hand import run_study, storage_at

class Hurried(ScriptedLauncher):
    def events(self, timeout_s):
        time.sleep(0.01)
        return super().events(timeout_s)

folder = Path(sys.argv[1])
run_study(storage_at(folder), folder, Hurried(lambda order: falling_to(2.0), capacity=4))
"""


@pytest.mark.long
@pytest.mark.parametrize("rounds", [20])
def test_four_workers_and_any_number_of_kills_never_make_a_51st_run(place: Place, rounds: int) -> None:
    from bardtune.studies.store.reading import read_study
    from support.studies_at_hand import make_study, storage_at

    chance = random.Random(51)
    tests = __file__.rpartition("/faults/")[0]
    for number in range(rounds):
        folder = place.folder / str(number)
        folder.mkdir()
        storage = storage_at(folder)
        make_study(storage, trials=50, workers=4, pruner="none", sampler="random")
        kills, code = 0, -1
        while code != 0:
            process = subprocess.Popen([sys.executable, "-c", FOUR_WORKERS, str(folder), tests])
            try:
                code = process.wait(chance.uniform(1.0, 6.0) * (1 + kills / 10))  # longer where starting takes long
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                code = process.wait()
                kills += 1
            assert code in (0, -signal.SIGKILL)
            assert read_study(storage, "s").counts()["total"] <= 50
            assert kills < 100
        counts = read_study(storage, "s").counts()
        assert counts["total"] == counts["complete"] == 50
        assert kills > 0
        time.sleep(0.01)


# A machine with four cores, whatever this one has, as far as Python sees it.
FOUR_CORES = """
import psutil
psutil.Process.cpu_affinity = lambda self, cores=None: [0, 1, 2, 3] if cores is None else None
"""
SMALL = {"trials": 8, "seconds": 0.3, "workers": 4}


@pytest.mark.long
@pytest.mark.parametrize("rounds", [20])
def test_four_workers_that_train_make_each_planned_run_once_whoever_is_killed(place: Place, rounds: int) -> None:
    chance = random.Random(4)
    place.at_every_start(FOUR_CORES)
    for number in range(rounds):
        name = f"four-{number}"
        kills = hurt(place, name, chance, at_most=3)
        state = place.finish(name)
        trials = state["trials"]
        assert kills > 0
        assert trials["total"] == trials["planned"] == trials["complete"] + trials["failed"] == 8
        runs = [(run["role"], run["trial"]) for run in state["runs"]]
        confirmed = [("confirmation", 1), ("confirmation", 2)]
        assert runs == [("baseline", 0), *confirmed, *(("search", each) for each in range(5))]
        assert {run["ending"] for run in state["runs"]} <= {"finished", "crashed"}
    place.check_sound()


def hurt(place: Place, name: str, chance: random.Random, *, at_most: int) -> int:
    """Begin a study and kill its coordinator or one of its four workers, now and then; returns how often."""
    process, kills, seen = place.start(name, **SMALL), 0, set[int]()
    while kills < at_most:
        time.sleep(chance.uniform(0.1, 5.0))
        workers = children(process.pid)
        seen.update(workers)
        if process.poll() is not None:
            process.communicate()
            break
        assert len(workers) <= 4
        if workers and chance.random() < 0.5:
            os.kill(chance.choice(workers), signal.SIGKILL)
        else:
            kill(process)
            assert not any(map(is_running, seen))
            state = place.shown_if_any(name)
            assert state is None or state["trials"]["total"] <= 8
            process = place.begin("resume", name) if state else place.start(name, **SMALL)
        kills += 1
    process.communicate(timeout=240)
    assert not any(map(is_running, seen))
    return kills
