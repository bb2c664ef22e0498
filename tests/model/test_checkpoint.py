"""A run that was stopped goes on, and what is no checkpoint of it is left alone."""

import hashlib
import io
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bardtune.model.training.checkpoint import STATE_VERSION, CheckpointFile
from bardtune.model.training.trainer import StepAction, TrainingRun
from support.small_models import assert_equal_states

pytestmark = pytest.mark.usefixtures("one_thread")
BeginRun = Callable[..., TrainingRun]  # see conftest.py: 20 seconds, a second for each step
MODERN = {
    "optimizer": "muon", "count_max_order": 4, "window_max_order": 3, "schedule": "cosine", "warmup": 0.2,
}  # fmt: skip


def save_at(number: int) -> Callable[[int, float], StepAction]:
    return lambda step, spent_s: StepAction.SAVE_AND_STOP if step == number else StepAction.GO_ON


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    return CheckpointFile(tmp_path / "folder" / "run.pt", "this run")


def stopped_run(begin_run: BeginRun, file: CheckpointFile, step: int = 7) -> TrainingRun:
    run = begin_run(checkpoint=file, on_step=save_at(step), **MODERN)
    list(run.events())
    return run


def test_a_run_goes_on_with_the_state_it_was_stopped_in(begin_run: BeginRun, file: CheckpointFile) -> None:
    stopped = stopped_run(begin_run, file)
    going_on = begin_run(checkpoint=file, **MODERN)
    assert_equal_states(going_on.model.state_dict(), stopped.model.state_dict())
    assert_equal_states(going_on.optimizers.state_dict(), stopped.optimizers.state_dict())
    assert (going_on.steps, going_on.percent, going_on.clock.spent_s) == (7, 30, 7.0)
    assert going_on.clock.cpu_train_s == stopped.clock.cpu_train_s > 0.0


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(begin_run: BeginRun, file: CheckpointFile) -> None:
    unbroken = begin_run(**MODERN)
    all_reports = [(p.percent, p.step, p.val_bpb) for p in unbroken.events()]
    stopped_run(begin_run, file)
    going_on = begin_run(checkpoint=file, **MODERN)
    assert [(p.percent, p.step, p.val_bpb) for p in going_on.events()] == all_reports[3:]
    assert_equal_states(going_on.model.state_dict(), unbroken.model.state_dict())


def test_a_run_stopped_at_its_end_is_only_measured(begin_run: BeginRun, file: CheckpointFile) -> None:
    stopped = begin_run(checkpoint=file, step_s=6.0, on_step=save_at(3))
    list(stopped.events())
    assert stopped.clock.spent_s == 18.0
    (last,) = begin_run(checkpoint=file, step_s=6.0).events()
    assert (last.step, last.elapsed_s, last.final) == (3, 18.0, True)


def test_setting_up_again_is_added_to_the_setup_of_the_run(begin_run: BeginRun, file: CheckpointFile) -> None:
    before = stopped_run(begin_run, file).clock.seconds["setup"]
    assert begin_run(checkpoint=file, **MODERN).clock.seconds["setup"] > before


class Shelf:
    """A checkpoint file that notes when it was written, and takes its time over it."""

    def __init__(self, take_time: Callable[[], None]) -> None:
        self.saved_at: list[int] = []
        self.take_time = take_time

    def save(self, state: dict[str, Any]) -> None:
        self.saved_at.append(state["steps"])
        self.take_time()


@pytest.mark.parametrize(("saving_s", "saved_at"), [(0.0, list(range(8, 81, 8))), (0.455, [8, 48]), (9.0, [8])])
def test_a_run_is_saved_before_each_measurement_unless_that_takes_too_long(
    saving_s: float, saved_at: list[int], begin_run: BeginRun
) -> None:
    run = begin_run(budget_s=80.0)
    shelf = Shelf(take_time=lambda: run.clock.now.let_pass(saving_s))
    run.checkpoint = shelf
    list(run.events())
    assert shelf.saved_at == saved_at


def test_a_run_that_was_killed_while_it_was_measured_is_measured_again(
    begin_run: BeginRun, file: CheckpointFile
) -> None:
    unbroken = [(p.percent, p.step, p.val_bpb) for p in begin_run(**MODERN).events()]
    killed = begin_run(checkpoint=file, **MODERN)
    events = killed.events()
    for _ in range(6):
        next(events)
    killed.model.register_forward_pre_hook(lambda model, _: _die() if not model.training else None)
    with pytest.raises(SystemExit):
        next(events)
    going_on = begin_run(checkpoint=file, **MODERN)
    assert (going_on.percent, going_on.steps) == (60, 14)
    assert [(p.percent, p.step, p.val_bpb) for p in going_on.events()] == unbroken[6:]


