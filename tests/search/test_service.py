"""The training service: a study is not harmed by any ending of a user's script."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from bardtune.data.corpus import Corpus
from bardtune.search.cli.app import main
from bardtune.search.scripts.service import script_facts
from bardtune.studies import keys
from bardtune.studies.contract import prepare_source
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.writer import StudyWriter

from support.fakes import ScriptedLauncher, falling_to
from support.paths import ROOT
from support.studies_at_hand import make_study, run_study, storage_at

STRANGER = ROOT / "tests" / "scripts" / "stranger.txt"


def test_the_diff_says_what_changed_since_the_run_before() -> None:
    first = script_facts(Path("/a/train.py"), "lr = 1\n", None)
    second = script_facts(Path("/a/train.py"), "lr = 2\n", first)
    assert first["diff"] is None
    assert second["diff"].splitlines()[-2:] == ["-lr = 1", "+lr = 2"]


def test_a_script_never_takes_the_place_of_an_interrupted_run(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=12)
    with StudyWriter(storage, "s") as writer:
        baseline = writer.ask_other("baseline")
        writer.begin(baseline, {"d_model": 16})
        writer.requeue(baseline, {})
        writer.tell_finished(writer.ask_script(), 2.0, {})
        waiting = writer.interrupted()
    assert waiting is not None
    assert waiting.user_attrs[keys.ROLE] == "baseline"


def test_a_script_whose_bardtune_was_killed_has_failed_and_is_not_continued(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=12)
    with StudyWriter(storage, "s") as writer:
        writer.ask_script()
    with StudyWriter(storage, "s") as writer:
        assert writer.interrupted() is None
    (run,) = read_study(storage, "s").runs
    assert (run.role, run.state, run.reason) == ("service", "failed", "bardtune itself was killed while the script ran")


def test_scripts_feed_neither_the_search_nor_the_verdict(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=8)
    with StudyWriter(storage, "s") as writer:
        writer.tell_finished(writer.ask_script(), 1.0, {})
    record = run_study(storage, tmp_path, ScriptedLauncher(lambda order: falling_to(2.0 + len(order.run_id) / 100)))
    assert record.best is not None
    assert record.best.val_bpb is not None
    assert record.best.val_bpb > 2.0
    assert (record.counts()["total"], len(record.search_runs)) == (8, 6)


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


def test_a_strangers_script_runs_beside_a_prepare_that_was_exported(tiny_corpus: Corpus, tmp_path: Path) -> None:
    facts = {"name": "tiny", "bytes": tiny_corpus.num_bytes, "sha256": tiny_corpus.sha256}
    (tmp_path / "prepare.py").write_text(prepare_source(corpus=facts, budget_s=0.3))
    (tmp_path / "corpus.bin").write_bytes(tiny_corpus.content.tobytes())
    (tmp_path / "train.py").write_text(STRANGER.read_text())
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "train.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert 4 < json.loads(done.stdout.splitlines()[-1])["val_bpb"] < 9


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
        ("latin.py", "mine", "is not UTF-8 text"),
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
