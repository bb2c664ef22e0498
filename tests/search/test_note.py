"""``bardtune note``: words of one's own about a study."""

import json
from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from bardtune.search.commands.note import MOST_CHARS
from bardtune.studies.store.lock import CoordinatorLock
from bardtune.studies.store.reading import read_study
from support.command_line import complaint
from support.studies_at_hand import make_study, storage_at

pytestmark = pytest.mark.usefixtures("home")


def test_a_note_is_kept_shown_replaced_and_taken_away(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_study(storage_at(home), "s")
    assert main(["note", "s", "with the new tokenizer"]) == 0
    assert main(["show", "s"]) == 0
    assert "note        with the new tokenizer\n" in capsys.readouterr().out
    assert main(["note", "s", "another"]) == 0
    capsys.readouterr()
    assert main(["show", "s", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["note"] == "another"
    assert main(["note", "s", " "]) == 0
    assert read_study(storage_at(home), "s").note == ""


def test_a_note_reaches_the_page_and_steers_no_terminal(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(storage_at(home), "s")
    assert main(["note", "s", "<i>loud\x1b[31m"]) == 0
    assert main(["report", "s", "--no-sample", "--out", str(tmp_path / "page.html")]) == 0
    assert "Note: &lt;i&gt;loud\ufffd[31m" in (tmp_path / "page.html").read_text()
    capsys.readouterr()
    assert main(["show", "s"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_study_that_is_run_can_be_noted(home: Path) -> None:
    storage = storage_at(home)
    make_study(storage, "s")
    CoordinatorLock(storage.engine, "s").acquire()
    assert main(["note", "s", "while it runs"]) == 0
    assert read_study(storage_at(home), "s").note == "while it runs"


def test_a_long_note_and_no_study_are_one_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_study(storage_at(home), "s")
    assert "shorten it" in complaint(capsys, "note", "s", "x" * (MOST_CHARS + 1))
    assert "no study 'nobody'" in complaint(capsys, "note", "nobody", "x")