def _die() -> None:
    raise SystemExit


def test_a_missing_checkpoint_is_no_news(file: CheckpointFile, caplog: pytest.LogCaptureFixture) -> None:
    assert file.load() is None
    assert caplog.records == []


def test_a_checkpoint_of_another_run_is_left_alone_with_a_warning(
    begin_run: BeginRun, file: CheckpointFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.save({"steps": 7})
    other = begin_run(checkpoint=CheckpointFile(file.path, "another run"), **MODERN)
    assert (other.steps, other.clock.spent_s) == (0, 0.0)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "belongs to another run and is not used" in caplog.text


def test_a_checkpoint_of_an_older_version_is_left_alone_with_a_warning(
    file: CheckpointFile, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr("bardtune.model.training.checkpoint.STATE_VERSION", STATE_VERSION - 1)
        file.save({"steps": 7})
    assert file.load() is None
    assert "is of another version and is not used" in caplog.text


def test_the_newest_good_checkpoint_is_used_and_a_torn_one_is_said(
    begin_run: BeginRun, file: CheckpointFile, caplog: pytest.LogCaptureFixture
) -> None:
    stopped_run(begin_run, file)  # saved at 30 % before that
    whole = file.path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        file.path.write_bytes(whole[:length])
        caplog.clear()
        assert begin_run(checkpoint=file, **MODERN).steps == 6
        assert f"{file.path} is damaged" in caplog.text


def test_one_wrong_bit_is_noticed(file: CheckpointFile, caplog: pytest.LogCaptureFixture) -> None:
    file.save({"weights": torch.zeros(1000)})
    content = bytearray(file.path.read_bytes())
    for place in range(0, len(content), 97):
        content[place] ^= 4
        file.path.write_bytes(content)
        assert file.load() is None, place
        content[place] ^= 4
    assert "its checksum is wrong" in caplog.text


@pytest.mark.parametrize("content", [b"(", b"0", b"hello\n", b"\x80\x02h", b"\x80\x02U\x01\xff.", b"PK"])
def test_a_file_that_is_no_checkpoint_is_left_alone_with_a_warning(
    content: bytes, file: CheckpointFile, caplog: pytest.LogCaptureFixture
) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    assert file.load() is None
    assert "is not used" in caplog.text


def write_checkpoint(file: CheckpointFile, saved: object) -> None:
    """What is no state of ours, with a good checksum."""
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    file.path.parent.mkdir()
    file.path.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())


def test_a_checkpoint_that_holds_something_else_is_left_alone(
    file: CheckpointFile, caplog: pytest.LogCaptureFixture
) -> None:
    write_checkpoint(file, [1, 2])
    assert file.load() is None
    assert "is not used" in caplog.text


class SlyState:
    """A pickle that acts when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def test_reading_a_checkpoint_runs_no_code_in_it(file: CheckpointFile, tmp_path: Path) -> None:
    write_checkpoint(file, {"fingerprint": file.fingerprint, "state": SlyState(tmp_path / "trace")})
    assert file.load() is None
    assert not (tmp_path / "trace").exists()


def test_a_checkpoint_is_written_whole_or_not_at_all(file: CheckpointFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.save({"steps": 1})

    def die_half_way(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bardtune.data.files.os.fsync", die_half_way)
        with pytest.raises(KeyboardInterrupt):
            file.save({"steps": 2})
    assert file.load() == {"steps": 1}


def test_a_draft_that_a_dead_process_left_is_no_hindrance(file: CheckpointFile) -> None:
    file.save({"steps": 1})
    for pid in (os.getpid(), 1):
        file.path.with_name(f"{file.path.name}.{pid}.draft").write_bytes(b"half a check")
    assert file.load() == {"steps": 1}
    file.save({"steps": 2})
    assert file.load() == {"steps": 2}


def test_a_deleted_checkpoint_may_be_deleted_again(file: CheckpointFile) -> None:
    file.save({"steps": 1})
    file.delete()
    file.delete()
    assert file.load() is None
