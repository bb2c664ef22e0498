"""The table of all runs: stable columns, whole numbers of rows, nothing that a spreadsheet would run."""

import csv
import io
import json
from dataclasses import replace

import pytest

from bardtune.studies.analysis.table import COLUMNS, csv_text, json_lines
from bardtune.studies.records import StudyRecord
from support.study_records import make_record, make_trial, planted_record

# Programs rely on these names: add at will, never rename.
_NAMES = (
    "study role trial candidate repeats state ending reason val_bpb trust last_bpb last_percent test_bpb "
    "started ended steps train_bytes train_bytes_per_s num_params setup_s train_s evaluate_s checkpoint_s "
    "cpu_ratio peak_memory_bytes starved seconds_budget corpus_sha256 cpu precision numba node"
)
STABLE = _NAMES.split()


def read(record: StudyRecord) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(record), newline="")))


def test_the_columns_are_those_that_programs_rely_on_and_each_has_a_meaning() -> None:
    assert [column.name for column in COLUMNS] == STABLE
    assert all(len(column.meaning) > 5 for column in COLUMNS)


def test_every_run_of_every_role_is_a_row_in_both_formats() -> None:
    record = planted_record(30)
    lines = [json.loads(line) for line in json_lines(record).splitlines()]
    table = read(record)
    assert len(table) == len(lines) == 31
    assert [row["role"] for row in table][:2] == ["baseline", "search"]
    assert list(table[0]) == [name for name in lines[0] if name != "curve"]
    assert len({tuple(line) for line in lines}) == 1  # the same keys in each
    for row, line, run in zip(table, lines, record.runs, strict=True):
        assert row["val_bpb"] == ("" if run.val_bpb is None else str(run.val_bpb))
        assert line["curve"] == [list(point) for point in run.curve]
        assert line["params.batch_size"] == run.params.get("batch_size")


def test_stats_and_settings_become_columns() -> None:
    stats = {"steps": 7, "starved": False, "seconds": {"train": 1.5}, "host": "elsinore"}
    trial = make_trial(0, settings={"learning_rate": 0.003, "tied_head": True}, stats=stats)
    row = read(make_record(trial))[0]
    assert (row["steps"], row["starved"], row["train_s"]) == ("7", "false", "1.5")
    assert (row["settings.learning_rate"], row["settings.tied_head"], row["settings.d_model"]) == ("0.003", "true", "")
    assert "elsinore" not in csv_text(make_record(trial))


def test_text_survives_quotes_commas_and_line_ends() -> None:
    reason = 'said "no",\nand left; äöü'
    record = make_record(make_trial(0, None, ended="crashed", reason=reason))
    assert read(record)[0]["reason"] == reason
    assert json.loads(json_lines(record))["reason"] == reason


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_a_formula_in_a_spreadsheet(reason: str) -> None:
    record = make_record(make_trial(0, None, ended="crashed", reason=reason))
    assert read(record)[0]["reason"] == f"'{reason}"
    assert json.loads(json_lines(record))["reason"] == reason


def test_what_is_no_number_is_left_out() -> None:
    record = make_record(replace(make_trial(0), val_bpb=float("inf")))
    assert read(record)[0]["val_bpb"] == ""
    assert json.loads(json_lines(record))["val_bpb"] is None


def test_an_empty_study_is_a_header_or_nothing() -> None:
    assert csv_text(make_record()).rstrip().split(",") == STABLE
    assert json_lines(make_record()) == ""
