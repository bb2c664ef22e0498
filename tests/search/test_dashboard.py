"""optuna-dashboard beside a running study: it answers, it cannot write, and nothing is locked."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bardtune.search.cli.app import main
from bardtune.search.commands.dashboard import reading_only
from support.fakes import text_of
from support.studies_at_hand import make_study, storage_at

pytest.importorskip("optuna_dashboard", reason="needs the extra: pip install 'bardtune[dashboard]'")
BARDTUNE = [sys.executable, "-P", "-m", "bardtune"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_study(storage_at(folder), "first")
    (folder / "text.txt").write_bytes(text_of(20_000))
    return folder


@pytest.fixture
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BARDTUNE_HOME", str(folder))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """The address of a dashboard on a free port."""
    environment = {**os.environ, "BARDTUNE_HOME": str(folder)}
    process = subprocess.Popen(
        [*BARDTUNE, "dashboard", "--port", "0"], stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    assert "http://127.0.0.1:" in said
    yield said.split("http://")[1].split("/")[0]
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == ""  # no locked database, no traceback


def ask(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(
        f"http://{address}{path}", method=method, headers=headers, data=b"{}" if method == "POST" else None
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read()


def studies(address: str) -> dict[str, int]:
    summaries = json.loads(ask(address, "/api/studies")[1])["study_summaries"]
    return {summary["study_name"]: summary["study_id"] for summary in summaries}


def test_a_study_runs_to_its_end_beside_a_dashboard_that_is_looked_at(home: Path, served: str) -> None:
    options = ["--corpus", "text.txt", "--space", "reference", "--threads", "1", "--trials", "4", "--confirm", "0"]
    options += ["--sampler", "random", "--pruner", "none"]
    study = subprocess.Popen(
        [*BARDTUNE, "start", "s", "--seconds", "0.5", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    answers: list[int] = []
    while study.poll() is None:
        known = studies(served)
        answers += [ask(served, f"/api/studies/{known[name]}?after=0")[0] for name in ("s", "s:runs") if name in known]
        time.sleep(0.2)
    assert study.stdout is not None
    said = study.stdout.read()
    assert (study.returncode, "locked" in said) == (0, False), said
    assert len(answers) > 3
    assert set(answers) == {200}
    end = time.monotonic() + 60  # the dashboard reads a study's trials again some seconds after the last time
    while len(shown := json.loads(ask(served, f"/api/studies/{studies(served)['s']}?after=0")[1])["trials"]) < 3:
        assert time.monotonic() < end, shown
        time.sleep(0.5)
    assert len(shown) == 3
    assert ask(served, "/dashboard")[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/studies/1"),
        ("POST", "/api/studies"),
        ("POST", "/api/studies/1/rename"),
        ("PUT", "/api/studies/1/note"),
        ("POST", "/api/trials/1/tell"),
    ],
)
def test_nothing_can_be_changed_through_it(served: str, method: str, path: str) -> None:
    code, body = ask(served, path, method)
    assert (code, "reading only" in body.decode()) == (403, True)
    assert {"first", "first:runs"} <= set(studies(served))


def test_pages_of_other_hosts_cannot_read_it(served: str) -> None:
    assert ask(served, "/api/studies", Host="evil.example")[0] == 403
    assert ask(served, "/api/studies", Host="localhost:1")[0] == 200


def test_the_database_itself_refuses_what_slips_through(home: Path) -> None:
    """Even if a reading request were to write, as no guard of ours would notice."""
    from optuna_dashboard import wsgi

    from bardtune.studies.store.read_only import ReadOnlyStorage

    app = wsgi(ReadOnlyStorage(f"sqlite:///{home / 'studies.db'}").rdb)
    heard: list[str] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "DELETE", "PATH_INFO": "/api/studies/1", "wsgi.errors": io.StringIO(),
        "SERVER_NAME": "x", "SERVER_PORT": "1", "wsgi.url_scheme": "http", "wsgi.input": None,
    }  # fmt: skip
    list(app(environ, lambda status, headers, trouble=None: heard.append(status)))
    assert heard[0].startswith("500")
    guarded = reading_only(app, local=False)
    assert b"reading only" in b"".join(guarded(environ, lambda status, headers: heard.append(status)))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["dashboard", "--storage", "sqlite:////nowhere/studies.db"], "bardtune start"),
        (["dashboard", "--host", "192.0.2.1"], "choose another --port"),
        (["dashboard", "--port", "70000"], "--port"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(
    home: Path, args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(args) == 2
    assert said in capsys.readouterr().err


def test_a_missing_package_is_named_with_its_command(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    assert main(["dashboard"]) == 2
    assert "pip install 'bardtune[dashboard]'" in capsys.readouterr().err
