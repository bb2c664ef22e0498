"""Files and folders are whole or not there, whatever happens while they are written."""

import os
from pathlib import Path

import pytest

from bardtune.data.files import replacing, shorten, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b", b"new")
    assert (tmp_path / "a" / "b").read_bytes() == b"new"


def test_what_was_there_stays_until_the_new_is_whole_and_if_it_never_is(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def die_half_way() -> None:
        with replacing(path) as draft:
            draft.write_text("ne")
            assert path.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die_half_way()
    assert (path.read_text(), names(tmp_path)) == ("old", ["x"])


def test_the_file_before_can_be_kept(tmp_path: Path) -> None:
    path, previous = tmp_path / "x", tmp_path / "x.previous"
    for text in ("first", "second", "third"):
        with replacing(path, previous=previous) as draft:
            draft.write_text(text)
    assert (path.read_text(), previous.read_text(), names(tmp_path)) == ("third", "second", ["x", "x.previous"])


def test_a_durable_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    rename = os.replace
    monkeypatch.setattr("bardtune.data.files.os.fsync", lambda _: order.append("on the disk"))
    monkeypatch.setattr("bardtune.data.files.os.replace", lambda *paths: (order.append("named"), rename(*paths)))
    with replacing(tmp_path / "x", durable=True) as draft:
        draft.write_text("weights")
    assert order == ["on the disk", "named"]
    write_whole(tmp_path / "y", b"a picture can be drawn again")
    assert order == ["on the disk", "named", "named"]


def write_folder(folder: Path, name: str) -> None:
    with replacing(folder) as draft:
        draft.mkdir()
        (draft / name).write_text(name)


def test_a_folder_takes_the_place_of_an_empty_one_and_of_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_folder(folder, "a")
    with pytest.raises(OSError, match="not empty"):
        write_folder(folder, "b")
    assert (names(tmp_path), names(folder)) == (["out"], ["a"])


def test_a_log_that_is_long_keeps_its_end_and_whoever_appends_goes_on_behind_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("ab") as file:
        file.write(b"a" * 900 + b"b" * 200)
        file.flush()
        shorten(log, 2_000)
        assert log.stat().st_size == 1_100
        shorten(log, 400)
        assert log.read_bytes() == b"(what stood before was left out)\n" + b"b" * 200
        file.write(b"c")
    assert log.read_bytes().endswith(b"bc")
    shorten(tmp_path / "nowhere", 1)
