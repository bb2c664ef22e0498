"""The training service: a study is not harmed by any ending of a user's script."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bardtune.data.corpus import Corpus
from bardtune.search.scripts.project import Project
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
    first = script_facts(Project(Path("/a/train.py"), {"train.py": b"lr = 1\n"}), None)
    second = script_facts(Project(Path("/a/train.py"), {"train.py": b"lr = 2\n"}), first)
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


def test_a_strangers_script_runs_beside_a_prepare_that_was_exported(tiny_corpus: Corpus, tmp_path: Path) -> None:
    facts = {"name": "tiny", "bytes": tiny_corpus.num_bytes, "sha256": tiny_corpus.sha256}
    (tmp_path / "prepare.py").write_text(prepare_source(corpus=facts, budget_s=0.3))
    (tmp_path / "corpus.bin").write_bytes(tiny_corpus.content.tobytes())
    (tmp_path / "train.py").write_text(STRANGER.read_text())
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "train.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert 4 < json.loads(done.stdout.splitlines()[-1])["val_bpb"] < 9
