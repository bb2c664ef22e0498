"""The training service: every ending of a user's script has a name, and a study is not harmed by any of them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bardtune.data.corpus import Corpus
from bardtune.search.engine.next_run import Scheduler
from bardtune.search.launch.child import SHOWN_BYTES
from bardtune.search.scripts.script_process import ScriptOrder, run_folder, run_script
from bardtune.search.scripts.service import script_facts
from bardtune.studies import keys
from bardtune.studies.contract import prepare_source
from bardtune.studies.contract.outcome import Outcome, ScriptEnd, judge
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.writer import StudyWriter

from support.fakes import ScriptedLauncher, falling_to
from support.paths import ROOT
from support.studies_at_hand import make_study, run_study, storage_at

STRANGER = ROOT / "tests" / "scripts" / "stranger.txt"
LINE = '{"val_bpb": 2.5, "total_steps": 10, "num_params_M": 0.1}'


def end_of(source: str, *, limit_s: float = 20.0, stop_when: Any = lambda: False, heard: Any = None) -> ScriptEnd:
    """Run a script with a prepare that only says that it is there: these scripts do not wait for torch."""
    order = ScriptOrder(
        file_name="train.py",
        source=source,
        prepare="TIME_BUDGET = 1\n",
        corpus=None,
        threads=1,
        seed=7,
        limit_s=limit_s,
    )
    on_output = heard.append if heard is not None else lambda _: None
    with run_folder() as folder:
        return run_script(order, folder, should_continue=lambda: not stop_when(), on_output=on_output)


def outcome_of(source: str, **named: Any) -> Outcome:
    return judge(end_of(source, **named), budget_s=1.0)


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
    outcome = outcome_of(source)
    assert outcome.ending == ending
    assert reason in (outcome.reason or "")
    assert outcome.val_bpb is None


def test_an_endless_loop_is_ended_at_the_outer_limit_also_one_that_does_not_want_to() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    outcome = outcome_of(deaf, limit_s=1.0)
    assert outcome.ending == "crashed"
    assert "past its outer limit of 1 s" in (outcome.reason or "")


def test_megabytes_of_output_do_not_matter_and_are_shown_in_part() -> None:
    heard: list[bytes] = []
    source = f"import sys\nfor _ in range(300): sys.stdout.write('x' * 20_000)\nprint()\nprint('{LINE}')"
    outcome = outcome_of(source, heard=heard)
    assert (outcome.ending, outcome.val_bpb, outcome.stats["steps"]) == ("finished", 2.5, 10)
    assert SHOWN_BYTES <= len(b"".join(heard)) < SHOWN_BYTES + 100


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
    assert outcome_of(source).val_bpb == 2.5
    child = Path(f"/proc/{pid_file.read_text()}/stat")
    while is_alive(child):
        assert time.monotonic() - began < 30
        time.sleep(0.02)


def test_a_script_finds_its_conditions_in_the_environment_and_a_folder_of_its_own() -> None:
    source = (
        "import json, os\n"
        "facts = [os.environ[name] for name in ('OMP_NUM_THREADS', 'TORCH_SEED')] + sorted(os.listdir())\n"
        "print(facts)\n"
    )
    assert end_of(source).stdout.strip() == "['1', '7', 'prepare.py', 'train.py']"


def test_stopping_is_no_failure_of_the_script() -> None:
    outcome = outcome_of("while True: pass", stop_when=lambda: True)
    assert (outcome.ending, outcome.reason) == ("interrupted", "stopped by the user")


def ended(*notes: tuple[str, float, dict[str, Any]], said: float = 2.5, wall_s: float = 10.0) -> ScriptEnd:
    """A script that began at second 0 and about which prepare noted this."""
    facts = tuple({"event": event, "at": at, "pid": 1, **more} for event, at, more in notes)
    out = json.dumps({"val_bpb": said})
    return ScriptEnd(exit_code=0, stdout=out, stderr="", wall_s=wall_s, started=0.0, pid=1, notes=facts)


def evaluated(since: float, to: float, bpb: float, **more: Any) -> list[tuple[str, float, dict[str, Any]]]:
    return [("evaluation began", since, more), ("evaluated", to, {"val_bpb": bpb, **more})]


@pytest.mark.parametrize(
    ("notes", "trust"),
    [
        ([], "self-reported"),
        (evaluated(5.0, 6.0, 2.5000004), "measured"),
        (evaluated(5.0, 6.0, 2.51), "self-reported"),
        (evaluated(3.0, 4.0, 2.5) + evaluated(5.0, 6.0, 3.0), "self-reported"),  # the last call counts
        (evaluated(5.0, 6.0, 2.5, pid=2), "self-reported"),  # another process
        ([("evaluated", 6.0, {"val_bpb": "2.5"})], "self-reported"),
    ],
)
def test_a_number_is_trusted_as_far_as_prepare_has_measured_it(notes: list[Any], trust: str) -> None:
    assert judge(ended(*notes), budget_s=5.0).trust == trust


def test_training_lasts_from_the_first_batch_to_the_last_evaluation_without_those_between() -> None:
    notes = [("imported", 1.0, {}), ("first batch", 2.0, {}), *evaluated(4.0, 5.0, 3.0), *evaluated(8.0, 9.5, 2.5)]
    stats = judge(ended(*notes), budget_s=5.0).stats
    assert stats["seconds"] == {"setup": 2.0, "train": 5.0, "evaluate": 2.5}
    assert not stats["over_budget"]
    assert judge(ended(*notes), budget_s=3.0).stats["over_budget"]


def test_the_diff_says_what_changed_since_the_run_before() -> None:
    first = script_facts(Path("/a/train.py"), "lr = 1\n", None)
    second = script_facts(Path("/a/train.py"), "lr = 2\n", first)
    assert first["diff"] is None
    assert second["diff"].splitlines()[-2:] == ["-lr = 1", "+lr = 2"]


def test_a_script_takes_a_run_of_the_search_and_never_one_that_is_kept(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=12, confirm="2x1")  # keeps 3, and the first baseline
    for ask in range(8):
        with StudyWriter(storage, "s") as writer:
            assert Scheduler(writer).refusal_of_script(remaining_s=999.0, run_s=1.0) is None
            writer.tell_finished(writer.ask_script(), 2.0 + ask, {})
    with StudyWriter(storage, "s") as writer:
        refusal = Scheduler(writer).refusal_of_script(remaining_s=999.0, run_s=1.0)
        assert refusal == "4 of its 12 runs left, kept for its own baseline and confirmation"
    record = run_study(storage, tmp_path, ScriptedLauncher(lambda order: falling_to(2.3)))
    roles = [run.role for run in record.runs if run.role != "service"]
    assert roles == ["baseline", "search", "search", "search"]  # without a leader, what was kept goes to the search


def test_a_script_does_not_begin_that_the_hours_would_cut(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=12)  # the baseline is still to come
    with StudyWriter(storage, "s") as writer:
        refusal = Scheduler(writer).refusal_of_script(remaining_s=10.0, run_s=6.0)
        assert refusal == "10 s left, too few for a run of 6 s and the 1 kept for baseline and confirmation"
        assert Scheduler(writer).refusal_of_script(remaining_s=12.0, run_s=6.0) is None


def test_a_script_never_takes_the_place_of_an_interrupted_run(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=12)
    with StudyWriter(storage, "s") as writer:
        baseline = writer.ask_other("baseline")
        writer.begin(baseline, {"d_model": 16})
        writer.requeue(baseline, {})
        writer.tell_finished(writer.ask_script(), 2.0, {})
        waiting = writer.interrupted()
    assert waiting is not None
    assert waiting.user_attrs[keys.ROLE] == "baseline"


def test_a_script_whose_bardtune_was_killed_has_failed_and_is_not_continued(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=12)
    with StudyWriter(storage, "s") as writer:
        writer.ask_script()
    with StudyWriter(storage, "s") as writer:
        assert writer.interrupted() is None
    (run,) = read_study(storage, "s").runs
    assert (run.role, run.state, run.reason) == ("service", "failed", "bardtune itself was killed while the script ran")


def test_scripts_feed_neither_the_search_nor_the_verdict(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    make_study(storage, trials=8)
    with StudyWriter(storage, "s") as writer:
        writer.tell_finished(writer.ask_script(), 1.0, {})
    record = run_study(storage, tmp_path, ScriptedLauncher(lambda order: falling_to(2.0 + len(order.run_id) / 100)))
    assert record.best is not None
    assert record.best.val_bpb is not None
    assert record.best.val_bpb > 2.0
    assert (record.counts()["total"], len(record.search_runs)) == (8, 6)


def test_a_strangers_script_runs_beside_a_prepare_that_was_exported(tiny_corpus: Corpus, tmp_path: Path) -> None:
    facts = {"name": "tiny", "bytes": tiny_corpus.num_bytes, "sha256": tiny_corpus.sha256}
    (tmp_path / "prepare.py").write_text(prepare_source(corpus=facts, budget_s=0.3))
    (tmp_path / "corpus.bin").write_bytes(tiny_corpus.content.tobytes())
    (tmp_path / "train.py").write_text(STRANGER.read_text())
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "train.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert 4 < json.loads(done.stdout.splitlines()[-1])["val_bpb"] < 9
