"""Studies on a Ray cluster under kills: of nodes, of the study's own process, of processes that train, of a network.

What is meant for every change stands in tests/search/test_ray.py; this is the full form, and takes half an hour:
``.venv/bin/pytest -m long -o log_cli=true -o log_cli_level=INFO tests/faults/test_cluster.py``.
"""

import contextlib
import logging
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import psutil
import pytest

from bardtune.search.launch.processes import WORKER_MODULE
from support.at_hand import Place
from support.cluster_studies import check_ends, check_whole, complete, read, running_on, wait_for
from support.clusters import ClusterAtHand, needs_ray
from support.namespaces import SeparateNodes, can_make_namespaces

pytestmark = [pytest.mark.long, needs_ray]
logger = logging.getLogger(__name__)
TRIALS, SECONDS, WORKERS, ROUNDS = 20, 3.0, 3, 10


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place.at(tmp_path)
    yield place
    place.end_all()


def begin(place: Place, address: str, said: TextIO) -> "subprocess.Popen[str]":
    plan = {"trials": TRIALS, "seconds": SECONDS, "workers": WORKERS, "sampler": "curvegp"}
    return place.start("s", launcher="ray", address=address, errors_to=said, **plan)


@pytest.fixture
def said(tmp_path: Path) -> Iterator[TextIO]:
    """What all processes of the study say on standard error."""
    with (tmp_path / "said").open("a") as file:
        yield file


def test_a_node_is_killed_one_is_added_the_driver_is_killed_and_the_winner_is_taken_home(
    place: Place, said: TextIO
) -> None:
    with ClusterAtHand(1, 1, 1) as cluster:
        process = begin(place, cluster.address, said)
        wait_for(place, running_on(3))
        cluster.kill(1)
        wait_for(place, complete(4))
        cluster.add()
        wait_for(place, complete(8))
        process.kill()
        process.communicate()
        process = place.begin("resume", "s", "--address", cluster.address, errors_to=said)
        assert process.wait(600) == 0
    check_whole(read(place), TRIALS)
    check_ends(Path(said.name).read_text(), read(place))
    assert place.run("export", "s", "--out", "taken").returncode == 0
    replayed = place.run("replay", "taken", "--corpus", "text.txt")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    logger.info("%s", replayed.stdout)


@dataclass
class Round:
    """One study on one cluster, hurt at random moments."""

    place: Place
    cluster: ClusterAtHand
    said: TextIO
    chance: random.Random
    process: "subprocess.Popen[str] | None" = None
    nodes: list[int] = field(default_factory=lambda: [0, 1, 2])
    num_nodes: int = 3
    done: list[str] = field(default_factory=list)

    def hurt(self) -> None:
        what = self.chance.choice(["node", "driver", "training"])
        self.done.append(what)
        if what == "node":
            self.cluster.kill(self.nodes.pop(self.chance.randrange(len(self.nodes))))
            time.sleep(self.chance.uniform(0.0, 8.0))
            self.cluster.add()
            self.nodes.append(self.num_nodes)
            self.num_nodes += 1
        elif what == "driver":
            assert self.process is not None
            self.process.kill()
            self.process.communicate()
            self.resume()
        else:
            running = [each for each in psutil.process_iter(["cmdline"]) if self.is_ours(each)]
            trains = [each.pid for each in running if WORKER_MODULE in (each.info["cmdline"] or ())]
            if trains:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.chance.choice(trains), signal.SIGKILL)

    def is_ours(self, process: psutil.Process) -> bool:
        """Whether it descends from a node of this cluster."""
        with contextlib.suppress(psutil.Error):
            return any(parent.pid == self.cluster.process.pid for parent in process.parents())
        return False

    def resume(self) -> None:
        self.process = self.place.begin("resume", "s", "--address", self.cluster.address, errors_to=self.said)

    def finish(self) -> None:
        for _ in range(5):
            if self.process is not None and self.process.wait(400) == 0:
                return
            self.resume()
        raise AssertionError("the study does not come to its end")


@pytest.mark.parametrize("number", range(ROUNDS))
def test_rounds_of_kills_at_random_moments(place: Place, said: TextIO, number: int) -> None:
    began = time.monotonic()
    with ClusterAtHand(1, 1, 1) as cluster:
        each = Round(place, cluster, said, random.Random(number))
        each.process = begin(place, cluster.address, said)
        wait_for(place, complete(1))
        for _ in range(4):
            time.sleep(each.chance.uniform(0.0, 8.0))
            if each.process.poll() is None:
                each.hurt()
        each.finish()
    record = read(place)
    assert record.state == "finished"
    assert record.counts()["total"] == TRIALS
    assert len({run.run_id for run in record.runs}) == TRIALS
    endings = [run.ending for run in record.runs]
    assert set(endings) <= {"finished", "pruned", "diverged", "crashed"}
    killed = each.done.count("training")
    assert endings.count("crashed") <= killed, [(run.run_id, run.reason) for run in record.runs]
    check_ends(Path(said.name).read_text(), read(place))
    spent = time.monotonic() - began
    logger.info("round %d: %s; %d crashed; %.0f s", number, ", ".join(each.done), endings.count("crashed"), spent)


@pytest.mark.skipif(not can_make_namespaces(), reason="network namespaces are made by root, on Linux")
def test_a_node_that_is_cut_off_and_joins_again_loses_nothing_and_writes_nothing_twice(
    place: Place, said: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # whether or not this user has a token of Ray's
    with SeparateNodes(3) as nodes:
        process = begin(place, nodes.address, said)
        wait_for(place, running_on(3), seconds=240)
        before = read(place).counts()["complete"]
        nodes.cut_off(1, 30.0)
        at_work = {run.stats.node: run.run_id for run in read(place).runs if run.state == "running"}
        assert read(place).counts()["complete"] > before, "the others have not gone on meanwhile"
        assert process.wait(600) == 0
    record = read(place)
    check_whole(record, TRIALS)
    check_ends(Path(said.name).read_text(), read(place))
    told = [line for line in Path(said.name).read_text().splitlines() if "node" in line and "trial" not in line]
    numbers = Counter(run.stats.node for run in record.runs)
    logger.info("when it joined again: %s; runs by node: %s; %s", at_work, dict(numbers), told)
