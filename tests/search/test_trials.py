"""``bardtune trials``: where the table goes, and what its columns mean; the table itself is in test_table.py."""

import json
from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from bardtune.studies.analysis.table import COLUMNS
from support.command_line import complaint
from support.studies_at_hand import make_study, storage_at
from support.study_records import make_record, make_trial

pytestmark = pytest.mark.usefixtures("home")


def test_the_table_goes_to_standard_output_or_into_a_file(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    make_study(storage_at(home), "s")
    assert main(["trials", "s", "--csv"]) == 0
    table = capsys.readouterr().out
    assert table.startswith("study,role,trial,")
    assert main(["trials", "s", "--csv", "--out", "new/s.csv"]) == 0
    assert capsys.readouterr().out == "new/s.csv\n"
    assert (tmp_path / "new" / "s.csv").read_bytes().decode() == table


def test_the_columns_are_printed_with_what_they_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trials", "--columns"]) == 0
    said = capsys.readouterr().out
    for name in [*(column.name for column in COLUMNS), "params.NAME", "settings.NAME", "curve"]:
        assert f"\n{name} " in f"\n{said}"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["trials"], "which study?"),
        (["trials", "s"], "choose one of --csv and --jsonl"),
        (["trials", "s", "--csv", "--jsonl"], "choose one of"),
        (["trials", "s", "--csv"], "bardtune start"),
        (["trials", "s", "--csv", "--follow"], "use it with --jsonl"),
        (["trials", "s", "--jsonl", "--follow", "--out", "f"], "without --out"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in complaint(capsys, *args)


def test_a_file_among_the_texts_of_a_study_is_warned_of(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    monkeypatch.setattr("support.studies_at_hand.CORPUS", {"name": str(texts), "bytes": 9, "sha256": "0" * 64})
    make_study(storage_at(home), "s", corpus=str(texts))
    assert main(["trials", "s", "--csv", "--out", str(texts / "runs.txt")]) == 0
    assert "lies in the folder of the study's text" in capsys.readouterr().err
    assert main(["trials", "s", "--csv", "--out", str(tmp_path / "runs.txt")]) == 0
    assert capsys.readouterr().err == ""


def test_a_study_is_followed_a_line_a_run_until_it_ends(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["search-0000", "search-0001", "search-0002"]
    runs = [make_trial(number, 2.3) for number in range(3)]
    running = make_trial(1, None, ended="running")
    states = [
        make_record(runs[0], running, state="running"),
        make_record(*runs[:2], state="running"),
        make_record(*runs, state="finished"),
    ]
    monkeypatch.setattr("bardtune.search.commands.trials.ReadOnlyStorage", lambda url: url)
    monkeypatch.setattr("bardtune.search.commands.trials.read_study", lambda *_: states.pop(0))
    monkeypatch.setattr("bardtune.search.commands.trials.READ_EVERY_S", 0.0)
    assert main(["trials", "s", "--jsonl", "--follow"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [f"search-{line['trial']:04d}" for line in lines] == names
