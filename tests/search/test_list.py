"""``bardtune list``: the stored studies, also when there are none."""

import json
from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from support.command_line import complaint
from support.studies_at_hand import make_study, storage_at

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


def test_a_storage_that_is_not_supported_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "not supported" in complaint(capsys, "list", "--storage", "oracle://x")
