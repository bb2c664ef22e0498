"""What every launcher promises, whichever it is: held to by all of them, real processes and real nodes included."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bardtune.search.launch.processes import WORKER_MODULE
from bardtune.search.launch.protocol import Ended, Heartbeat, Launcher, LauncherEvent, Measured, RunOrder, ScoreOrder
from bardtune.search.launch.registry import LAUNCHERS, Site
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.home import Home
from support.clusters import ClusterAtHand, needs_ray
from support.fakes import ScriptedLauncher, falling_to, text_of
from support.study_records import make_record
from support.workers_at_hand import order

Make = Callable[[RunOrder, int], Launcher]  # for studies on the text of an order, with so many workers


def made(name: str, run: RunOrder, workers: int, folder: Path, address: str | None = None) -> Launcher:
    plan = StudyPlan(workers=workers, threads=1, launcher=name, corpus=run.corpus)
    record = make_record(plan=plan, corpus={"name": run.corpus, "bytes": 20_000, "sha256": run.corpus_sha256})
    return LAUNCHERS.kind(name).make(Site(record=record, home=Home(folder), address=address))


@pytest.fixture(params=["scripted", "local", pytest.param("ray", marks=needs_ray)])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    if request.param == "scripted":
        yield lambda run, workers: ScriptedLauncher(lambda order: falling_to(2.0), capacity=workers)
    elif request.param == "local":
        yield lambda run, workers: made("local", run, workers, tmp_path / "home")
    else:
        with ClusterAtHand(1, 1) as cluster:
            yield lambda run, workers: made("ray", run, workers, tmp_path / "home", cluster.address)


@pytest.fixture
def run(tmp_path: Path) -> RunOrder:
    text = tmp_path / "text.txt"
    text.write_bytes(text_of(20_000))
    return order(text, "search-0000", 600.0)


class Ear:
    """All that a launcher says."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher, self.heard = launcher, list[LauncherEvent]()

    def until(self, condition: Callable[[], object], seconds: float = 150.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.heard
            self.heard += self.launcher.events(0.2)

    def until_quiet(self) -> None:
        """Hear what else there is: an end must not be said twice."""
        for _ in range(5):
            self.heard += self.launcher.events(0.1)

    def ends(self, run_id: str) -> list[Ended]:
        return [event for event in self.heard if isinstance(event, Ended) and event.run_id == run_id]

    def said(self, run_id: str, kind: type) -> bool:
        return any(isinstance(event, kind) and getattr(event, "run_id", None) == run_id for event in self.heard)


def test_a_launcher_keeps_its_promises(make: Make, run: RunOrder, tmp_path: Path) -> None:
    launcher = make(run, 2)
    is_real = not isinstance(launcher, ScriptedLauncher)
    ear = Ear(launcher)
    with closing(launcher):
        ear.until(lambda: launcher.capacity == 2)
        stopped, pruned = replace(run, run_id="stopped"), replace(run, run_id="pruned")
        stopped = replace(stopped, checkpoint=tmp_path / "stopped.pt", weights=tmp_path / "stopped.safetensors")
        for each in (stopped, pruned):  # side by side
            launcher.start(each)
        ear.until(lambda: ear.said("stopped", Heartbeat) and ear.said("pruned", Heartbeat))
        launcher.stop("stopped", "interrupted")
        launcher.stop("pruned", "pruned")
        ear.until(lambda: ear.ends("stopped") and ear.ends("pruned"))
        ear.until_quiet()
        endings = [[end.ending for end in ear.ends(run_id)] for run_id in ("stopped", "pruned")]
        assert endings == [["interrupted"], ["pruned"]]
        assert stopped.checkpoint.exists() or not is_real
        launcher.stop("stopped", "interrupted")  # quiet: it has ended

        if is_real:  # goes on where it was, and its process is killed
            ear.heard.clear()
            launcher.start(stopped)
            ear.until(lambda: any(isinstance(event, Heartbeat) and event.step for event in ear.heard))
            steps = next(event.step for event in ear.heard if isinstance(event, Heartbeat) and event.step)
            assert steps >= 1
            os.kill(training_process(), signal.SIGKILL)
            ear.until(lambda: ear.ends("stopped"))
            ear.until_quiet()
            (killed,) = ear.ends("stopped")
            assert (killed.ending, "killed (SIGKILL)" in str(killed.reason)) == ("crashed", True)
            wrong = replace(run, run_id="wrong", settings={**run.settings, "d_model": None})
            launcher.start(wrong)
            ear.until(lambda: ear.ends("wrong"))
            assert [end.ending for end in ear.ends("wrong")] == ["crashed"]

        short = replace(run, run_id="short", settings={**run.settings, "budget_s": 0.3})
        launcher.start(short)
        ear.until(lambda: ear.ends("short"))
        (ended,) = ear.ends("short")
        assert ended.ending == "finished", ended.reason
        finals = [event.val_bpb for event in ear.heard if isinstance(event, Measured) and event.final]
        assert finals == [ended.val_bpb]
        assert short.weights.exists() or not is_real
        facts = {name: getattr(short, name) for name in ("weights", "corpus", "corpus_sha256", "limit_s")}
        launcher.start(ScoreOrder(run_id="short", **facts))
        ear.until(lambda: len(ear.ends("short")) == 2)
        scored = ear.ends("short")[1]
        assert scored.val_bpb == pytest.approx(ended.val_bpb, abs=1e-4)
        assert scored.test_bpb is not None
        assert launcher.events(0.0) == []
        if is_real:
            before = workers_of_tests()
            assert before
            launcher.start(replace(run, run_id="left"))
            ear.until(lambda: ear.said("left", Heartbeat))
    if is_real:
        end = time.monotonic() + 20
        while any(psutil.pid_exists(pid) for pid in before) and time.monotonic() < end:
            time.sleep(0.1)
        assert not [pid for pid in before if psutil.pid_exists(pid)]


def workers_of_tests() -> list[int]:
    """Processes that train, of this test and of no other that runs beside it."""
    processes = psutil.process_iter(["cmdline"])
    return [each.pid for each in processes if WORKER_MODULE in (each.info["cmdline"] or ()) and is_ours(each)]


def is_ours(process: psutil.Process) -> bool:
    """Whether it descends from this process, or from the nodes that it has begun."""
    try:
        return any(parent.pid == os.getpid() for parent in process.parents())
    except psutil.Error:
        return False


def training_process() -> int:
    """The process that burns most of a core now: the one that trains."""
    busy = {pid: sum(psutil.Process(pid).cpu_times()[:2]) for pid in workers_of_tests()}
    time.sleep(0.5)
    return max(busy, key=lambda pid: sum(psutil.Process(pid).cpu_times()[:2]) - busy[pid])
