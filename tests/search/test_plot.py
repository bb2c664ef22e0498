"""``bardtune plot``: what its help and the Tab key know, and where it writes."""

import inspect
from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from bardtune.search.cli.plot import complete_one_of
from bardtune.studies.plots.registry import DEFAULT_KINDS, FORMATS, KINDS
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


def test_the_help_names_all_kinds_and_formats_and_those_that_are_drawn_by_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plot", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert f"{', '.join(KINDS)}; or all. [default: {','.join(DEFAULT_KINDS)}]" in words
    assert f"Comma-separated: {', '.join(FORMATS)}. [default: html]" in words


def test_the_tab_key_completes_the_last_of_several_items() -> None:
    complete = complete_one_of("slice", "parallel", "contour", "curves")
    assert complete("") == ["slice", "parallel", "contour", "curves"]
    assert complete("c") == ["contour", "curves"]
    assert complete("slice,pa") == ["slice,parallel"]
    assert complete("slice,x") == []


def test_kinds_and_formats_are_completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def offered(line: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        monkeypatch.setenv("_BARDTUNE_COMPLETE", "complete_bash")
        with pytest.raises(SystemExit):
            main([])
        return capsys.readouterr().out.split()

    assert offered("bardtune plot s --kind ") == [*KINDS, "all"]
    assert offered("bardtune plot s --format png,s") == ["png,svg"]


def test_the_evaluators_in_the_help_are_those_there_are() -> None:
    from bardtune.search.cli.plot import plot
    from bardtune.studies.analysis.importance import DEFAULT_EVALUATOR, EVALUATORS

    defaults = inspect.signature(plot).parameters
    assert defaults["evaluator"].default == DEFAULT_EVALUATOR
    assert all(name in str(defaults["evaluator"].annotation.__metadata__[0].help) for name in EVALUATORS)
