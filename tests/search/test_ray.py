"""Whole studies on a Ray cluster of several nodes on this machine, which come, go and are killed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.at_hand import Place
from support.cluster_studies import check_ends, check_whole, complete, read, running_on, wait_for
from support.clusters import ClusterAtHand, needs_ray

pytestmark = needs_ray


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place.at(tmp_path)
    yield place
    place.end_all()


def test_a_study_outlives_its_nodes_and_its_own_process(place: Place) -> None:
    with ClusterAtHand(1, 1) as cluster, (place.folder / "said").open("a") as said:
        there = {"launcher": "ray", "address": cluster.address}
        process = place.start("s", trials=6, seconds=1.5, workers=2, errors_to=said, **there)
        wait_for(place, running_on(2))
        cluster.kill(0)
        cluster.add(1)
        wait_for(place, complete(2))
        wait_for(place, running_on(1))
        process.kill()
        process.communicate()
        resumed = place.begin("resume", "s", errors_to=said)  # it knows where the cluster is
        assert resumed.wait(150) == 0
    told = (place.folder / "said").read_text()
    assert "node 2 is " in told
    check_ends(told, read(place))
    record = read(place)
    check_whole(record, trials=6)
    assert {run.stats.node for run in record.runs} >= {2}
    exported = place.run("export", "s", "--out", "taken")
    assert exported.returncode == 0, exported.stderr
    log = (place.folder / "taken" / "submission.json").read_text()
    host = record.runs[0].stats.host
    assert '"node": 2' in log
    assert f'"{host}"' not in log
    assert json.loads(place.run("trials", "s", "--jsonl").stdout.splitlines()[0])["node"] in (1, 2, 3)
    assert list((place.home / "logs").glob("s-*.log"))


@pytest.mark.long
def test_a_study_begun_here_goes_on_on_a_cluster_and_comes_back(place: Place) -> None:
    process = place.start("s", trials=5, seconds=1.5, confirm="0")
    wait_for(place, complete(1))
    process.terminate()
    assert process.wait(60) == 130
    refused = place.run("resume", "s", "--address", "auto")
    assert (refused.returncode, "choose --launcher ray" in refused.stderr) == (2, True)
    process = place.begin("resume", "s", "--launcher", "ray", "--address", "local", "--workers", "1")
    wait_for(place, complete(3))
    process.terminate()
    assert process.wait(60) == 130, process.communicate()
    assert read(place).plan.launcher == "ray"
    done = place.run("resume", "s", "--launcher", "local")
    assert done.returncode == 0, done.stderr
    record = read(place)
    check_whole(record, trials=5)
    assert {run.stats.node for run in record.runs} == {None, 1}


def test_a_cluster_that_is_not_there_is_one_sentence_and_the_study_is_kept(place: Place) -> None:
    refused = place.started("s", launcher="ray", address="127.0.0.1:1", trials=2, seconds=1)
    assert refused.returncode == 2
    assert "the Ray cluster at 127.0.0.1:1 cannot be used" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert read(place).state == "interrupted"
