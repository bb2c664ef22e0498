"""``bardtune plot``: what its help names, and where it writes."""

import inspect
from pathlib import Path

import pytest
from bardtune.search.cli.app import main

from support.command_line import complaint
from support.studies_at_hand import make_study, storage_at

pytestmark = pytest.mark.usefixtures("home")


def test_no_study_of_that_name_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "bardtune start" in complaint(capsys, "plot", "nobody")


def test_a_home_folder_in_out_is_understood(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    make_study(storage_at(home), "s")
    assert main(["plot", "s", "--kind", "history", "--out=~/plots"]) == 0
    assert (tmp_path / "me" / "plots" / "s-history.html").exists()
    assert not (tmp_path / "~").exists()
    capsys.readouterr()
    assert "no usable path" in complaint(capsys, "plot", "s", "--out", "~nosuch/plots")


def test_the_kinds_of_plots_and_the_evaluators_in_the_help_are_those_there_are() -> None:
    from bardtune.search.cli.plot import plot
    from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR, EVALUATORS
    from bardtune.studies.plots import DEFAULT_KINDS, KINDS

    defaults = inspect.signature(plot).parameters
    assert defaults["kind"].default == ",".join(DEFAULT_KINDS)
    said = str(defaults["kind"].annotation.__metadata__[0].help)
    assert all(kind in said for kind in (*KINDS, "all"))
    assert defaults["evaluator"].default == DEFAULT_EVALUATOR
    assert all(name in str(defaults["evaluator"].annotation.__metadata__[0].help) for name in EVALUATORS)
