"""A child process: its limit holds and its output is read, however long ``should_continue`` takes to answer."""

import sys
import time
from pathlib import Path

import pytest

from bardtune.search.launch.child import ChildOrder, run_child
from bardtune.studies.store.lock import OwnershipLostError


def order_of(program: str, *, limit_s: float, folder: Path) -> ChildOrder:
    return ChildOrder(command=[sys.executable, "-c", program], environment={}, limit_s=limit_s, folder=folder)


def slowly_yes() -> bool:
    time.sleep(6.0)
    return True


def test_the_limit_holds_while_an_answer_is_waited_for(tmp_path: Path) -> None:
    order = order_of("import time; time.sleep(4); open('late', 'w')", limit_s=0.5, folder=tmp_path)
    end = run_child(order, should_continue=slowly_yes, on_output=lambda _: None)
    assert end.stopped == "limit"
    assert end.wall_s < 4.0
    assert not (tmp_path / "late").exists()


def test_output_is_read_while_an_answer_is_waited_for(tmp_path: Path) -> None:
    output: list[bytes] = []
    order = order_of("import sys; sys.stdout.write('x' * 300_000)", limit_s=5.0, folder=tmp_path)
    end = run_child(order, should_continue=slowly_yes, on_output=output.append)  # more than a pipe holds
    assert (end.stopped, end.exit_code, len(b"".join(output))) == (None, 0, 300_000)
    assert end.wall_s < 5.0


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
        raise OwnershipLostError("another has it")

    order = order_of("import time; time.sleep(3); open('late', 'w')", limit_s=60.0, folder=tmp_path)
    with pytest.raises(OwnershipLostError, match="another has it"):
        run_child(order, should_continue=complain, on_output=lambda _: None)
    time.sleep(3.5)
    assert not (tmp_path / "late").exists()
