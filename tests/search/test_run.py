"""``bardtune run``: a stranger's script as a run of a study; the service itself is in test_service.py."""

import json
import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest

from bardtune.data.corpus import Corpus
from bardtune.search.cli.app import main
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.writer import StudyWriter
from support.paths import ROOT
from support.studies_at_hand import make_study, storage_at

STRANGER = ROOT / "tests" / "scripts" / "stranger.txt"


@pytest.fixture
def study(tmp_path: Path, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> str:
    """A study on a tiny text, of which nothing has been run."""
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path))
    (tmp_path / "text.txt").write_bytes(tiny_corpus.content.tobytes())
    text = {"name": str(tmp_path / "text.txt"), "bytes": tiny_corpus.num_bytes, "sha256": tiny_corpus.sha256}
    storage = storage_at(tmp_path)
    monkeypatch.setattr("support.studies_at_hand.CORPUS", text)
    make_study(storage, "mine", trials=3, corpus=text["name"], seconds=0.5)
    return "mine"


def test_a_strangers_script_runs_unmodified_and_is_measured(
    study: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.py").write_text(STRANGER.read_text())
    (tmp_path / "train.py").chmod(0o400)
    assert main(["run", str(tmp_path / "train.py"), "--study", study, "--json"]) == 0
    run = json.loads(capfd.readouterr().out)
    assert (run["ending"], run["role"], run["script"]["trust"]) == ("finished", "service", "measured")
    assert 4 < run["val_bpb"] < 9
    assert run["stats"]["steps"] > 0
    assert run["script"]["source"] == STRANGER.read_text()
    assert main(["show", study]) == 0
    assert f"service 0: finished, {run['val_bpb']:.6f} bpb (measured)" in capfd.readouterr().out


def test_a_script_that_the_system_does_not_start_is_one_sentence_and_a_run_with_its_reason(
    study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.py").write_text(STRANGER.read_text())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert main(["run", str(tmp_path / "train.py"), "--study", study]) == 2
    said = capsys.readouterr().err
    assert (said.count("\n"), "No such file or directory; put that right" in said) == (1, True), said
    (run,) = read_study(storage_at(tmp_path), study).runs
    assert (run.state, run.reason) == ("failed", "it could not be started: No such file or directory")


def test_a_failed_script_exits_with_1_and_a_full_study_refuses_in_a_sentence(
    study: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "train.py"
    for number in range(3):
        script.write_text(f"raise ValueError({number})")
        assert main(["run", str(script), "--study", study]) == 1
        assert f"service {number}: crashed: it exited with code 1: ValueError: {number}" in capfd.readouterr().out
    assert main(["run", str(script), "--study", study]) == 2
    assert "the study 'mine' has made all of its 3 runs" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("script", "name", "said"),
    [
        ("nowhere.py", "mine", "no script at"),
        (".", "mine", "is a folder; name the script in it"),
        ("prepare.py", "mine", "rename it, such as train.py"),
        ("latin.py", "mine", "is no Python that can be run"),
        ("train.py", "mind", "did you mean 'mine'?"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence_and_nothing_is_stored(
    study: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, name: str, said: str
) -> None:
    for file in ("prepare.py", "train.py"):
        (tmp_path / file).write_text("pass")
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    assert main(["run", str(tmp_path / script), "--study", name]) == 2
    complaint = capfd.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1
    assert read_study(storage_at(tmp_path), "mine").runs == ()


def test_a_study_that_somebody_runs_is_refused(study: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.py").write_text("pass")
    with StudyWriter(storage_at(tmp_path), study):
        assert main(["run", str(tmp_path / "train.py"), "--study", study]) == 2
    assert "is being run by process" in capfd.readouterr().err


def test_ctrl_c_ends_the_script_with_its_reason_and_exit_code_130(
    study: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    started = tmp_path / "started"
    (tmp_path / "train.py").write_text(f"open({str(started)!r}, 'w')\nwhile True: pass")

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert main(["run", str(tmp_path / "train.py"), "--study", study]) == 130
    assert "service 0: interrupted: stopped by the user" in capfd.readouterr().out
    assert read_study(storage_at(tmp_path), study).counts()["failed"] == 1
