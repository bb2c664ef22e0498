"""``bardtune list``: the stored studies, also when there are none."""

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from bardtune.search.commands.list import moment_of
from support.command_line import complaint
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at

pytestmark = pytest.mark.usefixtures("home")


def test_no_studies_yet_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "bardtune start" in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_every_study_is_a_line_and_an_entry(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    for name in ("hamlet", "macbeth"):
        make_study(storage_at(home), name, trials=9)
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[:3] for line in said.splitlines()[1:]] == [
        ["hamlet", "interrupted", "0/9"],
        ["macbeth", "interrupted", "0/9"],
    ]
    assert main(["list", "--json"]) == 0
    assert [study["name"] for study in json.loads(capsys.readouterr().out)] == ["hamlet", "macbeth"]


def test_studies_are_told_apart_by_their_text_and_their_time(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(*args: str) -> list[str]:
        assert main(["list", "--json", *args]) == 0
        return [study["name"] for study in json.loads(capsys.readouterr().out)]

    storage = storage_at(home)
    make_study(storage, "plays", trials=2)
    monkeypatch.setattr("support.studies_at_hand.CORPUS", {"name": "/texts/Novel.txt", "bytes": 9, "sha256": "0" * 64})
    make_study(storage, "novel", trials=2)
    run_study(storage, home, ScriptedLauncher(lambda order: falling_to(2.0)), "plays")
    assert listed("--corpus", "novel") == ["novel"]
    assert listed("--corpus", "nothing") == []
    assert listed("--since", "1h") == ["plays"]  # the other has had no run
    assert listed("--since", "2999-01-01") == []
    assert main(["list", "--corpus", "nothing"]) == 0
    assert "no study is as asked for" in capsys.readouterr().out
    assert "--since 'yesterday' is no date" in complaint(capsys, "list", "--since", "yesterday")


def test_a_moment_is_a_date_or_a_length_of_time_ago() -> None:
    now = datetime(2026, 11, 28, 12)
    assert moment_of("2026-11-01", now) == datetime(2026, 11, 1)
    assert moment_of("12h", now) == datetime(2026, 11, 28)
    assert moment_of("2w", now) == datetime(2026, 11, 14, 12)
    here = datetime(2026, 11, 28, 10).astimezone()
    elsewhere = here.astimezone(timezone(timedelta(hours=5)))
    assert moment_of(elsewhere.isoformat(), now) == datetime(2026, 11, 28, 10)


def test_a_narrow_terminal_is_shown_less_and_no_torn_line(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_study(storage_at(home), "a-study-of-a-long-name", trials=9)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["list"]) == 0
    lines = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()
    assert [line.split() for line in lines] == [
        ["study", "state", "trials", "best", "bpb"],
        ["a-study-of-a-long-name", "interrupted", "0/9", "-"],
    ]


def test_a_storage_that_is_not_supported_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "not supported" in complaint(capsys, "list", "--storage", "oracle://x")
