"""A user's script in a process of its own: every ending has a name."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bardtune.search.launch.child import SHOWN_BYTES
from bardtune.search.scripts.script_process import ScriptOrder, run_folder, run_script
from bardtune.studies.contract.run_end import RunEnd, ScriptEnd, run_end_of
from support.at_hand import children, wait_until

LINE = '{"val_bpb": 2.5, "total_steps": 10, "num_params_M": 0.1}'


def end_of(
    source: str,
    *,
    limit_s: float = 20.0,
    stop_when: Any = lambda: False,
    output: Any = None,
    beside: dict[str, bytes] | None = None,
) -> ScriptEnd:
    """Run a script with a prepare that only says that it is there: these scripts do not wait for torch."""
    order = ScriptOrder(
        file_name="train.py",
        files={"train.py": source.encode(), **(beside or {})},
        prepare="TIME_BUDGET = 1\n",
        corpus=None,
        threads=1,
        seed=7,
        limit_s=limit_s,
    )
    on_output = output.append if output is not None else lambda _: None
    with run_folder() as folder:
        return run_script(order, folder, should_continue=lambda: not stop_when(), on_output=on_output)


def run_end_after(source: str, **named: Any) -> RunEnd:
    return run_end_of(end_of(source, **named), budget_s=1.0)


@pytest.mark.parametrize(
    ("source", "ending", "reason"),
    [
        ("import nowhere_to_be_found", "crashed", "import error: No module named 'nowhere_to_be_found'"),
        ("from prepare import nothing", "crashed", "import error: cannot import name 'nothing' from 'prepare'"),
        ("def f(:", "crashed", "it exited with code 1: SyntaxError: invalid syntax"),
        ("1 / 0", "crashed", "it exited with code 1: ZeroDivisionError: division by zero"),
        ("import sys; sys.exit('no good')", "crashed", "it exited with code 1: no good"),
        ("pass", "crashed", "there is none"),
        ("print('2.5')", "crashed", "it is '2.5'"),
        ("print('{}')", "crashed", "it is '{}'"),
        ("print('[' * 50_000)", "crashed", "is not JSON"),
        (f"print('{LINE}'); print('bye')", "crashed", "it is 'bye'"),
        ("""print('{"val_bpb": NaN}')""", "diverged", "its val_bpb is nan"),
        ("""print('{"val_bpb": -Infinity}')""", "diverged", "its val_bpb is -inf"),
        ("""print('{"val_bpb": 1' + 400 * '0' + '}')""", "diverged", "its val_bpb is inf"),
        ("""print('{"val_bpb": -2.5}')""", "crashed", "its val_bpb -2.5 is below 0.1"),
        ("""print('{"val_bpb": 0.05}')""", "crashed", "its val_bpb 0.05 is below 0.1"),
        ("""print('{"val_bpb": 16.5}')""", "crashed", "its val_bpb 16.5 is above 16"),
        ("""print('{"val_bpb": true}')""", "crashed", "is not JSON with a number"),
        ("import os; os.kill(os.getpid(), 11)", "crashed", "its process was killed (SIGSEGV)"),
        ("import os; os.kill(os.getpid(), 9)", "crashed", "its process was killed (SIGKILL; out of memory?)"),
        ("import os; os.close(1); os.close(2); os._exit(0)", "crashed", "there is none"),
        ("input()", "crashed", "it exited with code 1: EOFError: EOF when reading a line"),
    ],
)
def test_every_ending_has_a_name(source: str, ending: str, reason: str) -> None:
    run_end = run_end_after(source)
    assert run_end.ending == ending
    assert reason in (run_end.reason or "")
    assert run_end.val_bpb is None


def test_an_endless_loop_is_ended_at_the_outer_limit_also_one_that_does_not_want_to() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    run_end = run_end_after(deaf, limit_s=1.0)
    assert run_end.ending == "crashed"
    assert "past its outer limit of 1 s" in (run_end.reason or "")


def test_megabytes_of_output_do_not_matter_and_are_shown_in_part() -> None:
    output: list[bytes] = []
    source = f"import sys\nfor _ in range(300): sys.stdout.write('x' * 20_000)\nprint()\nprint('{LINE}')"
    run_end = run_end_after(source, output=output)
    assert (run_end.ending, run_end.val_bpb, run_end.stats["steps"]) == ("finished", 2.5, 10)
    assert SHOWN_BYTES <= len(b"".join(output)) < SHOWN_BYTES + 100


def is_alive(stat: Path) -> bool:
    """Whether a process is there and not a zombie, by its file in /proc."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_children_that_stay_are_ended_with_their_script(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        f"print('{LINE}')\n"
    )
    began = time.monotonic()
    assert run_end_after(source).val_bpb == 2.5
    child = Path(f"/proc/{pid_file.read_text()}/stat")
    while is_alive(child):
        assert time.monotonic() - began < 30
        time.sleep(0.02)


