"""Starting and resuming from Python."""

import random
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bardtune.data.errors import CorpusError
from bardtune.search.engine import session
from bardtune.search.engine.planning import fingerprint
from bardtune.search.engine.session import extend_study, resume_study, start_study
from bardtune.search.launch.protocol import Ended, RunOrder
from bardtune.search.terminal.hooks import Hooks
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.errors import PlanError, StudyError
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord
from support.fakes import ScriptedLauncher, SilentView, falling_to, text_of


@pytest.mark.parametrize("what", ["sampler", "pruner", "launcher"])
def test_a_plan_that_names_what_there_is_not_is_refused_before_anything_is_stored(what: str, home: Path) -> None:
    url = f"sqlite:///{home / 'studies.db'}"
    with pytest.raises(PlanError, match=f"--{what} 'neww' is unknown"):
        start_study(url, "s", StudyPlan(threads=1, **{what: "neww"}), SilentView(), began=time.monotonic())
    assert not home.exists()


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> ScriptedLauncher:
    """Stands for the processes of this machine."""
    launcher = ScriptedLauncher(lambda order: falling_to(2.0 + order.settings["learning_rate"]))
    monkeypatch.setattr(session, "_launching", lambda *_, **__: closing(launcher))
    return launcher


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(text_of(20_000))
    return path


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'studies.db'}"


def begin(home: Path, text: Path, hooks: Hooks = session.NO_HOOKS, **plan: Any) -> StudyRecord:
    said = StudyPlan(**{"trials": 3, "seconds": 1.0, "threads": 1, "confirm": "0", "corpus": str(text), **plan})
    return start_study(url_of(home), "s", said, SilentView(), began=time.monotonic(), hooks=hooks)


def resume(home: Path, **named: Any) -> StudyRecord:
    return resume_study(url_of(home), "s", SilentView(), began=time.monotonic(), **named)


@pytest.mark.usefixtures("launcher")
def test_a_text_that_was_moved_is_found_where_it_is_said_to_be(home: Path, text: Path, tmp_path: Path) -> None:
    begin(home, text, trials=2)
    moved = tmp_path / "elsewhere.txt"
    text.rename(moved)
    (tmp_path / "other.txt").write_bytes(text_of(20_001))
    with pytest.raises(CorpusError, match="is not that of the study 's'"):
        resume(home, corpus=str(tmp_path / "other.txt"))
    record = resume(home, corpus=str(moved))
    assert (record.state, record.plan.corpus, record.corpus["name"]) == ("finished", str(moved), str(moved))
    assert record.counts()["total"] == 2


def test_a_score_that_failed_is_made_up_for_by_resume_and_nothing_else_is_done(
    home: Path, text: Path, launcher: ScriptedLauncher
) -> None:
    launcher.finals = NoScore()
    before = begin(home, text)
    assert verdict_of(before).unscored
    ran = len(launcher.orders)
    launcher.finals = {run.run_id: run.val_bpb for run in before.runs if run.val_bpb is not None}
    after = resume(home)
    assert verdict_of(after).test_bpb is not None
    assert (after.state, after.runs, len(launcher.orders)) == ("finished", before.runs, ran)
    scored = list(launcher.scored)
    resume(home)
    assert launcher.scored == scored


def test_commands_are_told_of_a_best_of_the_end_and_of_a_score_that_was_made_up_for(
    home: Path, text: Path, launcher: ScriptedLauncher
) -> None:
    out = home / "told"
    hooks = Hooks(
        f'echo "$BARDTUNE_EVENT $BARDTUNE_TRIAL" >> {out}', f'echo "$BARDTUNE_EVENT $BARDTUNE_STATE" >> {out}'
    )
    launcher.finals = NoScore()
    before = begin(home, text, hooks=hooks)
    assert out.read_text().splitlines()[-1] == "end finished"
    assert "best 0" in out.read_text().splitlines()
    launcher.finals = {run.run_id: run.val_bpb for run in before.runs if run.val_bpb is not None}
    out.unlink()
    resume(home, hooks=hooks)
    assert out.read_text() == "end finished\n"


