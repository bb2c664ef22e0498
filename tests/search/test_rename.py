"""``bardtune rename``: another name for a study, with all that is called after it."""

from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from bardtune.studies.store.home import Home
from bardtune.studies.store.lock import CoordinatorLock
from bardtune.studies.store.reading import read_study, study_names
from support.command_line import complaint
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at

pytestmark = pytest.mark.usefixtures("home")


def test_a_renamed_study_is_the_same_study(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage, log = storage_at(home), Home(home).worker_log("old", 0)
    make_study(storage, "old", trials=5)
    before = run_study(storage, home, ScriptedLauncher(lambda order: falling_to(2.0)), "old")
    log.parent.mkdir(parents=True)
    log.write_text("said")
    Home(home).worker_log("old-worker1", 0).write_text("another study's")
    assert main(["rename", "old", "new"]) == 0
    assert "is called new now" in capsys.readouterr().out
    after = read_study(storage_at(home), "new")
    assert after.runs == before.runs
    assert (after.state, after.seconds_used, after.final) == (before.state, before.seconds_used, before.final)
    assert study_names(storage_at(home)) == ["new"]
    assert not log.exists()
    assert Home(home).worker_log("new", 0).read_text() == "said"
    assert Home(home).worker_log("old-worker1", 0).exists()
    make_study(storage_at(home), "old", trials=2)  # the name is free again, and its time begins anew
    assert read_study(storage_at(home), "old").seconds_used < 1


def test_an_interrupted_study_goes_on_under_its_new_name(home: Path) -> None:
    storage, ticks = storage_at(home), iter(range(1000))
    make_study(storage, "old", trials=4)
    launcher = ScriptedLauncher(lambda order: falling_to(2.0))
    run_study(storage, home, launcher, "old", interrupted=lambda: next(ticks) == 15)
    assert main(["rename", "old", "new"]) == 0
    record = run_study(storage_at(home), home, ScriptedLauncher(lambda order: falling_to(2.0)), "new")
    assert (record.state, record.counts()["total"]) == ("finished", 4)


def test_a_name_that_is_taken_or_none_is_refused_and_nothing_changes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = storage_at(home)
    for name in ("one", "two"):
        make_study(storage, name)
    assert "the name 'two' is taken" in complaint(capsys, "rename", "one", "two")
    assert "cannot name a study" in complaint(capsys, "rename", "one", "a:b")
    assert "no study 'three'" in complaint(capsys, "rename", "three", "four")
    assert study_names(storage_at(home)) == ["one", "two"]


def test_a_study_that_is_run_keeps_its_name(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = storage_at(home)
    make_study(storage, "s")
    CoordinatorLock(storage.engine, "s").acquire()
    assert "is being run by process" in complaint(capsys, "rename", "s", "t")
    assert study_names(storage_at(home)) == ["s"]
