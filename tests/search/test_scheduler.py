"""Which run comes next: what is kept for confirming, and when the leaders are confirmed."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bardtune.search.engine.scheduler import Scheduler
from bardtune.search.launch.protocol import Ended, RunOrder
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return storage_at(tmp_path)


def by_width(order: RunOrder) -> list[float]:
    """Wider is better, and each seed is a little different."""
    return falling_to(3.0 - order.settings["d_model"] / 128 + order.settings["seed"] % 100 / 1e5)


@pytest.mark.parametrize(
    ("trials", "confirm", "expected"),
    [
        (50, "3x2", (3, 6, 1)),
        (20, "3x2", (2, 4, 1)),
        (12, "3x2", (1, 2, 1)),
        (8, "3x2", (1, 2, 0)),
        (4, "3x2", (1, 1, 0)),
        (3, "3x2", (0, 0, 0)),
        (50, "0", (0, 0, 0)),
        (50, "9x9", (1, 9, 1)),
        (50, "5x2", (5, 10, 1)),
        (50, "auto", (3, 7, 1)),
        (20, "auto", (2, 4, 1)),
        (12, "auto", (1, 2, 1)),
        (8, "auto", (1, 2, 0)),
        (4, "auto", (1, 1, 0)),
        (3, "auto", (0, 0, 0)),
    ],
)
def test_at_most_a_quarter_of_the_trials_is_kept_for_confirming(
    trials: int, confirm: str, expected: tuple[int, int, int]
) -> None:
    confirmation = StudyPlan(trials=trials, confirm=confirm).confirmation
    assert (confirmation.candidates, confirmation.fresh_runs, confirmation.baselines) == expected
    assert confirmation.is_even == (confirm != "auto" or confirmation.num_runs == 0)
    assert confirmation.num_runs <= trials / 4


def test_hours_that_allow_fewer_trials_keep_fewer_for_confirming() -> None:
    assert StudyPlan(hours=0.5).confirmation.num_runs <= 2


@pytest.mark.parametrize("trials", [4, 8, 20, 50])
def test_confirmation_runs_are_within_the_cap(storage: Storage, tmp_path: Path, trials: int) -> None:
    make_study(storage, trials=trials, confirm="3x2", pruner="none", sampler="random")
    record = run_study(storage, tmp_path, ScriptedLauncher(by_width))
    kept = record.plan.confirmation
    roles = Counter(run.role for run in record.runs)
    assert record.counts()["total"] == trials
    assert (roles["baseline"], roles["confirmation"]) == (1 + kept.baselines, kept.fresh_runs)
    assert record.stop_reason == "trials"


def test_candidates_are_run_by_turns_with_seeds_of_their_own_and_nothing_else_changed(
    storage: Storage, tmp_path: Path
) -> None:
    make_study(storage, trials=20, confirm="2x2", pruner="none", sampler="random")
    launcher = ScriptedLauncher(by_width)
    record = run_study(storage, tmp_path, launcher)
    assert record.candidates is not None
    first, second = record.candidates
    late = [run for run in sorted(record.other_runs, key=lambda run: run.number) if run.number > 0]
    assert [run.candidate for run in late] == [first, second, None, first, second]
    seeds = [run.settings["seed"] for run in record.runs]
    assert len(set(seeds)) == len(seeds)
    for run in late:
        if run.candidate is not None:
            assert {**run.settings, "seed": 0} == {**record.search_runs[run.candidate].settings, "seed": 0}
    assert [order.run_id for order in launcher.orders[-5:]] == [run.run_id for run in late]


@pytest.mark.parametrize("stop_after", [3, 17, 20])
def test_a_study_that_is_broken_off_confirms_what_an_unbroken_one_does(
    storage: Storage, tmp_path: Path, stop_after: int
) -> None:
    for name in ("whole", "broken"):
        make_study(storage, name, trials=20, confirm="2x2", pruner="none", sampler="random", seed=3)
    whole = run_study(storage, tmp_path / "w", ScriptedLauncher(by_width), "whole")
    launcher = ScriptedLauncher(by_width)
    run_study(storage, tmp_path / "b", launcher, "broken", interrupted=lambda: len(launcher.orders) >= stop_after)
    continued = ScriptedLauncher(by_width)
    continued.finals = launcher.finals
    broken = run_study(storage, tmp_path / "b", continued, "broken")
    assert broken.counts()["total"] == 20
    assert broken.candidates == whole.candidates
    assert [(run.label, run.candidate, run.val_bpb) for run in broken.other_runs] == [
        (run.label, run.candidate, run.val_bpb) for run in whole.other_runs
    ]
    assert broken.final == whole.final


def test_several_workers_wait_for_the_search_before_they_confirm(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=20, confirm="2x2", workers=4, pruner="none", sampler="random")
    record = run_study(storage, tmp_path, ScriptedLauncher(by_width, capacity=4))
    last_search = max(trial.ended for trial in record.search_runs if trial.ended)
    assert all(run.started >= last_search for run in record.other_runs if run.role == "confirmation" and run.started)
    assert record.counts()["total"] == 20


def test_when_nothing_has_finished_there_is_nothing_to_confirm_and_the_search_goes_on(
    storage: Storage, tmp_path: Path
) -> None:
    def diverges(order: RunOrder) -> list[Any]:
        return [Ended(run_id=order.run_id, ending="diverged", reason="NaN")]

    make_study(storage, trials=8, confirm="1x2")
    record = run_study(storage, tmp_path, ScriptedLauncher(diverges))
    assert record.counts()["total"] == 8
    assert record.final == {}
    assert record.stop_reason == "trials"


def test_time_is_kept_for_confirming(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=50, confirm="3x2", seconds=180.0, hours=1.0, pruner="none", sampler="random")
    launcher = ScriptedLauncher(by_width)
    ticks = iter(range(10**6))

    def let_time_pass() -> bool:
        writer.lock.used_before_s = 20.0 * next(ticks)  # of which a run takes ten
        return False

    from bardtune.search.engine.coordinator import Coordinator
    from bardtune.studies.store.home import Home
    from bardtune.studies.store.reading import read_study
    from bardtune.studies.store.writer import StudyWriter
    from support.fakes import SilentView
    from support.studies_at_hand import space

    with StudyWriter(storage, "s") as writer:
        reason = Coordinator(
            writer, space(), launcher, SilentView(), home=Home(tmp_path), interrupted=let_time_pass
        ).run()
    record = read_study(storage, "s")
    kept = record.plan.confirmation
    assert reason == "hours"
    assert record.counts()["total"] < 50
    assert sum(run.role == "confirmation" for run in record.other_runs) == kept.fresh_runs
    assert record.seconds_used <= 3600


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


def test_a_search_ends_when_a_trial_has_reached_the_target_and_its_leaders_are_confirmed(
    storage: Storage, tmp_path: Path
) -> None:
    def third_is_good(order: RunOrder) -> list[float]:
        good = order.settings["seed"] if order.run_id != "search-0002" else None
        return falling_to(1.79 if good is None else 2.0 + good % 100 / 1e4)

    make_study(storage, trials=20, confirm="2x2", pruner="none", sampler="random", target=1.8)
    record = run_study(storage, tmp_path, ScriptedLauncher(third_is_good))
    assert (record.state, record.stop_reason, len(record.search_runs)) == ("finished", "target", 3)
    assert sum(run.role == "confirmation" for run in record.other_runs) == 4


def test_a_target_that_no_trial_reaches_ends_nothing(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=6, pruner="none", sampler="random", target=0.5)
    record = run_study(storage, tmp_path, ScriptedLauncher(by_width))
    assert (record.stop_reason, len(record.runs)) == ("trials", 6)
