"""The loop of a study, on a scripted launcher."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest

from bardtune.data.awake import awake_s
from bardtune.search.commands.shared import print_summary
from bardtune.search.engine.coordinator import Coordinator
from bardtune.search.launch.piped import LauncherError
from bardtune.search.launch.protocol import Ended, Notice, Placed, RunOrder
from bardtune.search.sampling.samplers.registry import SAMPLERS
from bardtune.studies import keys
from bardtune.studies.store.home import Home
from bardtune.studies.store.lock import CoordinatorLock, OwnershipLostError, coordinators
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import DIVERGED_BPB, StudyWriter
from support.fakes import ScriptedLauncher, SilentView, falling_to
from support.studies_at_hand import make_study, run_study, space, storage_at


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return storage_at(tmp_path)


def good(order: RunOrder) -> list[float]:
    """Narrower models are better, so that trials differ."""
    return falling_to(2.0 + order.settings["d_model"] / 1000)


def use_up(storage: Storage, seconds: float) -> None:
    """Let the study ``s`` have been active for so long."""
    lock = CoordinatorLock(storage.engine, "s")
    lock.acquire()
    lock.count_from(awake_s() - seconds)
    lock.release()


def one_bad(bad_id: str, event: Ended):
    return lambda order: [event] if order.run_id == bad_id else good(order)


@pytest.mark.parametrize("trials", [1, 3, 4, 7])
def test_a_study_makes_exactly_the_planned_runs_of_every_kind(storage: Storage, tmp_path: Path, trials: int) -> None:
    make_study(storage, trials=trials)
    launcher = ScriptedLauncher(good)
    record = run_study(storage, tmp_path, launcher)
    assert len(launcher.orders) == record.counts()["total"] == trials
    assert (record.state, record.stop_reason) == ("finished", "trials")


def test_a_baseline_is_made_first_in_studies_of_four_or_more(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=4)
    launcher = ScriptedLauncher(good)
    record = run_study(storage, tmp_path, launcher)
    assert launcher.orders[0].run_id == "baseline-0000"
    assert launcher.orders[0].settings["d_model"] == 80
    assert record.baseline is not None
    assert len(record.search_runs) == 3
    make_study(storage, "small", trials=3)
    assert run_study(storage, tmp_path, ScriptedLauncher(good), "small").baseline is None


def test_the_first_search_trial_is_the_best_known_point(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=2)
    record = run_study(storage, tmp_path, ScriptedLauncher(good))
    assert record.search_runs[0].params == {"d_model": 80, "learning_rate": 3e-3}


def test_a_finished_study_adds_nothing(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=3)
    run_study(storage, tmp_path, ScriptedLauncher(good))
    again = ScriptedLauncher(good)
    assert run_study(storage, tmp_path, again).counts()["total"] == 3
    assert again.orders == []


def test_weak_trials_are_pruned_and_the_best_known_point_never_is(storage: Storage, tmp_path: Path) -> None:
    def first_is_worst(order: RunOrder) -> list[float]:
        return falling_to(5.0 if order.run_id == "search-0000" else 2.0 + order.settings["learning_rate"])

    make_study(storage, trials=16, sampler="random", pruner="halving")
    record = run_study(storage, tmp_path, ScriptedLauncher(first_is_worst))
    assert record.search_runs[0].state == "complete"
    pruned = [trial for trial in record.search_runs if trial.state == "pruned"]
    assert pruned
    assert all(trial.curve[-1][0] in (20, 30, 40, 50, 80, 90) for trial in pruned)
    assert all("others were better there" in (trial.reason or "") for trial in pruned)


def test_without_a_pruner_every_trial_is_finished(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=10, pruner="none")
    assert run_study(storage, tmp_path, ScriptedLauncher(good)).counts()["complete"] == 10


def test_a_diverged_trial_counts_and_is_told_as_a_bad_finite_value(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=3)
    event = Ended(run_id="search-0001", ending="diverged", reason="the loss stopped being a number at step 3")
    record = run_study(storage, tmp_path, ScriptedLauncher(one_bad("search-0001", event)))
    assert record.search_runs[1].ending == "diverged"
    assert record.search_runs[1].val_bpb is None
    stored = optuna.load_study(study_name="s", storage=storage.rdb).trials[1]
    assert (stored.state.name, stored.value) == ("COMPLETE", DIVERGED_BPB)
    assert record.counts()["diverged"] == 1


def test_a_crashed_trial_fails_with_its_reason_and_the_study_goes_on(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=3)
    event = Ended(run_id="search-0001", ending="crashed", reason="signal 9")
    record = run_study(storage, tmp_path, ScriptedLauncher(one_bad("search-0001", event)))
    assert (record.search_runs[1].state, record.search_runs[1].reason) == ("failed", "signal 9")
    assert record.counts()["complete"] == 2


def test_three_crashes_in_a_row_stop_the_study(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=20)
    launcher = ScriptedLauncher(lambda order: [Ended(run_id=order.run_id, ending="crashed", reason="no memory")])
    record = run_study(storage, tmp_path, launcher)
    assert (record.state, record.stop_reason) == ("interrupted", "error")
    assert record.counts()["total"] == 3


def test_an_interrupted_trial_keeps_its_number_and_is_continued(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=3, pruner="none")
    ticks = iter(range(1000))
    first = run_study(storage, tmp_path, ScriptedLauncher(good), interrupted=lambda: next(ticks) == 14)
    assert (first.state, first.stop_reason) == ("interrupted", "user")
    assert [trial.state for trial in first.search_runs] == ["complete", "interrupted"]
    begun_with = first.search_runs[1].settings
    again = ScriptedLauncher(good)
    second = run_study(storage, tmp_path, again)
    assert [trial.number for trial in second.search_runs] == [0, 1, 2]
    assert again.orders[0].run_id == "search-0001"
    assert again.orders[0].settings == begun_with
    assert second.counts()["complete"] == 3


def test_runs_of_a_dead_coordinator_are_continued_and_none_is_left_running(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=5, pruner="none")

    class Death(BaseException):
        """The process is gone in the middle of a run."""

    class DyingLauncher(ScriptedLauncher):
        def events(self, timeout_s: float):
            if len(self.orders) == 3:
                raise Death
            return super().events(timeout_s)

    writer = StudyWriter(storage, "s")
    from bardtune.search.engine.coordinator import Coordinator
    from bardtune.studies.store.home import Home
    from support.fakes import SilentView
    from support.studies_at_hand import space

    class NoTidying(Coordinator):
        def _let_go(self) -> None:
            return

    writer.__enter__()
    with pytest.raises(Death):
        NoTidying(writer, space(), DyingLauncher(good), SilentView(), home=Home(tmp_path)).run()
    writer.__exit__()
    stored = optuna.load_study(study_name="s", storage=storage.rdb)
    assert [trial.state.name for trial in stored.trials] == ["COMPLETE", "RUNNING"]
    record = run_study(storage, tmp_path, ScriptedLauncher(good))
    assert record.counts()["total"] == record.counts()["complete"] == 5
    assert all(
        trial.state.name == "COMPLETE" for trial in optuna.load_study(study_name="s", storage=storage.rdb).trials
    )


@pytest.mark.parametrize("sampler", SAMPLERS.names)
def test_a_broken_off_study_draws_what_an_unbroken_one_does(storage: Storage, tmp_path: Path, sampler: str) -> None:
    make_study(storage, "whole", trials=14, sampler=sampler, pruner="none")
    make_study(storage, "broken", trials=14, sampler=sampler, pruner="none")
    whole = run_study(storage, tmp_path, ScriptedLauncher(good), "whole")
    ticks = iter(range(10_000))
    run_study(storage, tmp_path, ScriptedLauncher(good), "broken", interrupted=lambda: next(ticks) == 87)
    broken = run_study(storage, tmp_path, ScriptedLauncher(good), "broken")
    assert [trial.params for trial in broken.search_runs] == [trial.params for trial in whole.search_runs]
    assert len({str(trial.params) for trial in whole.search_runs}) > 10


def test_another_seed_draws_other_trials(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, "a", trials=4, seed=0)
    make_study(storage, "b", trials=4, seed=1)
    draws = [run_study(storage, tmp_path, ScriptedLauncher(good), name).search_runs[1].params for name in ("a", "b")]
    assert draws[0] != draws[1]


def test_no_run_starts_that_the_deadline_would_cut(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=20, seconds=1.0, hours=10 / 3600)
    use_up(storage, 7.5)
    launcher = ScriptedLauncher(good)
    record = run_study(storage, tmp_path, launcher)
    assert (record.state, record.stop_reason) == ("finished", "hours")
    assert launcher.orders == []


def test_a_waiting_run_fails_with_a_reason_when_the_hours_are_over(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=3, hours=10 / 3600)
    ticks = iter(range(1000))
    run_study(storage, tmp_path, ScriptedLauncher(good), interrupted=lambda: next(ticks) == 3)
    use_up(storage, 9.5)
    record = run_study(storage, tmp_path, ScriptedLauncher(good))
    assert (record.state, record.stop_reason) == ("finished", "hours")
    assert record.search_runs[0].state == "failed"
    assert "hours were over" in (record.search_runs[0].reason or "")


def test_two_workers_run_two_trials_at_a_time_and_the_cap_holds(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=9, workers=2)
    launcher = ScriptedLauncher(good, capacity=2)
    record = run_study(storage, tmp_path, launcher)
    assert launcher.most_at_once == 2
    assert record.counts()["total"] == len(launcher.orders) == 9


def test_a_coordinator_that_lost_its_study_writes_no_more(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=5)

    class Thief(ScriptedLauncher):
        def start(self, order: RunOrder) -> None:
            super().start(order)
            with storage.engine.begin() as connection:
                connection.execute(coordinators.update().values(token="somebody else's"))

    launcher = Thief(good)
    with pytest.raises(OwnershipLostError):
        run_study(storage, tmp_path, launcher)
    assert len(launcher.orders) == 1


def test_a_settings_seed_belongs_to_its_trial(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=6, pruner="none")
    launcher = ScriptedLauncher(good)
    run_study(storage, tmp_path, launcher)
    assert len({order.settings["seed"] for order in launcher.orders}) == 6


def test_stock_optuna_opens_the_study_and_finds_the_same_best(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=8)
    record = run_study(storage, tmp_path, ScriptedLauncher(good))
    stock = optuna.load_study(study_name="s", storage=storage.url.render_as_string())
    assert record.best is not None
    assert stock.best_trial.number == record.best.number
    assert stock.best_value == pytest.approx(record.best.val_bpb)
    assert set(stock.best_params) == {"d_model", "learning_rate"}
    assert keys.SETTINGS in stock.best_trial.user_attrs
    assert set(optuna.search_space.intersection_search_space(stock.trials)) == {"d_model", "learning_rate"}


def test_trials_that_somebody_else_enqueued_do_not_lift_the_cap(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=3)
    stock = optuna.load_study(study_name="s", storage=storage.rdb)
    for width in (16, 32, 48, 64, 80):
        stock.enqueue_trial({"d_model": width, "learning_rate": 1e-3})
    launcher = ScriptedLauncher(good)
    record = run_study(storage, tmp_path, launcher)
    assert record.counts()["total"] == len(launcher.orders) == 3
    assert record.stop_reason == "trials"


def interrupted_study(storage: Storage, folder: Path, **plan: float) -> None:
    """A study whose first trial was interrupted in the middle."""
    make_study(storage, trials=2, pruner="none", **plan)
    ticks, scripted = iter(range(1000)), ScriptedLauncher(good)
    scripted.scale_s = plan["seconds"]
    run_study(storage, folder, scripted, interrupted=lambda: next(ticks) == 7)


def test_a_nearly_finished_trial_needs_only_the_rest_of_its_budget(storage: Storage, tmp_path: Path) -> None:
    interrupted_study(storage, tmp_path, seconds=10.0, hours=20 / 3600)
    use_up(storage, 12.0)
    record = run_study(storage, tmp_path, ScriptedLauncher(good))
    assert record.search_runs[0].state == "complete"
    assert (record.counts()["total"], record.stop_reason) == (1, "hours")


def test_a_trial_that_the_hours_have_cut_off_is_not_to_blame(storage: Storage, tmp_path: Path) -> None:
    interrupted_study(storage, tmp_path, seconds=10.0, hours=30 / 3600)
    use_up(storage, 29.0)
    record = run_study(storage, tmp_path, ScriptedLauncher(good))
    (cut,) = record.search_runs
    assert (record.stop_reason, cut.state, cut.ending) == ("hours", "failed", "interrupted")
    assert "hours were over" in str(cut.reason)
    assert len(cut.curve) > 0


def test_a_name_that_was_deleted_begins_from_nothing(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=4)
    run_study(storage, tmp_path, ScriptedLauncher(good))
    use_up(storage, 5000.0)
    optuna.delete_study(study_name="s", storage=storage.rdb)
    make_study(storage, trials=4)
    launcher = ScriptedLauncher(good)
    record = run_study(storage, tmp_path, launcher)
    assert launcher.orders[0].run_id == "baseline-0000"
    assert record.counts()["total"] == 4
    assert record.seconds_used < 1000


@pytest.mark.parametrize("role", ["baseline", "confirmation"])
def test_a_run_that_was_asked_for_and_never_begun_takes_no_runs_place(
    storage: Storage, tmp_path: Path, role: str
) -> None:
    """A coordinator that is killed between asking for a run and storing what it trains with."""
    make_study(storage, trials=12, confirm="2x1")
    with StudyWriter(storage, "s") as writer:
        writer.ask_other(role, candidate=None if role == "baseline" else 3)
    launcher = ScriptedLauncher(good)
    record = run_study(storage, tmp_path, launcher)
    assert record.counts()["total"] == record.counts()["complete"] + record.counts()["pruned"] == 12
    made = [(run.role, run.candidate) for run in record.other_runs]
    assert sorted(made, key=str) == sorted(
        [("baseline", None), ("baseline", None), *(("confirmation", number) for number in record.candidates or ())],
        key=str,
    )


def test_a_process_that_cannot_be_started_costs_no_run(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=3)

    class Refused(ScriptedLauncher):
        def start(self, order: RunOrder) -> None:
            raise LauncherError("cannot start a process that trains: Resource temporarily unavailable")

    with pytest.raises(LauncherError):
        run_study(storage, tmp_path, Refused(good))
    assert read_study(storage, "s").counts()["interrupted"] == 1
    assert run_study(storage, tmp_path, ScriptedLauncher(good)).counts()["complete"] == 3


class StarvedOnce:
    """Answers orders; the second trial's machine is busy the first time."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __call__(self, order: RunOrder) -> list[Any]:
        self.seen[order.run_id] += 1
        starved = self.seen[order.run_id] == 1 and order.run_id == "search-0001"
        bpb = 5.0 if starved else 2.0
        stats = {"starved": starved, "seconds": {"train": 1.0}}
        return [*[bpb + 1] * 9, Ended(run_id=order.run_id, ending="finished", val_bpb=bpb, stats=stats)]


