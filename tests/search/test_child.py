"""A child process: its limit holds and its output is read, however long ``should_continue`` takes to answer."""

import sys
import threading
from pathlib import Path

import pytest

from bardtune.search.launch.child import ChildOrder, run_child
from bardtune.studies.store.lock import OwnershipLostError
from support.at_hand import is_running, wait_until


def order_of(program: str, *, limit_s: float, folder: Path) -> ChildOrder:
    return ChildOrder(command=[sys.executable, "-c", program], environment={}, limit_s=limit_s, folder=folder)


SLEEPER = "import os, time; open('pid.part', 'w').write(str(os.getpid())); os.rename('pid.part', 'pid'); time.sleep(60)"


def pid_of_sleeper(folder: Path) -> int:
    wait_until((folder / "pid").exists)
    return int((folder / "pid").read_text())


def test_the_limit_holds_while_an_answer_is_waited_for(tmp_path: Path) -> None:
    def answers_when_it_is_gone() -> bool:
        pid = pid_of_sleeper(tmp_path)
        wait_until(lambda: not is_running(pid))
        return True

    order = order_of(SLEEPER, limit_s=1.0, folder=tmp_path)
    end = run_child(order, should_continue=answers_when_it_is_gone, on_output=lambda _: None)
    assert end.stopped == "limit"
    assert end.wall_s < 30.0


def test_output_is_read_while_an_answer_is_waited_for(tmp_path: Path) -> None:
    output, size = bytearray(), 300_000  # more than a pipe holds
    has_all = threading.Event()

    def take(part: bytes) -> None:
        output.extend(part)
        if len(output) == size:
            has_all.set()

    order = order_of(f"import sys; sys.stdout.write('x' * {size})", limit_s=20.0, folder=tmp_path)
    end = run_child(order, should_continue=lambda: has_all.wait(40.0), on_output=take)
    assert (end.stopped, end.exit_code, len(output)) == (None, 0, size)


def test_a_child_that_is_not_to_continue_is_ended(tmp_path: Path) -> None:
    answers = iter([True, True, False])
    end = run_child(
        order_of("import time; time.sleep(60)", limit_s=60.0, folder=tmp_path),
        should_continue=lambda: next(answers),
        on_output=lambda _: None,
    )
    assert (end.stopped, end.exit_code) == ("user", -15)


def test_a_complaint_of_the_one_asked_ends_the_child_and_is_raised(tmp_path: Path) -> None:
    def complain() -> bool:
        pid_of_sleeper(tmp_path)
        raise OwnershipLostError("another has it")

    with pytest.raises(OwnershipLostError, match="another has it"):
        run_child(order_of(SLEEPER, limit_s=60.0, folder=tmp_path), should_continue=complain, on_output=lambda _: None)
    assert not is_running(pid_of_sleeper(tmp_path))