IN_A_SESSION = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open({pid_file!r} + ".part", "w").write(str(child.pid))
os.rename({pid_file!r} + ".part", {pid_file!r})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_children_in_a_session_of_their_own_are_ended_with_their_script(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = IN_A_SESSION.format(pid_file=str(pid_file)) + f"print('{LINE}')\n"
    assert run_end_after(source).val_bpb == 2.5
    assert not is_alive(Path(f"/proc/{pid_file.read_text()}/stat"))


RUN_FOR_EVER = """
import sys
from bardtune.search.launch.child import ChildOrder, run_child
order = ChildOrder(command=[sys.executable, "-c", sys.argv[1]], environment={}, limit_s=600.0)
run_child(order, should_continue=lambda: True, on_output=print)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_children_in_a_session_of_their_own_are_ended_with_a_bardtune_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = IN_A_SESSION.format(pid_file=str(pid_file)) + "time.sleep(600)\n"
    process = subprocess.Popen([sys.executable, "-c", RUN_FOR_EVER, source])
    try:
        wait_until(pid_file.exists)
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not is_alive(Path(f"/proc/{pid_file.read_text()}/stat")))


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_a_script_that_ctrl_z_has_stopped_ends_with_a_bardtune_that_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    source = IN_A_SESSION.format(pid_file=str(pid_file)) + "time.sleep(600)\n"
    process = subprocess.Popen([sys.executable, "-c", RUN_FOR_EVER, source])
    try:
        wait_until(pid_file.exists)
        (reaper,) = children(process.pid)
        os.killpg(reaper, signal.SIGSTOP)
    finally:
        process.kill()
        process.wait()
    for pid in (reaper, int(pid_file.read_text())):
        wait_until(lambda pid=pid: not is_alive(Path(f"/proc/{pid}/stat")))


def test_a_script_that_ends_at_once_has_ended() -> None:
    for _ in range(5):
        assert "it exited with code 3" in (run_end_after("import os; os._exit(3)").reason or "")


def test_a_script_imports_what_lies_beside_it() -> None:
    source = "from model import LINE\nimport nets.deep\nprint(LINE)"
    beside = {"model.py": f"LINE = '{LINE}'".encode(), "nets/deep.py": b""}
    assert run_end_after(source, beside=beside).val_bpb == 2.5


@pytest.mark.parametrize(
    "line",
    [
        '{"val_bpb": 2.5, "notes": "' + 1_000_000 * "x" + '"}',
        '{"val_bpb": 2.5, "notes": "one\u2028two\x85three"}',
        '{"val_bpb": 2.5}\r',
    ],
    ids=["long", "separators", "carriage return"],
)
def test_a_last_line_is_whole_whatever_it_holds(line: str) -> None:
    source = "import sys, said\nsys.stdout.buffer.write(said.LINE)\n"
    assert run_end_after(source, beside={"said.py": f"LINE = {line.encode()!r}".encode()}).val_bpb == 2.5


def test_a_text_that_is_easy_makes_a_low_bpb_credible() -> None:
    end = end_of("""print('{"val_bpb": 0.05}')""")
    assert run_end_of(end, budget_s=1.0).ending == "crashed"
    assert run_end_of(end, budget_s=1.0, lowest_bpb=0.02).val_bpb == 0.05


def test_a_script_finds_its_conditions_in_the_environment_and_a_folder_of_its_own() -> None:
    source = (
        "import json, os\n"
        "facts = [os.environ[name] for name in ('OMP_NUM_THREADS', 'TORCH_SEED')] + sorted(os.listdir())\n"
        "print(facts)\n"
    )
    assert end_of(source).stdout.strip() == "['1', '7', 'prepare.py', 'train.py']"


def test_stopping_is_no_failure_of_the_script() -> None:
    run_end = run_end_after("while True: pass", stop_when=lambda: True)
    assert (run_end.ending, run_end.reason) == ("interrupted", "stopped by the user")
