"""Whole studies through the command line, with real trainings of a second and real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from fakes import text_of

SPACE = """
preset = "reference"
[fixed]
n_heads = 2
n_layers = 1
history_depth = 1
[parameters.d_model]
type = "int"
low = 8
high = 32
step = 8
[parameters.learning_rate]
type = "float"
low = 1e-4
high = 1e-1
log = true
"""
BARDTUNE = [sys.executable, "-P", "-m", "search"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


def bardtune(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*BARDTUNE, *args], capture_output=True, text=True, timeout=240)


def start_in_background(name: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*BARDTUNE, "start", name, "--corpus", "text.txt", "--space", "space.toml", "--threads", "1", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def shown(name: str) -> dict[str, Any]:
    done = bardtune("show", name, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def wait_for(name: str, condition, seconds: float = 120) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done = bardtune("show", name, "--json")
        if done.returncode == 0 and condition(state := json.loads(done.stdout)):
            return state
        time.sleep(0.2)
    raise AssertionError(f"{name} never got there: {done.stdout[:600]}{done.stderr}")


def test_a_study_from_start_to_plots(folder: Path) -> None:
    done = bardtune(
        "start",
        "s",
        "--corpus",
        "text.txt",
        "--space",
        "space.toml",
        "--threads",
        "1",
        "--trials",
        "6",
        "--seconds",
        "0.4",
    )
    assert done.returncode == 0, done.stderr
    told = [
        line.split()[0] for line in done.stderr.splitlines()[1:] if not line.startswith(("first result", "new best"))
    ]
    assert told == ["baseline", "trial", "trial", "trial", "trial", "confirmation"]
    assert "outside training" in done.stdout

    state = shown("s")
    assert (state["state"], state["stop_reason"]) == ("finished", "trials")
    assert state["trials"]["cap"] == 50
    assert state["trials"]["total"] == state["trials"]["planned"] == 6
    assert state["trials"]["running"] == 0
    assert 0 < state["best"]["val_bpb"] < 8
    assert 0 < state["baseline"]["val_bpb"] < 8
    assert state["corpus"]["bytes"] == 20_000
    assert {"d_model", "learning_rate", "seed"} <= set(state["best"]["settings"])
    assert state["storage"] == f"sqlite:///{folder}/home/studies.db"

    listed = json.loads(bardtune("list", "--json").stdout)
    assert [study["name"] for study in listed] == ["s"]
    assert "settings" not in listed[0]["best"]

    again = bardtune("resume", "s")
    assert again.returncode == 0
    assert "no trial was added" in again.stdout
    assert shown("s") == state

    drawn = bardtune("plot", "s", "--format", "png", "--out", "drawn")
    paths = [Path(line) for line in drawn.stdout.split()]
    assert len(paths) == 6
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)

    stock = optuna.load_study(study_name="s", storage=state["storage"])
    assert stock.best_value == state["best"]["val_bpb"]
    assert set(stock.best_params) == {"d_model", "learning_rate"}


def test_a_killed_study_is_resumed_with_no_trial_lost_or_added(folder: Path) -> None:
    process = start_in_background("s", "--trials", "5", "--seconds", "4", "--pruner", "none")
    before = wait_for("s", lambda state: state["trials"]["complete"] >= 2 and state["trials"]["running"] == 1)
    assert before["state"] == "running"
    refused = bardtune("resume", "s")
    assert refused.returncode == 2
    assert f"process {process.pid}" in refused.stderr

    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    dead = shown("s")
    assert (dead["state"], dead["stop_reason"]) == ("interrupted", None)
    assert dead["trials"]["running"] == 0
    done = bardtune("resume", "s")
    assert done.returncode == 0, done.stderr
    state = shown("s")
    assert state["state"] == "finished"
    assert state["trials"]["total"] == state["trials"]["complete"] == 5
    assert [(run["role"], run["trial"]) for run in state["runs"]] == [
        ("baseline", 0),
        ("confirmation", 1),
        *(("search", number) for number in range(3)),
    ]
    stock = optuna.load_study(study_name="s", storage=state["storage"])
    assert {trial.state.name for trial in stock.trials} == {"COMPLETE"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_study_saves_its_trial_and_says_how_to_go_on(folder: Path, number: signal.Signals) -> None:
    process = start_in_background("s", "--trials", "2", "--seconds", "6", "--pruner", "none")
    wait_for("s", lambda state: state["trials"]["complete"] == 1 and state["trials"]["running"] == 1)
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "bardtune resume s" in out
    assert "Traceback" not in errors
    state = shown("s")
    assert (state["state"], state["stop_reason"], state["trials"]["interrupted"]) == (
        "interrupted",
        "user",
        1,
    )
    assert list((folder / "home" / "checkpoints").rglob("search-0001.pt"))
    assert bardtune("resume", "s").returncode == 0
    assert shown("s")["trials"]["complete"] == 2
    assert not list((folder / "home" / "checkpoints").rglob("*.pt"))


def test_a_resume_is_refused_when_the_corpus_has_changed(folder: Path) -> None:
    process = start_in_background("s", "--trials", "3", "--seconds", "30")
    wait_for("s", lambda state: state["trials"]["running"] == 1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    (folder / "text.txt").write_bytes(text_of(20_001))
    done = bardtune("resume", "s")
    assert done.returncode == 2
    assert "corpus_sha256 was" in done.stderr
    assert "start a new study" in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_workers_share_a_study(folder: Path) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("needs two cores")
    done = bardtune(
        "start",
        "s",
        "--corpus",
        "text.txt",
        "--space",
        "space.toml",
        "--threads",
        "1",
        "--workers",
        "2",
        "--trials",
        "5",
        "--seconds",
        "0.4",
        "--pruner",
        "none",
    )
    assert done.returncode == 0, done.stderr
    assert shown("s")["trials"]["complete"] == 5
