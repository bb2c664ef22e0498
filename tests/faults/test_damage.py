"""A database that is deleted, damaged or full under a running study: one sentence, and no trial lost in silence."""

import contextlib
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.at_hand import BARDTUNE, Place, wait_until
from support.disks import small_disk_at


def running_study(place: Place) -> "subprocess.Popen[str]":
    process = place.start("s", trials=1, seconds=8)
    wait_until(lambda: any((place.home / "checkpoints").rglob("*.pt")))
    return process


def one_sentence(errors: str) -> str:
    """The last thing said; what came before are the lines of trials."""
    assert "Traceback" not in errors
    *_, last = errors.strip().splitlines()
    assert last.startswith("bardtune: ")
    return last


@pytest.mark.long
def test_a_deleted_database_is_saved_beside_and_the_trial_goes_on(place: Place) -> None:
    process = running_study(place)
    for file in place.home.glob("studies.db*"):
        file.unlink()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2, errors
    found = re.search(r"saved in (\S+):", one_sentence(errors))
    assert found is not None
    shutil.move(found.group(1), place.database)
    state = place.finish("s")
    assert state["trials"]["complete"] == 1


def test_a_damaged_database_ends_the_study_with_a_sentence_and_its_trial_saved(place: Place) -> None:
    process = running_study(place)
    whole = place.database.read_bytes()
    with place.database.open("r+b") as file:  # the same file, other bytes
        file.seek(0)
        file.write(b"\0" * len(whole))
    log = place.database.with_name(place.database.name + "-wal")
    if log.exists():  # "-shm" is left alone: it is mapped, and truncating it would be a bus error in SQLite itself
        os.truncate(log, 0)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert "the database has failed" in one_sentence(errors)
    assert list((place.home / "checkpoints").rglob("*.pt"))


@pytest.mark.long
def test_a_full_disk_ends_the_study_with_a_sentence_and_a_sound_database(place: Place) -> None:
    done = place.start("s", trials=2, seconds=1)
    done.communicate(timeout=60)
    size = place.database.stat().st_size

    def let_no_file_grow() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30_000, size + 30_000))

    full = subprocess.run(
        [*BARDTUNE, "start", "t", "--corpus", "text.txt", "--space", "space.toml", "--threads", "1", "--seconds", "1"],
        capture_output=True,
        text=True,
        cwd=place.folder,
        env={**os.environ, "BARDTUNE_HOME": str(place.home)},
        preexec_fn=let_no_file_grow,
        timeout=120,
    )
    assert full.returncode in (1, 2), full.stderr
    one_sentence(full.stderr)
    with sqlite3.connect(place.database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    state = place.shown("s")
    assert state["trials"]["complete"] == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk_at(folder):
        yield folder


@pytest.mark.long
def test_a_disk_that_is_filled_and_a_folder_that_is_locked_cost_no_trial(small_disk: Path) -> None:
    place = Place.at(small_disk)
    process = running_study(place)
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 1024)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (1, 2), errors
    one_sentence(errors)
    (small_disk / "filler").unlink()

    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused = place.run("resume", "s")
    assert refused.returncode in (1, 2)
    one_sentence(refused.stderr)
    looked = place.run("doctor")
    assert (looked.returncode, "Read-only file system" in looked.stdout) == (1, True), looked
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)

    state = place.finish("s")
    assert state["trials"]["complete"] == state["trials"]["total"] == 1
    place.check_sound()


@pytest.mark.long
def test_a_study_goes_on_when_what_it_says_can_no_longer_be_written(place: Place) -> None:
    with open("/dev/full", "w") as full:  # as a log on a full disk
        place.start("s", errors_to=full, trials=2, seconds=0.3).communicate(timeout=240)
    state = place.shown("s")
    assert (state["state"], state["trials"]["complete"]) == ("finished", 2)


@pytest.mark.long
def test_no_file_is_writable_for_everybody_even_if_the_user_would_allow_it(place: Place) -> None:
    before = os.umask(0)
    try:
        process = place.start("s", trials=1, seconds=1)
        process.communicate(timeout=60)
    finally:
        os.umask(before)
    files = list(place.home.rglob("*"))
    assert files
    assert [path for path in files if path.stat().st_mode & 0o022] == []
