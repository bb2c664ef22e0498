"""``bardtune extend``: more trials or hours for a study that has come to its end."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bardtune.search.cli.app import main
from bardtune.search.launch.protocol import RunOrder
from bardtune.studies import keys
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.lock import CoordinatorLock
from bardtune.studies.store.reading import load, read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.command_line import complaint
from support.fakes import ScriptedLauncher, falling_to, text_of
from support.studies_at_hand import make_study, run_study, storage_at

pytestmark = pytest.mark.usefixtures("home")
PLAN = {"confirm": "auto", "pruner": "none", "sampler": "random"}


def by_width(order: RunOrder) -> list[float]:
    """Wider is better, and each seed is a little different."""
    return falling_to(3.0 - order.settings["d_model"] / 128 + order.settings["seed"] % 100 / 1e4)


def extend(storage: Storage, *, trials: int, hours: float = 3.0) -> None:
    with StudyWriter(storage, "s") as writer:
        writer.extend(trials=trials, hours=hours)


def extended_study(home: Path, first: int, *further: int) -> StudyRecord:
    storage = storage_at(home)
    make_study(storage, trials=first, **PLAN)
    record = run_study(storage, home, ScriptedLauncher(by_width))
    for trials in further:
        extend(storage, trials=trials)
        record = run_study(storage, home, ScriptedLauncher(by_width))
    return record


def test_a_study_goes_on_to_exactly_the_runs_it_was_given_and_keeps_what_it_had(home: Path) -> None:
    before = extended_study(home, 12)
    extend(storage_at(home), trials=24)
    after = run_study(storage_at(home), home, ScriptedLauncher(by_width))
    assert (after.state, after.stop_reason, after.extended_at) == ("finished", "trials", (12,))
    assert len(after.runs) == after.counts()["planned"] == 24
    assert after.search_runs[: len(before.search_runs)] == before.search_runs
    assert after.other_runs[: len(before.other_runs)] == before.other_runs
    roles = Counter(run.role for run in after.runs)
    assert (roles["baseline"], roles["confirmation"]) == (2, 2 + 3)  # a quarter of the twelve that were added


def test_what_leads_after_an_extension_is_confirmed_and_can_win(home: Path) -> None:
    def late_is_better(order: RunOrder) -> list[float]:
        return falling_to(2.0 if order.settings["d_model"] == width else 3.0)

    storage = storage_at(home)
    make_study(storage, trials=8, **PLAN)
    width = 0
    first = run_study(storage, home, ScriptedLauncher(late_is_better))
    tried = {trial.params["d_model"] for trial in first.search_runs}
    extend(storage, trials=40)
    width = min({16, 32, 48, 64, 80, 96, 112, 128} - tried)
    record = run_study(storage, home, ScriptedLauncher(late_is_better))
    winner = verdict_of(record).winner
    assert winner is not None
    assert (winner.params["d_model"], winner.number >= len(first.search_runs)) == (width, True)


def test_extensions_add_up_and_the_verdict_is_that_of_one_study_with_the_same_runs(home: Path) -> None:
    record = extended_study(home, 8, 12, 20)
    assert (record.extended_at, len(record.runs)) == ((8, 12), 20)
    at_once = replace(record, extensions=())
    assert verdict_of(record) == verdict_of(at_once)
    going_on = replace(record, state="running", stop_reason=None)
    assert verdict_of(replace(going_on, extensions=())).confirmed is None


def test_while_it_goes_on_the_verdict_is_that_of_before(home: Path) -> None:
    before = verdict_of(extended_study(home, 12))
    extend(storage_at(home), trials=24)
    ticks = iter(range(10_000))
    stopped = run_study(storage_at(home), home, ScriptedLauncher(by_width), interrupted=lambda: next(ticks) == 30)
    assert (stopped.state, len(stopped.runs) > 12) == ("interrupted", True)
    now = verdict_of(stopped)
    assert (now.winner, now.take_home, now.test_bpb) == (before.winner, before.take_home, before.test_bpb)
    assert now.confirmed is not None


def test_a_kill_while_it_is_stored_leaves_a_study_that_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = storage_at(home)
    make_study(storage, trials=8, **PLAN)
    run_study(storage, home, ScriptedLauncher(by_width))
    with monkeypatch.context() as patched:
        patched.setattr(StudyWriter, "_read_plan", _killed_after_the_first_time())
        with pytest.raises(KeyboardInterrupt):
            extend(storage, trials=12)
    assert read_study(storage, "s").state == "interrupted"
    record = run_study(storage, home, ScriptedLauncher(by_width))
    assert (record.state, len(record.runs), record.extended_at) == ("finished", 12, (8,))


def test_a_kill_before_it_is_stored_leaves_a_study_that_is_over_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = storage_at(home)
    make_study(storage, trials=8, **PLAN)
    before = run_study(storage, home, ScriptedLauncher(by_width))
    with monkeypatch.context() as patched:
        patched.setattr("bardtune.studies.extensions.Extension.as_dict", _killed)
        with pytest.raises(KeyboardInterrupt):
            extend(storage, trials=12)
    after = read_study(storage, "s")
    assert (after.state, after.stop_reason, after.runs) == ("finished", "trials", before.runs)
    extend(storage, trials=12)
    record = read_study(storage, "s")
    assert (record.state, record.stop_reason, record.extended_at) == ("interrupted", None, (8,))


def _killed(extension: object) -> None:
    raise KeyboardInterrupt


def _killed_after_the_first_time() -> Callable[[StudyWriter], None]:
    whole, calls = StudyWriter._read_plan, iter(range(99))

    def read(writer: StudyWriter) -> None:
        if next(calls):
            raise KeyboardInterrupt
        whole(writer)

    return read


def test_the_cap_is_exact_however_often_it_breaks_off(home: Path) -> None:
    storage = storage_at(home)
    make_study(storage, trials=8, **PLAN)
    run_study(storage, home, ScriptedLauncher(by_width))
    extend(storage, trials=20)
    for kill_at in (3, 17, 40, 9):
        ticks = iter(range(10_000))

        def killed(at: int = kill_at, ticks: Iterator[int] = ticks) -> bool:
            if next(ticks) == at:
                raise MemoryError
            return False

        with pytest.raises(MemoryError):
            run_study(storage, home, ScriptedLauncher(by_width), interrupted=killed)
    record = run_study(storage, home, ScriptedLauncher(by_width))
    assert len(record.runs) == 20
    assert all(run.state == "complete" for run in record.runs)


def test_the_winners_test_score_is_kept_and_only_a_new_winner_is_scored(home: Path) -> None:
    def lowest_of(rates: set[float]) -> Callable[[RunOrder], list[float]]:
        """Settings with one of these learning rates are better than all others; each seed is a little different."""

        def bpb(order: RunOrder) -> list[float]:
            is_low = order.settings["learning_rate"] in rates
            return falling_to((2.0 if is_low else 3.0) - order.settings["seed"] % 100 / 1e6)

        return bpb

    storage = storage_at(home)
    make_study(storage, trials=8, **PLAN)
    before = run_study(storage, home, ScriptedLauncher(lowest_of({3e-3})))  # that of the best known point
    assert set(before.final) == {run.run_id for run in verdict_of(before).finalists}
    extend(storage, trials=16)
    same = run_study(storage, home, ScriptedLauncher(lowest_of({3e-3})))
    assert verdict_of(same).winner == verdict_of(before).winner
    assert same.final == before.final
    extend(storage, trials=32)
    tried = {trial.params["learning_rate"] for trial in same.search_runs}

    def new_is_lower(order: RunOrder) -> list[float]:
        is_old = order.settings["learning_rate"] in tried
        return falling_to(1.0 + is_old - order.settings["seed"] % 100 / 1e6)

    other = run_study(storage, home, ScriptedLauncher(new_is_lower))
    assert verdict_of(other).winner != verdict_of(before).winner
    assert len(other.final) == len(before.final) + 1


def test_a_search_that_had_settled_goes_on(home: Path) -> None:
    storage = storage_at(home)
    make_study(storage, trials=12, stop_when_settled=True, **PLAN)
    with StudyWriter(storage, "s") as writer:
        writer.note_settled("nothing more to gain")
    settled = run_study(storage, home, ScriptedLauncher(by_width))
    assert settled.stop_reason == "settled"
    extend(storage, trials=14)
    record = run_study(storage, home, ScriptedLauncher(by_width))
    assert (record.stop_reason, len(record.runs)) == ("trials", 14)
    assert not record.plan.stop_when_settled


def test_a_moved_text_does_not_make_an_extension_the_plan(home: Path) -> None:
    extended_study(home, 4, 8)
    with StudyWriter(storage_at(home), "s") as writer:
        writer.change_corpus("/elsewhere.txt")
        assert (writer.plan.trials, writer.plan.corpus) == (8, "/elsewhere.txt")
    assert load(storage_at(home), "s").user_attrs[keys.PLAN]["trials"] == 4


def test_everywhere_it_says_that_its_verdict_had_been_seen(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extended_study(home, 8, 12, 16)
    assert main(["show", "s"]) == 0
    assert "extended twice at 8 and 12 runs, when its verdict had been seen" in capsys.readouterr().out
    assert main(["show", "s", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["extended_at"] == [8, 12]
    assert main(["report", "s", "--no-sample", "--out", str(home / "page.html")]) == 0
    assert "It was extended twice at 8 and 12 runs" in (home / "page.html").read_text()


# The command


def test_what_cannot_be_is_one_sentence_and_nothing_is_stored(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = storage_at(home)
    make_study(storage, trials=4, hours=0.01)
    run_study(storage, home, ScriptedLauncher(by_width))
    assert "did you mean 's'?" in complaint(capsys, "extend", "ss", "--trials", "9")
    assert "has made all of its 4 trials" in complaint(capsys, "extend", "s")
    assert "only adds to them" in complaint(capsys, "extend", "s", "--trials", "3")
    assert "has made all of its 4 trials" in complaint(capsys, "extend", "s", "--hours", "1")
    assert "choose --trials 50" in complaint(capsys, "extend", "s", "--trials", "51")
    assert read_study(storage, "s").extensions == ()


def test_where_no_time_is_left_for_a_run_it_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bardtune.data.awake import awake_s

    storage = storage_at(home)
    make_study(storage, trials=4, hours=0.01)
    lock = CoordinatorLock(storage.engine, "s")
    lock.acquire()
    lock.count_from(awake_s() - 36)
    lock.release()
    said = complaint(capsys, "extend", "s", "--trials", "8")
    assert "give it more with --hours as well" in said
    assert read_study(storage, "s").extensions == ()


def test_a_real_study_is_extended(home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes(text_of(20_000))
    args = ["--trials", "4", "--seconds", "0.3", "--space", "reference", "--corpus", str(text), "--threads", "1"]
    args += ["--sampler", "random", "--pruner", "none"]
    assert main(["start", "s", *args]) == 0
    capsys.readouterr()
    assert main(["extend", "s", "--trials", "6"]) == 0
    said = capsys.readouterr().out
    assert "study s: finished (all trials made), 6 of 6 trials" in said
    assert "extended once at 4 runs, when its verdict had been seen" in said
    record = read_study(storage_at(home), "s")
    verdict = verdict_of(record)
    assert verdict.test_bpb is not None
    assert verdict.baseline_test_bpb is not None
    CoordinatorLock(storage_at(home).engine, "s").acquire()
    assert "is being run by process" in complaint(capsys, "extend", "s", "--trials", "9")
