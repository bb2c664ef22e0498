"""Whole studies through the command line, with real trainings of a second and real signals."""

import json
import os
import signal

import optuna
import pytest

from support.at_hand import Place

NOT_OF_A_RUN = ("study ", "another study", "first result", "new best", "scoring")


def test_a_study_from_start_to_plots(place: Place) -> None:
    done = place.started("s", trials=5, seconds=0.4, sampler="curvegp", pruner="chance")
    assert done.returncode == 0, done.stderr
    told = [line.split()[0] for line in done.stderr.splitlines() if not line.startswith(NOT_OF_A_RUN)]
    assert told == ["baseline", "trial", "trial", "trial", "confirmation"]
    assert "outside training" in done.stdout

    state = place.shown("s")
    assert (state["state"], state["stop_reason"]) == ("finished", "trials")
    assert state["trials"]["cap"] == 50
    assert state["trials"]["total"] == state["trials"]["planned"] == 5
    assert state["trials"]["running"] == 0
    assert 0 < state["best"]["val_bpb"] < 8
    assert 0 < state["baseline"]["val_bpb"] < 8
    assert state["corpus"]["bytes"] == 20_000
    assert {"d_model", "learning_rate", "seed"} <= set(state["best"]["settings"])
    assert state["storage"] == f"sqlite:///{place.home}/studies.db"

    listed = json.loads(place.run("list", "--json").stdout)
    assert [study["name"] for study in listed] == ["s"]
    assert "settings" not in listed[0]["best"]

    again = place.run("resume", "s")
    assert again.returncode == 0
    assert "no trial was added" in again.stdout
    assert place.shown("s") == state

    drawn = place.run("plot", "s", "--format", "png", "--out", "drawn")
    paths = [place.folder / line for line in drawn.stdout.split()]
    assert len(paths) == 6
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)

    stock = optuna.load_study(study_name="s", storage=state["storage"])
    assert stock.best_value == state["best"]["val_bpb"]
    assert set(stock.best_params) == {"d_model", "learning_rate"}


def test_a_killed_study_is_resumed_with_no_trial_lost_or_added(place: Place) -> None:
    process = place.start("s", trials=4, seconds=1.5)
    before = place.wait_for("s", lambda state: state["trials"]["complete"] >= 1 and state["trials"]["running"] == 1)
    assert before["state"] == "running"
    refused = place.run("resume", "s")
    assert refused.returncode == 2
    assert f"process {process.pid}" in refused.stderr

    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    dead = place.shown("s")
    assert (dead["state"], dead["stop_reason"]) == ("interrupted", None)
    assert dead["trials"]["running"] == 0
    done = place.run("resume", "s")
    assert done.returncode == 0, done.stderr
    state = place.shown("s")
    assert state["state"] == "finished"
    assert state["trials"]["total"] == state["trials"]["complete"] == 4
    assert [(run["role"], run["trial"]) for run in state["runs"]] == [
        ("baseline", 0),
        ("confirmation", 1),
        *(("search", number) for number in range(2)),
    ]
    stock = optuna.load_study(study_name="s", storage=state["storage"])
    assert {trial.state.name for trial in stock.trials} == {"COMPLETE"}


@pytest.mark.long
def test_an_interrupted_study_saves_its_trial_and_says_how_to_go_on(place: Place) -> None:
    process = place.start("s", trials=2, seconds=6)
    place.wait_for("s", lambda state: state["trials"]["complete"] == 1 and state["trials"]["running"] == 1)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "bardtune resume s" in out
    assert "Traceback" not in errors
    state = place.shown("s")
    assert (state["state"], state["stop_reason"], state["trials"]["interrupted"]) == (
        "interrupted",
        "user",
        1,
    )
    assert list((place.home / "checkpoints").rglob("search-0001.pt"))
    assert place.run("resume", "s").returncode == 0
    assert place.shown("s")["trials"]["complete"] == 2
    assert not list((place.home / "checkpoints").rglob("*.pt"))


@pytest.mark.long
def test_two_workers_share_a_study(place: Place) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores")
    done = place.started("s", workers=2, trials=5, seconds=0.4)
    assert done.returncode == 0, done.stderr
    assert place.shown("s")["trials"]["complete"] == 5