@pytest.mark.usefixtures("launcher")
def test_a_search_that_reached_its_target_goes_on_to_what_was_planned(home: Path, text: Path) -> None:
    plan = {"sampler": "random", "pruner": "none", "hours": 3.0}
    first = begin(home, text, trials=50, target=7.9, **plan)
    assert (first.stop_reason, len(first.runs) < 50) == ("target", True)
    with pytest.raises(PlanError, match="only adds to them"):
        extend_study(url_of(home), "s", SilentView(), began=time.monotonic(), trials=49)
    record = extend_study(url_of(home), "s", SilentView(), began=time.monotonic())
    assert (record.stop_reason, len(record.runs), record.extended_at) == ("trials", 50, (len(first.runs),))


class NoScore(dict[str, float]):
    """Weights that are nobody's."""

    def get(self, key: str, default: Any = None) -> Any:
        return 9.0


def test_another_processor_is_refused_until_it_is_accepted(
    home: Path, text: Path, launcher: ScriptedLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher.finals = NoScore()
    record = begin(home, text)
    was = record.fingerprint["cpu"]
    monkeypatch.setattr("bardtune.search.engine.planning.cpu_kind", lambda: "another")
    with pytest.raises(StudyError, match=r"the processor was .* and is another.*--accept-changes"):
        resume(home)
    record = resume(home, accept_changes=True)
    assert record.fingerprint["cpu"] == was  # its runs were all made there


def test_without_numba_is_said(home: Path, text: Path, launcher: ScriptedLauncher, monkeypatch: Any) -> None:
    launcher.finals = NoScore()
    begin(home, text)
    monkeypatch.setattr("bardtune.search.engine.planning.find_spec", lambda name: None)
    with pytest.raises(StudyError, match="numba was there and is missing"):
        resume(home)


class Hearing(SilentView):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def said(self, text: str) -> None:
        self.heard.append(text)


def heard_at_start(home: Path, text: Path, **plan: Any) -> str:
    view = Hearing()
    said = StudyPlan(**{"trials": 2, "seconds": 1.0, "threads": 1, "confirm": "0", "corpus": str(text), **plan})
    start_study(url_of(home), "s", said, view, began=time.monotonic())
    return "\n".join(view.heard)


@pytest.mark.usefixtures("launcher")
def test_a_text_that_holds_nothing_to_learn_is_said_to(home: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.bin"
    noise.write_bytes(random.Random(0).randbytes(20_000))
    assert "seems to be compressed or encrypted (zlib needs 8.0 bits" in heard_at_start(home, noise)


@pytest.mark.usefixtures("launcher")
def test_how_many_runs_fit_is_said_where_not_all_do(home: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "other_trainers", lambda: [77])
    heard = heard_at_start(home, text, trials=8, seconds=60.0, hours=0.1, sampler="random", pruner="none")
    assert "about 5 of the 8 that are left fit into 0.1 h" in heard
    assert "another study trains on this machine (process 77)" in heard


@pytest.mark.usefixtures("launcher")
def test_of_an_ordinary_start_nothing_more_is_said(home: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "other_trainers", list)
    assert heard_at_start(home, text).startswith("scoring on the test part")


@pytest.mark.parametrize("is_mixed", [False, True])
def test_a_study_that_began_on_a_cluster_stays_on_the_kind_of_its_runs(
    home: Path, text: Path, monkeypatch: pytest.MonkeyPatch, is_mixed: bool
) -> None:
    def with_cpu(order: RunOrder) -> list[Any]:
        stats = {"cpu": "another processor", "numba": True, "seconds": {"train": 1.0}, "node": 1, "host": "far"}
        return [2.0, Ended(run_id=order.run_id, ending="finished", val_bpb=2.0, stats=stats)]

    monkeypatch.setattr(session, "_launching", lambda *_, **__: closing(ScriptedLauncher(with_cpu)))
    monkeypatch.setattr(session, "fingerprint_of", lambda plan, corpus: fingerprint(corpus, is_here=False))
    begin(home, text, trials=2, mixed_machines=is_mixed)
    monkeypatch.undo()
    extend = {"began": time.monotonic(), "trials": 3}
    monkeypatch.setattr(session, "_launching", lambda *_, **__: closing(ScriptedLauncher(with_cpu)))
    if is_mixed:
        assert len(extend_study(url_of(home), "s", SilentView(), **extend).runs) == 3
    else:
        with pytest.raises(StudyError, match="the processor was another processor and is"):
            extend_study(url_of(home), "s", SilentView(), **extend)
