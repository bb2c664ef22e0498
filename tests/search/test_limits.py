"""How long a run may take, from the search or of a script."""

from pathlib import Path

import pytest

from bardtune.search.engine import limits
from bardtune.search.launch.protocol import RunOrder
from bardtune.search.scripts.project import Project
from bardtune.search.scripts.service import make_order, make_ruler
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return storage_at(tmp_path)


def good(order: RunOrder) -> list[float]:
    """Narrower models are better, so that trials differ."""
    return falling_to(2.0 + order.settings["d_model"] / 1000)


def test_a_run_is_given_no_more_time_than_the_study_has_left(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=1, seconds=1.0, hours=20 / 3600)
    launcher = ScriptedLauncher(good)
    run_study(storage, tmp_path, launcher)
    assert launcher.orders[0].limit_s <= 20


def test_a_long_text_gets_the_time_that_its_evaluation_takes(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=1, seconds=1.0)
    launcher = ScriptedLauncher(good)
    run_study(storage, tmp_path, launcher)
    assert launcher.orders[0].limit_s > 30 + 5_318_858 * 0.05 / 5_000


def test_a_script_gets_the_time_that_a_run_of_the_search_gets(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=2, seconds=4.0)
    with StudyWriter(storage, "s") as writer:
        allowance_s = limits.ALLOWANCE_S + limits.evaluation_s(writer.corpus)
        assert make_order(writer, Project(Path("/a/train.py"), {"train.py": b"pass"}), 0).limit_s == pytest.approx(
            5.0 + allowance_s
        )
    launcher = ScriptedLauncher(good)
    run_study(storage, tmp_path, launcher)
    assert launcher.orders[0].limit_s == pytest.approx(5.0 + allowance_s)


def test_scoring_an_artifact_ends_with_the_study(storage: Storage) -> None:
    make_study(storage, trials=2, hours=0.1)
    with StudyWriter(storage, "s") as writer:
        ample_s = make_ruler(writer).limit_s
        writer.lock.used_before_s = 350.0
        assert make_ruler(writer).limit_s == pytest.approx(10.0, abs=2.0)
        writer.lock.used_before_s = 400.0
        assert make_ruler(writer).limit_s == 0.0
    assert 2 * limits.ALLOWANCE_S < ample_s <= 360.0
