"""``bardtune resume``: what it goes on with, and what it refuses; whole resumes are in test_whole_studies.py."""

from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from bardtune.studies import keys
from bardtune.studies.store.reading import load, read_study
from support.command_line import complaint
from support.fakes import ScriptedLauncher, falling_to, text_of
from support.studies_at_hand import make_study, run_study, storage_at

pytestmark = pytest.mark.usefixtures("home")


def test_no_study_of_that_name_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "bardtune start" in complaint(capsys, "resume", "nobody")


def test_a_finished_study_gets_no_trial_and_says_so(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    storage = storage_at(home)
    make_study(storage, "s", trials=2)
    before = run_study(storage, home, ScriptedLauncher(lambda order: falling_to(2.0)))
    assert main(["resume", "s"]) == 0
    assert capsys.readouterr().out.startswith("the study s is finished; no trial was added.\n")
    assert read_study(storage, "s").runs == before.runs


def test_a_text_that_has_changed_is_refused(capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    make_study(storage_at(home), "s", corpus=str(tmp_path / "text.txt"))  # of another text at that place
    said = complaint(capsys, "resume", "s")
    assert "has changed since the study" in said
    assert "put the old text back" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("what", ["sampler", "pruner", "launcher"])
def test_a_study_made_with_what_this_version_has_not_is_refused_and_left_alone(
    what: str, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    storage = storage_at(home)
    make_study(storage, "s", **{what: "neww"})
    assert complaint(capsys, "resume", "s") == (
        f"bardtune: the study 's' cannot go on: this version of bardtune has no {what} 'neww'; resume it with the "
        "version that made it, or start a new study.\n"
    )
    assert read_study(storage, "s").runs == ()


def test_a_study_that_was_stored_before_there_were_launchers_trains_on_this_machine(home: Path) -> None:
    storage = storage_at(home)
    make_study(storage, "s")
    study = load(storage, "s")
    older = {name: value for name, value in study.user_attrs[keys.PLAN].items() if name != "launcher"}
    study.set_user_attr(keys.PLAN, older)
    assert read_study(storage, "s").plan.launcher == "local"


def test_a_study_of_a_newer_version_is_said_to_be_one(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    storage = storage_at(home)
    make_study(storage, "s")
    study = load(storage, "s")
    study.set_user_attr(keys.PLAN, {**study.user_attrs[keys.PLAN], "colour": "red"})
    for command in ("resume", "show", "report"):
        said = complaint(capsys, command, "s")
        assert "the study 's' was made by a newer bardtune: its plan says colour" in said
    assert main(["list"]) == 0
    assert "made by a newer bardtune" in capsys.readouterr().err
