"""``bardtune report``: the file it writes, and what the winner writes on its page or why it does not."""

import html
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bardtune.data.corpus import load_corpus
from bardtune.model.network.weights import save_weights
from bardtune.model.settings import TrialSettings
from bardtune.search.cli.app import main
from bardtune.search.commands.report import page_sample
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.analysis.winner import weights_of
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.creating import NewStudy
from bardtune.studies.store.home import Home
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.command_line import complaint
from support.fakes import ScriptedLauncher, falling_to, text_of
from support.small_models import random_model
from support.studies_at_hand import SPACE, make_study, run_study, storage_at

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return storage_at(tmp_path)


@pytest.fixture
def record(storage: Storage, tmp_path: Path) -> StudyRecord:
    """A finished study of a real text; its trials are make-believe and have left no weights."""
    text = tmp_path / "text.txt"
    text.write_bytes(text_of(20_000))
    corpus = load_corpus(str(text))
    facts = {"name": str(text), "bytes": corpus.num_bytes, "sha256": corpus.sha256}
    plan = StudyPlan(corpus=str(text), trials=3, seconds=1.0, threads=1, confirm="0")
    with StudyWriter(storage, "s", new=NewStudy(plan=plan, space=SPACE, corpus=facts, fingerprint={})):
        pass
    return run_study(storage, tmp_path, ScriptedLauncher(lambda order: falling_to(2.2)))


@pytest.fixture
def weights(storage: Storage, record: StudyRecord, tmp_path: Path, tiny_settings: Callable[..., TrialSettings]) -> Path:
    """Weights of the winner, as if it had been trained."""
    run = verdict_of(record).take_home
    assert run is not None
    path = weights_of(storage, record, run, Home(tmp_path))
    settings = tiny_settings(count_max_order=2)
    save_weights(path, random_model(settings), settings=settings, fractions=[0.0], threads=1)
    return path


def test_the_page_holds_what_the_command_sample_writes(
    record: StudyRecord, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "s"]) == 0
    assert "letting the winner write" in capsys.readouterr().err
    page = Path("s-report.html").read_text(encoding="utf-8")
    shown = html.unescape(page.partition('<pre class="text" tabindex="0">\n')[2].partition("</pre>")[0])
    assert main(["sample", "s"]) == 0
    written = capsys.readouterr().out.removesuffix("\n")
    plain = [each for each in range(len(shown)) if shown[each].isascii() and shown[each].isprintable()]
    assert len(shown) > 200
    assert len(plain) > 50
    assert [shown[each] for each in plain] == [written[each] for each in plain]
    assert "500 bytes by trial" in page
    assert main(["report", "s", "--no-sample"]) == 0
    assert "What the winner writes" not in Path("s-report.html").read_text(encoding="utf-8")


def test_weights_that_are_not_there_or_damaged_are_said(storage: Storage, record: StudyRecord, weights: Path) -> None:
    weights.write_bytes(b"these are no weights")
    assert page_sample(storage, record).note == "There is no sample: the weights of trial 0 cannot be read."
    weights.unlink()
    said = "There is no sample: the weights of trial 0 were not on the machine where this page was made."
    assert page_sample(storage, record).note == said


def test_another_text_is_not_counted(storage: Storage, record: StudyRecord, weights: Path) -> None:
    Path("text.txt").write_bytes(text_of(20_001))
    said = "There is no sample: the text that the study learned from is not where it was, or has changed."
    assert page_sample(storage, record).note == said


@pytest.fixture
def running(storage: Storage, record: StudyRecord) -> Iterator[StudyRecord]:
    with StudyWriter(storage, "s"):
        yield read_study(storage, "s")


def test_nothing_is_written_beside_a_running_study(storage: Storage, running: StudyRecord, weights: Path) -> None:
    assert "would have slowed its training" in page_sample(storage, running).note
    assert page_sample(storage, running).text is None


def test_a_study_without_a_winner_has_no_sample(storage: Storage, record: StudyRecord) -> None:
    assert page_sample(storage, replace(record, search_runs=())).note == "There is no sample: no trial has finished."


# The file


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    make_study(storage_at(tmp_path), "empty")
    return tmp_path


def test_the_command_writes_the_page_and_prints_its_path(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "empty"]) == 0
    assert capsys.readouterr().out == "empty-report.html\n"
    assert str(stored) not in (stored / "empty-report.html").read_text()
    assert main(["report", "empty", "--out", "new/page.html"]) == 0
    assert (stored / "new" / "page.html").exists()
    assert not list(stored.rglob("*.draft"))


@pytest.mark.parametrize("out", [".", "/proc/x/page.html"])
def test_a_file_that_cannot_be_written_is_said_in_a_sentence(
    stored: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "empty", "--out", out]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--out" in said


def test_a_study_that_is_not_there_blames_the_name_and_not_the_file(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no study" in complaint(capsys, "report", "x" * 300)
