"""Scoring a script's artifact in a process of its own: whatever that does is a score or a sentence."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bardtune.search.scripts.scoring import bare_environment, check_of, run_scorer
from bardtune.studies.contract.run_end import Check, ChildEnd


@pytest.mark.parametrize(
    ("end", "check"),
    [
        ({"stdout": 'noise\n{"val_bpb": 2.5}\n'}, Check(val_bpb=2.5)),
        ({"stdout": '{"illegal": "looks ahead"}'}, Check(illegal="looks ahead")),
        ({"stdout": '{"problem": "a\\n\\u001b[31mb"}'}, Check(problem="a  [31mb")),
        ({"stdout": "", "exit_code": 1}, Check(problem="the process that scored it exited with 1")),
        ({"stdout": '{"val_bpb": "2"}'}, Check(problem="the process that scored it exited with 0")),
        ({"stdout": '{"val_bpb": 2.5}', "exit_code": 1}, Check(problem="the process that scored it exited with 1")),
        ({"exit_code": -9}, Check(problem="the process that scored it was killed by signal 9")),
        ({"exit_code": -15, "stopped": "limit"}, Check(problem="scoring it took more than 30 s")),
        ({"exit_code": -15, "stopped": "user"}, Check(problem="stopped by the user")),
    ],
)
def test_whatever_the_scoring_process_does_is_a_score_or_a_sentence(end: dict[str, Any], check: Check) -> None:
    facts = {"exit_code": 0, "stdout": "", "stderr": "", "wall_s": 0.0, "started": 0.0, "pid": 1, "stopped": None}
    assert check_of(ChildEnd(**{**facts, **end}), 30.0) == check


def test_a_full_disk_is_no_score_and_a_sentence(tmp_path: Path) -> None:
    check = run_scorer({"threads": 1}, tmp_path / "no folder" / "order.json", 1.0, lambda: True)
    assert check.val_bpb is None
    assert "could not be started" in (check.problem or "")


CALLS = """
import socket, sys
from bardtune.search.scripts.scorer import leave_the_network
socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5).close()
print("before")
leave_the_network()
socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5).close()
print("after")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_a_model_is_scored_without_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = subprocess.run([sys.executable, "-c", CALLS, port], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("before")
    if "after" in done.stdout and os.getuid() != 0:
        pytest.skip("this kernel lets nobody but root have a network of its own")
    assert done.stdout == "before\n"


def test_a_model_is_scored_without_the_environment_of_its_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "out-damned-spot")
    environment = bare_environment(tmp_path)
    assert "out-damned-spot" not in environment.values()
    assert environment["HOME"] == environment["TMPDIR"] == str(tmp_path)
