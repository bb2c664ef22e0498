"""Plot files: every kind and format makes a file that holds, asks nothing of the network and tells no secrets."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from bardtune.studies.errors import PlanError, StudyError
from bardtune.studies.plots.plotly.page import page
from bardtune.studies.plots.registry import FORMATS, KINDS
from bardtune.studies.plots.write import write_plots
from bardtune.studies.records import Parameter, StudyRecord
from support.paths import ROOT
from support.study_records import STORAGE, make_record, make_trial, planted_record
from support.views import view_of_record


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return planted_record(30)


def text_of(page_text: str) -> str:
    """The page without plotly's own script."""
    return re.sub(r"<script>/\*\*.*?</script>", "", page_text, count=1, flags=re.DOTALL)


@pytest.fixture(scope="module")
def written(record: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_plots(record, kinds=KINDS, formats=FORMATS, folder=tmp_path_factory.mktemp("plots") / "new" / "er")


def test_every_kind_and_format_has_its_file_and_nothing_else_lies_there(written: list[Path]) -> None:
    names = {f"first-folio-{kind}.{format_}" for kind in KINDS for format_ in FORMATS}
    assert {path.name for path in written} == names
    assert {path.name for path in written[0].parent.iterdir()} == names


def test_png_files_are_png_and_svg_files_are_well_formed(written: list[Path]) -> None:
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        if path.suffix == ".svg":
            assert ET.parse(path).getroot().tag.endswith("svg")


def test_pages_hold_plotly_and_ask_nothing_of_the_network(written: list[Path]) -> None:
    for path in written:
        if path.suffix == ".html":
            whole = path.read_text(encoding="utf-8")
            ours = text_of(whole)
            assert "plotly.js v" in whole
            assert "Plotly.newPlot" in ours
            assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", whole[: whole.index("<script")] + ours)
            assert "http" not in ours


def test_pages_do_not_offer_to_upload_the_picture(record: StudyRecord) -> None:
    assert '"showSendToCloud": false' in text_of(page(view_of_record(record, "history")))


def test_no_file_tells_a_path_or_a_host(written: list[Path]) -> None:
    for path in written:
        content = path.read_bytes()
        assert b"somebody" not in content
        assert b"secret" not in content
        assert STORAGE.encode() not in content


def test_equal_studies_make_equal_files(record: StudyRecord, written: list[Path], tmp_path: Path) -> None:
    again = write_plots(record, kinds=["history"], formats=FORMATS, folder=tmp_path)
    first = {path.name: path.read_bytes() for path in written}
    assert all(path.read_bytes() == first[path.name] for path in again)


@pytest.mark.parametrize(("wanted", "unwanted"), [("html", "matplotlib"), ("svg", "plotly")])
def test_one_format_does_not_import_the_other_library(wanted: str, unwanted: str, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from support.study_records import *; import studies.records\n"
        "assert not {'plotly', 'matplotlib'} & set(sys.modules)\n"
        "from bardtune.studies.plots.write import write_plots; folder = pathlib.Path(sys.argv[1])\n"
        f"write_plots(planted_record(5), kinds=['history'], formats=[{wanted!r}], folder=folder)\n"
        f"assert {unwanted!r} not in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_kind_or_format_is_refused_with_the_known_ones(record: StudyRecord, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"--kind 'pie' is unknown; choose from importance, parallel, .*"):
        write_plots(record, kinds=["history", "pie"], formats=["png"], folder=tmp_path)
    with pytest.raises(PlanError, match=r"--format 'pdf' is unknown; choose from html, png, svg"):
        write_plots(record, kinds=["history"], formats=["pdf"], folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_names_the_way_out(record: StudyRecord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StudyError, match=r"cannot write .*history\.html: .*--out"):
        write_plots(record, kinds=["history"], formats=["html"], folder=tmp_path / "file")


def test_a_failed_write_keeps_the_old_picture_and_leaves_no_draft(
    record: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "first-folio-history.html"
    old.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bardtune.data.files.os.replace", full)
    with pytest.raises(StudyError, match="No space left on device"):
        write_plots(record, kinds=["history"], formats=["html"], folder=tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(old.name, "old")]


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    trial = make_trial(0, params={"<i>x": "<b>&"})
    record = make_record(trial, corpus={"name": "/books/<script>alert(1)"})
    record = replace(record, parameters=(Parameter(name="<i>x", choices=("<b>&",)),))
    for kind in KINDS:
        ours = text_of(page(view_of_record(record, kind)))
        assert "<script>alert" not in ours
        assert "<i>x" not in ours
