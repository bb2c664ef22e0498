"""A user's own model.py, data/, search.py and studies/ change nothing for a command, a worker, a script, an export."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from bardtune.data.corpus import load_corpus
from bardtune.search.cli.app import COMMANDS
from bardtune.search.engine.planning import fingerprint
from bardtune.search.sampling.space_file import load_space
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.creating import NewStudy
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.at_hand import Place

CLASHING = ["model.py", "search.py", "data/__init__.py", "studies/__init__.py"]
TINY = ["--corpus", "text.txt", "--threads", "1"]
SCRIPT = """
import json, prepare
print(json.dumps({"val_bpb": 2.5, "total_steps": 1, "num_params_M": 0.1}))
"""
# Every command is called in earnest, so that all its modules are loaded. In this order: the first three make what
# others read; PYTHONPATH is that of the child processes.
CALLS = {
    "resume": ["resume", "s"],
    "extend": ["extend", "s", "--trials", "3"],
    "export": ["export", "s", "--out", "exported", "--with-corpus"],
    "start": ["start", "new", *TINY, "--space", "space.toml", "--trials", "1", "--seconds", "0.1"],
    "watch": ["watch", "s"],
    "list": ["list"],
    "show": ["show", "s"],
    "plot": ["plot", "s", "--kind", "all", "--format", "html,svg"],
    "compare": ["compare", "s", "for-scripts", "--format", "html,svg"],
    "report": ["report", "s"],
    "trials": ["trials", "s", "--csv"],
    "note": ["note", "s", "to be kept"],
    "rename": ["rename", "nameless", "named"],
    "replay": ["replay", "exported", "--quick"],
    "sample": ["sample", "s", "--bytes", "5"],
    "space": ["space", "space.toml", "--draws", "1", *TINY],
    "train": ["train", "--preset", "reference", "--steps", "1", "--set", "d_model=16", *TINY],
    "run": ["run", "train.py", "--study", "for-scripts"],
    "doctor": ["doctor", "--json"],
    "delete": ["delete", "doomed", "--yes"],
}
SERVES = {"dashboard": ["dashboard", "--port", "0"]}  # until Ctrl-C
PASSING = {"doctor": (0, 1)}  # 1: this machine has a problem, such as little memory
# Scripts that say "from model import GPT", and how the run ends: what lies beside a script goes along, and comes first.
SCRIPTS = {
    "gpt.py": "crashed: it exited with code 1: RuntimeError: the project has its own model.py",
    "good/gpt.py": "2.500000 bpb",
}
# As ``python -m bardtune`` does, with the working folder on the path; one process for all, which imports torch once.
DRIVER = """
import json, os, sys
from bardtune.search.cli.app import main

for index, (python_path, args) in enumerate(json.loads(sys.argv[1])):
    os.environ["PYTHONPATH"] = python_path
    sys.stdout, sys.stderr = open(f"{index}.out", "w"), open(f"{index}.err", "w")
    code = main(args)
    sys.stdout.flush()
    sys.stderr.flush()
    print(code, file=sys.__stdout__, flush=True)
"""


def environment_of(folder: Path) -> dict[str, str]:
    """That of somebody in ``folder`` who has put it on Python's path."""
    environment = {**os.environ, "BARDTUNE_HOME": str(folder / "home"), "PYTHONPATH": "."}
    environment.pop("PYTHONSAFEPATH", None)
    return environment


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=240, cwd=folder, env=environment_of(folder))


def make_waiting(storage: Storage, name: str, folder: Path, *, trials: int) -> None:
    """A study that nobody has run yet."""
    corpus = load_corpus(str(folder / "text.txt"))
    plan = StudyPlan(trials=trials, seconds=0.1, corpus=str(folder / "text.txt"), confirm="0")
    facts = {"name": plan.corpus, "bytes": corpus.num_bytes, "sha256": corpus.sha256}
    space = load_space(str(folder / "space.toml")).source
    with StudyWriter(
        storage, name, new=NewStudy(plan=plan, space=space, corpus=facts, fingerprint=fingerprint(corpus))
    ):
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with the clashing names, and studies that wait to be run and deleted."""
    folder = Place.at(tmp_path).folder
    (folder / "home").mkdir()
    storage = Storage(f"sqlite:///{folder / 'home' / 'studies.db'}", create=True)
    for name, trials in {"s": 2, "for-scripts": 9, "doomed": 1, "nameless": 1}.items():
        make_waiting(storage, name, folder, trials=trials)
    for name in CLASHING:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"raise RuntimeError('the project has its own {name}')\n")
    (folder / "train.py").write_text(SCRIPT)
    (folder / "gpt.py").write_text("from model import GPT\n" + SCRIPT)
    (folder / "good").mkdir()
    (folder / "good" / "gpt.py").write_text("from model import GPT\n" + SCRIPT)
    (folder / "good" / "model.py").write_text("GPT = 'the user has written this'\n")
    return folder


def call_all(folder: Path, commands: Sequence[str]) -> dict[str, tuple[int, str, str]]:
    """Exit code, standard output and error of each call, and of each run of a script."""
    calls = {command: (".", CALLS[command]) for command in commands}
    calls |= {script: (".", ["run", script, "--study", "for-scripts"]) for script in SCRIPTS}
    done = run(folder, sys.executable, "-c", DRIVER, json.dumps(list(calls.values())))
    codes = [int(line) for line in done.stdout.split()]
    assert len(codes) == len(calls), done.stderr
    texts = [[(folder / f"{index}.{name}").read_text() for name in ("out", "err")] for index in range(len(calls))]
    return {name: (code, *text) for name, code, text in zip(calls, codes, texts, strict=True)}


def test_every_command_has_a_call() -> None:
    assert {*CALLS, *SERVES} == set(COMMANDS)


@pytest.mark.parametrize("commands", [["resume", "list"], pytest.param(list(CALLS), marks=pytest.mark.long)])
def test_all_works_beside_a_project_with_our_rooms_names(folder: Path, commands: list[str]) -> None:
    """One test, so that its processes are started once."""
    said = call_all(folder, commands)
    for command in commands:
        code, out, errors = said[command]
        assert code in PASSING.get(command, (0,)), (command, out + errors)
        assert "the project has its own" not in out + errors, (command, out + errors)
    for script, ended in SCRIPTS.items():
        code, out, _ = said[script]
        assert ended in out, script
        assert out.count("\n") == 1, (script, out)
        assert code == ("crashed" in out), script
    if "export" not in commands:
        return
    exported = run(folder, sys.executable, "exported/train.py")
    assert exported.returncode == 0, exported.stderr
    assert '"val_bpb"' in exported.stdout


@pytest.mark.skipif(find_spec("optuna_dashboard") is None, reason="needs the extra: pip install 'bardtune[dashboard]'")
def test_the_dashboard_answers_there_too(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "bardtune", *SERVES["dashboard"]],
        stderr=subprocess.PIPE, text=True, cwd=folder, env=environment_of(folder),
    )  # fmt: skip
    try:
        assert process.stderr is not None
        address = re.search(r"http://\S+:\d+", process.stderr.readline())
        assert address is not None
        with urllib.request.urlopen(f"{address[0]}/api/studies", timeout=30) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0


def test_the_module_and_the_console_script_are_ours_there_too(folder: Path) -> None:
    program = shutil.which("bardtune", path=str(Path(sys.executable).parent))
    assert program is not None, "install this checkout: pip install --editable ."
    for words in ([sys.executable, "-m", "bardtune"], [program]):
        done = run(folder, *words, "--help")
        assert (done.returncode, done.stderr) == (0, "")