def test_starved_trials_are_counted_and_said(
    storage: Storage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(storage, trials=5, pruner="none")
    record = run_study(storage, tmp_path, ScriptedLauncher(StarvedOnce()))
    assert record.counts()["starved"] == 1
    print_summary(record, None)
    assert "starved: in 1 of 5 runs the machine was busy" in capsys.readouterr().out


def test_a_starved_trial_is_run_again_under_its_number_if_the_plan_says_so(storage: Storage, tmp_path: Path) -> None:
    answer = StarvedOnce()
    make_study(storage, trials=5, repeat_starved=1, pruner="none")
    record = run_study(storage, tmp_path, ScriptedLauncher(answer))
    assert record.counts()["total"] == record.counts()["complete"] == 5
    assert record.counts()["starved"] == 0
    assert answer.seen["search-0001"] == 2
    again = record.search_runs[1]
    assert (again.val_bpb, again.repeats, again.curve) == (
        2.0,
        1,
        tuple((percent, 3.0) for percent in range(10, 100, 10)),
    )


def gentle(order: RunOrder) -> list[float]:
    """A valley in the learning rate, with a little noise between seeds."""
    rate = math.log10(order.settings["learning_rate"] / 3e-3)
    return falling_to(2.0 + rate**2 / 20 + order.settings["seed"] % 100 / 2e4)


class Listener(SilentView):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def said(self, text: str) -> None:
        self.heard.append(text)


def test_a_search_that_has_settled_says_so_and_ends_only_where_that_was_asked(storage: Storage, tmp_path: Path) -> None:
    made = {}
    for name, stops in (("stops", True), ("goes", False)):
        make_study(storage, name, trials=40, confirm="auto", sampler="curvegp", stop_when_settled=stops)
        listener = Listener()
        with StudyWriter(storage, name) as writer:
            Coordinator(writer, space(), ScriptedLauncher(gentle), listener, home=Home(tmp_path / name)).run()
        made[name] = read_study(storage, name)
        said = sum(text.startswith("nothing more to gain: ") for text in listener.heard)
        assert said <= 1 if stops else said == 1
    stopped, went_on = made["stops"], made["goes"]
    assert (stopped.state, stopped.stop_reason) == ("finished", "settled")
    assert stopped.counts()["total"] < 40
    assert sum(run.role == "confirmation" for run in stopped.other_runs) == 7
    assert (went_on.stop_reason, went_on.counts()["total"]) == ("trials", 40)


class ComingAndGoing(ScriptedLauncher):
    """Loses the place of its first run in the middle of it, and has room again after a while, or never."""

    def __init__(self, script: Any, *, comes_back: bool) -> None:
        super().__init__(script)
        self.comes_back, self.ticks, self.is_lost = comes_back, 0, False

    def events(self, timeout_s: float) -> list[Any]:
        self.ticks += 1
        if not self.capacity:
            self.capacity = int(self.comes_back and self.ticks > 20)
            return [Notice(text="0 of 1 workers have a node")]
        if self.ticks == 4 and self.running and not self.is_lost:
            (run_id,) = self.running
            self.is_lost, self.capacity = True, 0
            del self.running[run_id]
            return [
                Placed(run_id=run_id, node=2),
                Ended(run_id=run_id, ending="interrupted", reason="its node was lost"),
            ]
        return super().events(timeout_s)


class Said(SilentView):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def said(self, text: str) -> None:
        self.texts.append(text)


def test_a_run_whose_place_is_lost_goes_on_under_its_number_when_there_is_room_again(
    storage: Storage, tmp_path: Path
) -> None:
    make_study(storage, trials=3)
    launcher, view = ComingAndGoing(good, comes_back=True), Said()
    with StudyWriter(storage, "s") as writer:
        Coordinator(writer, space(), launcher, view, home=Home(tmp_path)).run()
    record = read_study(storage, "s")
    assert [order.run_id for order in launcher.orders] == ["search-0000", "search-0000", "search-0001", "search-0002"]
    assert [run.ending for run in record.search_runs] == ["finished"] * 3
    assert view.texts.count("0 of 1 workers have a node") > 10


def test_where_no_place_comes_back_the_hours_end_the_study_and_every_run(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=3, hours=10 / 3600)
    launcher = ComingAndGoing(good, comes_back=False)
    with StudyWriter(storage, "s") as writer:
        spent = iter([0.0] * 40)
        writer.lock.seconds_used = lambda: next(spent, 9.9)  # type: ignore[method-assign]
        reason = Coordinator(writer, space(), launcher, SilentView(), home=Home(tmp_path)).run()
    record = read_study(storage, "s")
    assert (reason, record.state) == ("hours", "finished")
    assert [run.state for run in record.runs] == ["failed"]
    assert "hours were over" in str(record.runs[0].reason)
