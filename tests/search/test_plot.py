"""``bardtune plot``: its help and the Tab key know the kinds and formats that there are."""

import pytest
from bardtune.search.cli.app import main
from bardtune.search.cli.plot import complete_one_of
from bardtune.studies.plots.registry import DEFAULT_KINDS, FORMATS, KINDS


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
