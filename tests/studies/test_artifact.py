"""A script's artifact: what its line may say, and which files are copied."""

import os
from pathlib import Path
from typing import Any

import pytest

from bardtune.studies.analysis.table import rows
from bardtune.studies.contract.artifact import MOST_BYTES, Artifact, ArtifactError, artifact_of, copy_artifact
from bardtune.studies.plots.words import ending_text
from support.study_records import make_record, make_trial


@pytest.mark.parametrize(
    ("output", "artifact"),
    [
        ({}, None),
        ({"weights": None, "settings": {}}, None),
        ({"weights": "w"}, Artifact(kind="weights", file="w")),
        ({"weights": "w", "settings": {"d_model": 8}}, Artifact(kind="weights", file="w", settings={"d_model": 8})),
        ({"model": "m.pt2"}, Artifact(kind="model", file="m.pt2")),
    ],
)
def test_a_line_may_name_one_file(output: dict[str, Any], artifact: Artifact | None) -> None:
    assert artifact_of(output) == artifact


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ({"weights": "w", "model": "m"}, 'names both "weights" and "model"'),
        ({"model": 7}, "a value of type int"),
        ({"model": ""}, "no name of a file"),
        ({"weights": "w", "settings": "s.json"}, "no object but 's.json'"),
        ({"weights": "w", "settings": {"d_model": [[]]}}, "the setting 'd_model' in its line is a value of type list"),
    ],
)
def test_a_line_that_names_no_file_says_why(output: dict[str, Any], problem: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        artifact_of(output)
    assert problem in str(caught.value)


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
def test_a_file_that_cannot_be_copied_is_a_sentence_and_never_waited_for(
    tmp_path: Path, file: str, problem: str
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    make_files(tmp_path / "work")
    with pytest.raises(ArtifactError) as caught:
        copy_artifact(file, tmp_path / "work", tmp_path / "copy")
    assert problem in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
    assert not (tmp_path / "copy").exists()


def test_a_file_in_the_folder_is_copied_a_link_within_it_too(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    make_files(tmp_path / "work")
    for name in ("good", "inside"):
        copy_artifact(name, tmp_path / "work", tmp_path / name)
        assert (tmp_path / name).read_bytes() == b"1234"


def test_what_a_script_has_put_where_the_copy_belongs_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "good").write_bytes(b"1234")
    (tmp_path / "victim").write_bytes(b"as it was")
    (tmp_path / "artifact").symlink_to(tmp_path / "victim")
    with pytest.raises(ArtifactError):
        copy_artifact("good", tmp_path / "work", tmp_path / "artifact")
    assert (tmp_path / "victim").read_bytes() == b"as it was"


def test_table_and_page_say_how_far_a_scripts_bpb_can_be_trusted() -> None:
    script = {"path": "train.py", "trust": "checked"}
    run = make_trial(0, 2.5, role="service", script=script)
    assert ending_text(run) == "finished, checked"
    assert [row["trust"] for row in rows(make_record(run, make_trial(1)))] == ["checked", None]
