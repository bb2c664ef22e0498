"""Ctrl-C and its like: asked once, a study saves and stops; asked twice, it stops at once."""

import os
import signal
from collections.abc import Iterator

import pytest

from bardtune.search.engine.signals import STOP_SIGNALS, stop_signals
from bardtune.studies.store.retry import shutting_down


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    assert {number: signal.getsignal(number) for number in STOP_SIGNALS} == before
    shutting_down.clear()


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_first_signal_asks_and_the_second_does_not_wait(number: signal.Signals) -> None:
    with stop_signals() as stopped:
        assert not stopped.is_set()
        assert not shutting_down.is_set()
        os.kill(os.getpid(), number)
        assert stopped.is_set()
        assert shutting_down.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_a_hang_up_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals() as stopped:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stopped.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
