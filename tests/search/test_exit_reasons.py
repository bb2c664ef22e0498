"""What a run has died of, told from what the system says."""

import errno
import signal
from pathlib import Path

import numpy as np
import pytest

from bardtune.data.errors import UserError
from bardtune.search.launch.exit_reasons import is_out_of_memory, oom_kills, reason_of, reason_of_exit

TORCH = (
    "[enforce fail at alloc_cpu.cpp:128] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "1125899906842624 bytes. Error code 12 (Cannot allocate memory)"
)


def numpy_refuses() -> BaseException:
    with pytest.raises(MemoryError) as refused:
        np.empty(2**50, dtype=np.uint8)
    return refused.value


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (RuntimeError(TORCH), "out of memory: 1,125,899,906,842,624 bytes were not to be had; use fewer --workers"),
        (RuntimeError("std::bad_alloc"), "out of memory: std::bad_alloc; use"),
        (MemoryError(), "out of memory: MemoryError; use"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory: [Errno 12] Cannot allocate memory; use"),
        (numpy_refuses(), "out of memory: Unable to allocate 1.00 PiB"),
    ],
)
def test_an_allocation_that_fails_has_its_name_and_a_way_out(problem: BaseException, said: str) -> None:
    assert is_out_of_memory(problem)
    assert reason_of(problem).startswith(said)


def test_torch_says_what_is_expected_of_it() -> None:
    import torch

    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**50, dtype=torch.uint8)
    assert reason_of(refused.value).startswith("out of memory: 1,125,899,906,842,624 bytes were")


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (RuntimeError("mat1 and mat2 shapes\ncannot be multiplied"), "RuntimeError: mat1 and mat2 shapes cannot be"),
        (OSError(errno.ENOSPC, "No space left on device"), "OSError: [Errno 28] No space"),
        (UserError("the corpus has changed; put it back."), "the corpus has changed; put it back."),
        (ValueError(), "ValueError: "),
    ],
)
def test_other_problems_are_not_taken_for_it(problem: BaseException, said: str) -> None:
    assert not is_out_of_memory(problem)
    assert reason_of(problem).startswith(said)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (3, 4, "out of memory: the system killed its process (SIGKILL); use fewer --workers"),
        (3, 3, "its process was killed (SIGKILL) by a user or a service"),
        (None, None, "its process was killed (SIGKILL), probably for want of memory: use fewer --workers"),
    ],
)
def test_a_kill_is_the_kernels_if_the_kernel_says_so(before: int | None, now: int | None, said: str) -> None:
    reason = reason_of_exit(-signal.SIGKILL, kills_before=before, kills_now=now, log="s-worker0.log")
    assert reason.startswith(said)


@pytest.mark.parametrize(
    ("code", "said"),
    [(-11, "died of SIGSEGV"), (-40, "died of signal 40"), (3, "exited with code 3; see s-worker0.log")],
)
def test_other_exits_are_told_by_signal_or_code(code: int, said: str) -> None:
    assert said in reason_of_exit(code, kills_before=0, kills_now=1, log="s-worker0.log")


def test_the_kernels_count_is_read_or_unknown(tmp_path: Path) -> None:
    file = tmp_path / "vmstat"
    assert oom_kills(file) is None
    file.write_text("nr_free_pages 5\noom_kill_x 9\noom_kill 7\n")
    assert oom_kills(file) == 7
    file.write_text("nr_free_pages 5\n")
    assert oom_kills(file) is None
