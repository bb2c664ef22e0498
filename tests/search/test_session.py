"""Starting and resuming from Python."""

import time
from pathlib import Path

import pytest

from bardtune.search.engine.session import start_study
from bardtune.studies.errors import PlanError
from bardtune.studies.plan import StudyPlan
from support.fakes import SilentView


@pytest.mark.parametrize("what", ["sampler", "pruner", "launcher"])
def test_a_plan_that_names_what_there_is_not_is_refused_before_anything_is_stored(what: str, home: Path) -> None:
    url = f"sqlite:///{home / 'studies.db'}"
    with pytest.raises(PlanError, match=f"--{what} 'neww' is unknown"):
        start_study(url, "s", StudyPlan(threads=1, **{what: "neww"}), SilentView(), began=time.monotonic())
    assert not home.exists()
