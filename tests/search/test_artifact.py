"""What a script hands back: what its line may say, which files are taken, and what becomes of the run."""

import os
from pathlib import Path
from typing import Any

import pytest
from bardtune.search.scripts.scoring import check_of, run_checker
from bardtune.studies.analysis.table import rows
from bardtune.studies.contract.artifact import MOST_BYTES, Artifact, ArtifactError, artifact_of, take
from bardtune.studies.contract.outcome import Check, ChildEnd, Outcome, with_check
from bardtune.studies.plots.words import ending_text

from support.study_records import make_record, make_trial

STATS = {"seconds": {"setup": 1.0, "train": 5.0, "evaluate": 2.0}}
MEASURED = Outcome(ending="finished", val_bpb=2.5, trust="measured", stats=STATS)


# What the line says


@pytest.mark.parametrize(
    ("said", "handed"),
    [
        ({}, None),
        ({"weights": None, "settings": {}}, None),
        ({"weights": "w"}, Artifact(kind="weights", file="w")),
        ({"weights": "w", "settings": {"d_model": 8}}, Artifact(kind="weights", file="w", settings={"d_model": 8})),
        ({"model": "m.pt2"}, Artifact(kind="model", file="m.pt2")),
    ],
)
def test_a_line_may_name_one_file(said: dict[str, Any], handed: Artifact | None) -> None:
    assert artifact_of(said) == handed


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"weights": "w", "model": "m"}, 'names both "weights" and "model"'),
        ({"model": 7}, "a value of type int"),
        ({"model": ""}, "no name of a file"),
        ({"weights": "w", "settings": "s.json"}, "no object but 's.json'"),
        ({"weights": "w", "settings": {"d_model": [[]]}}, "the setting 'd_model' in its line is a value of type list"),
    ],
)
def test_a_line_that_names_no_file_says_why(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        artifact_of(said)
    assert problem in str(caught.value)


# The file


def make_files(folder: Path) -> None:
    (folder / "good").write_bytes(b"1234")
    (folder / "empty").touch()
    with (folder / "huge").open("wb") as file:
        file.truncate(MOST_BYTES + 1)  # takes no room
    (folder / "round").symlink_to("round")
    (folder / "out").symlink_to(folder.parent / "secret")
    (folder / "away").symlink_to(folder.parent)
    (folder / "inside").symlink_to("good")
    os.mkfifo(folder / "pipe")


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("missing", "there is no file 'missing'"),
        ("good/file", "cannot be read: Not a directory"),
        ("empty", "holds 0 bytes"),
        ("huge", "holds 1,073,741,825 bytes; 1 to 1,073,741,824 can be scored"),
        ("round", "'round'"),
        ("out", "lies outside of the folder"),
        ("away/secret", "lies outside of the folder"),
        ("../secret", "lies outside of the folder"),
        ("/etc/hostname", "lies outside of the folder"),
        ("pipe", "is no file"),
        (".", "cannot be read: Is a directory"),
        ("a\0b", "is no name of a file"),
        ("\ud800", "is no name of a file"),
        ("x" * 5000, "cannot be read: File name too long"),
    ],
)
def test_a_file_that_cannot_be_taken_is_a_sentence_and_never_waited_for(
    tmp_path: Path, file: str, problem: str
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    make_files(tmp_path / "work")
    with pytest.raises(ArtifactError) as caught:
        take(file, tmp_path / "work", tmp_path / "copy")
    assert problem in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
    assert not (tmp_path / "copy").exists()


def test_a_file_in_the_folder_is_copied_a_link_within_it_too(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    make_files(tmp_path / "work")
    for name in ("good", "inside"):
        take(name, tmp_path / "work", tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"1234"


# What becomes of it


def test_the_score_replaces_what_the_script_said_and_a_difference_is_told() -> None:
    same = with_check(MEASURED, Check(val_bpb=2.50004, wall_s=3.0))
    assert (same.ending, same.val_bpb, same.trust, same.reason) == ("finished", 2.50004, "checked", None)
    assert same.stats["seconds"] == {"setup": 1.0, "train": 5.0, "evaluate": 5.0}
    other = with_check(MEASURED, Check(val_bpb=3.25))
    assert (other.val_bpb, other.trust, other.reason) == (3.25, "checked", "the script reported 2.500000")
    assert other.stats["said_bpb"] == 2.5


def test_without_a_score_the_trust_stays_what_it_was() -> None:
    outcome = with_check(MEASURED, Check(problem="there is no file 'w'"))
    assert (outcome.ending, outcome.val_bpb, outcome.trust) == ("finished", 2.5, "measured")
    assert outcome.reason == "not checked: there is no file 'w'"


@pytest.mark.parametrize(
    ("check", "ending", "reason"),
    [
        (Check(illegal="looks ahead"), "crashed", "the model that it handed back looks ahead"),
        (Check(val_bpb=float("nan")), "diverged", "the bpb of what it handed back is nan"),
        (Check(val_bpb=0.01), "crashed", "the bpb of what it handed back 0.01 is below 0.1"),
        (Check(val_bpb=99.0), "crashed", "the bpb of what it handed back 99 is above 16"),
    ],
)
def test_a_model_that_no_number_can_be_given_ends_its_run(check: Check, ending: str, reason: str) -> None:
    outcome = with_check(MEASURED, check)
    assert (outcome.ending, outcome.val_bpb, outcome.trust) == (ending, None, None)
    assert (outcome.reason or "").startswith(reason)


@pytest.mark.parametrize(
    ("end", "check"),
    [
        ({"stdout": 'noise\n{"val_bpb": 2.5}\n'}, Check(val_bpb=2.5)),
        ({"stdout": '{"illegal": "looks ahead"}'}, Check(illegal="looks ahead")),
        ({"stdout": '{"problem": "a\\n\\u001b[31mb"}'}, Check(problem="a  [31mb")),
        ({"stdout": "", "exit_code": 1}, Check(problem="the process that scored it exited with 1")),
        ({"stdout": '{"val_bpb": "2"}'}, Check(problem="the process that scored it exited with 0")),
        ({"stdout": '{"val_bpb": 2.5}', "exit_code": 1}, Check(problem="the process that scored it exited with 1")),
        ({"exit_code": -9}, Check(problem="the process that scored it was killed by signal 9")),
        ({"exit_code": -15, "stopped": "limit"}, Check(problem="scoring it took more than 30 s")),
        ({"exit_code": -15, "stopped": "user"}, Check(problem="stopped by the user")),
    ],
)
def test_whatever_the_scoring_process_does_is_a_score_or_a_sentence(end: dict[str, Any], check: Check) -> None:
    facts = {"exit_code": 0, "stdout": "", "stderr": "", "wall_s": 0.0, "started": 0.0, "pid": 1, "stopped": None}
    assert check_of(ChildEnd(**{**facts, **end}), 30.0) == check


def test_what_a_script_has_put_where_the_copy_belongs_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "good").write_bytes(b"1234")
    (tmp_path / "victim").write_bytes(b"as it was")
    (tmp_path / "taken").symlink_to(tmp_path / "victim")
    with pytest.raises(ArtifactError):
        take("good", tmp_path / "work", tmp_path / "taken")
    assert (tmp_path / "victim").read_bytes() == b"as it was"


def test_a_full_disk_costs_the_score_and_not_the_run(tmp_path: Path) -> None:
    check = run_checker({"threads": 1}, tmp_path / "no folder" / "order.json", 1.0, lambda: True)
    assert check.val_bpb is None
    assert "could not be started" in (check.problem or "")
    assert with_check(MEASURED, check).val_bpb == 2.5


def test_table_and_page_say_how_far_a_scripts_bpb_can_be_trusted() -> None:
    script = {"path": "train.py", "trust": "checked"}
    run = make_trial(0, 2.5, role="service", script=script)
    assert ending_text(run) == "finished, checked"
    assert [row["trust"] for row in rows(make_record(run, make_trial(1)))] == ["checked", None]
