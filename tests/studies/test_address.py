"""A path is no URL: whatever its letters mean in one, the database lies where the path says."""

from pathlib import Path

import pytest

from bardtune.data.paths import shown
from bardtune.search.commands.shared import storage_url
from bardtune.studies.store.address import sqlite_path, sqlite_url
from bardtune.studies.store.completion import quick_names
from bardtune.studies.store.home import HOME_VARIABLE, data_home
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_study, study_names
from bardtune.studies.store.storage import Storage, without_password
from support.studies_at_hand import make_study

ODD = ["what?", "50%41", "a%2Fb", "plain", "sp ace", "{x}", "#1", "ä€", "a&b=c", "100%"]


@pytest.mark.parametrize("name", ODD)
def test_a_url_leads_back_to_its_path(name: str) -> None:
    assert sqlite_path(sqlite_url(Path("/data") / name / "studies.db")) == Path("/data") / name / "studies.db"


@pytest.mark.parametrize("name", ODD)
def test_a_data_folder_of_any_name_holds_its_database(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / name))
    make_study(Storage(storage_url(None), create=True), "inside", trials=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]
    assert (tmp_path / name / "studies.db").exists()
    assert data_home().database == tmp_path / name / "studies.db"
    opened = ReadOnlyStorage(storage_url(None))
    assert study_names(opened) == ["inside"]
    assert quick_names() == quick_names(storage_url(None)) == ["inside"]
    said = read_study(opened, "inside").storage
    assert study_names(ReadOnlyStorage(said)) == ["inside"]  # what is printed can be typed again


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:secret@host/db", "postgresql://u:***@host/db"),
        ("postgresql//u:secret@host", "postgresql//u:***@host"),
        ("postgresql://u:secret", "postgresql://u:***"),
        ("postgresql://u:secret/db", "postgresql://u:***/db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://u:p@ss@host/db", "postgresql://u:***@host/db"),
        ("postgresql://host/db?password=secret&x=1", "postgresql://host/db?password=***&x=1"),
    ],
)
def test_no_password_is_said_however_the_url_is_written(url: str, said: str) -> None:
    assert without_password(url) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain ä€ text\n\tand more", "plain ä€ text\n\tand more"),
        ("red\x1b[31m", "red\ufffd[31m"),
        ("\x9b31m", "\ufffd31m"),
        ("caf\udce9.txt", "caf\ufffd.txt"),
        ("a\u202egpj.exe", "a\ufffdgpj.exe"),
        ("over\rwritten\x07", "over\ufffdwritten\ufffd"),
    ],
)
def test_what_is_shown_does_not_steer_a_terminal(text: str, said: str) -> None:
    assert shown(text) == said
