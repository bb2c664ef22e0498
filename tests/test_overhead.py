"""Where the time of a study went."""

import pytest
from study_records import make_record, make_trial

from benchmarks.overhead import overhead_of


def test_what_no_run_accounts_for_is_coordination() -> None:
    seconds = {"train": 180.0, "evaluate": 10.0, "setup": 1.0, "checkpoint": 0.5}
    runs = [make_trial(number, stats={"seconds": seconds}) for number in range(4)]
    spent = overhead_of(make_record(*runs, seconds_used=4 * 191.5 + 2.0))
    assert (spent.train, spent.checkpoint) == (720.0, 2.0)
    assert spent.coordination == pytest.approx(2.0)
    assert spent.surviving / spent.train == pytest.approx(4 / 720)
