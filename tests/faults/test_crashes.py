"""Trials that crash one after the other: the study stops and says why, and goes on when the cause is gone."""

import pytest

from support.at_hand import Place

# Read by every Python process at its start; while the file is there, those that should train die at once.
FAULT = """
import os, signal, sys
if "bardtune.search.launch.worker" in sys.orig_argv and os.path.exists("{fault}"):
    os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.mark.long
def test_crashes_in_a_row_stop_a_study_which_goes_on_when_their_cause_is_gone(place: Place) -> None:
    fault = place.folder / "fault"
    fault.touch()
    place.at_every_start(FAULT.format(fault=fault))
    process = place.start("s", trials=4, seconds=0.2, max_crashes=2, confirm=0)
    out, errors = process.communicate(timeout=240)
    assert (process.returncode, "Traceback" in errors) == (1, False), errors
    assert out.startswith("study s: interrupted (trials kept crashing), 2 of 4 trials (0 complete, 0 pruned, 2 failed)")
    assert "last crash  its process died of SIGSEGV\n" in out
    assert "continue with: bardtune resume s\n" in out
    state = place.shown("s")
    assert (state["state"], state["stop_reason"]) == ("interrupted", "error")
    assert [run["reason"] for run in state["runs"]] == ["its process died of SIGSEGV"] * 2
    place.check_sound()

    fault.unlink()
    state = place.finish("s")
    assert (state["trials"]["complete"], state["trials"]["failed"], state["trials"]["total"]) == (2, 2, 4)
    assert state["stop_reason"] == "trials"
    place.check_sound()
