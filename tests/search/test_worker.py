"""The process that trains, from within."""

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from bardtune.model.training import trainer
from bardtune.search.launch.protocol import Ended, RunEvent
from bardtune.search.launch.worker import Worker
from support.fakes import text_of
from support.workers_at_hand import order


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("ending", ["finished", "crashed"])
def test_nothing_of_a_run_outlives_it(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of gigabytes in one process, one after the other."""
    made: list[weakref.ref[Any]] = []

    class Seen(trainer.TrainingRun):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            made.extend((weakref.ref(self), weakref.ref(self.model)))
            if ending == "crashed":
                raise RuntimeError("on purpose")

    monkeypatch.setattr(trainer, "TrainingRun", Seen)
    heard: list[RunEvent] = []
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    gc.disable()  # so that it is no luck
    try:
        Worker(heard.append, threads=1).follow(order(tmp_path / "text.txt", "one", 0.2))
        assert [reference() for reference in made] == [None, None]
    finally:
        gc.enable()
    ended = heard[-1]
    assert isinstance(ended, Ended)
    assert ended.ending == ending
