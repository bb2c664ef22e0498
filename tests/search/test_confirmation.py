"""Studies that confirm their winner: within the cap, with fresh seeds, and scored on the test part once."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bardtune.search.commands.shared import print_summary
from bardtune.search.launch.protocol import Ended, RunOrder
from bardtune.studies.analysis.verdict import study_json, verdict_of
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.storage import Storage

from support.fakes import TEST_IS_WORSE, ScriptedLauncher, falling_to
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
        (50, "3x2", (3, 2, 1)),
        (20, "3x2", (2, 2, 1)),
        (12, "3x2", (1, 2, 1)),
        (8, "3x2", (1, 2, 0)),
        (4, "3x2", (1, 1, 0)),
        (3, "3x2", (0, 0, 0)),
        (50, "0", (0, 0, 0)),
        (50, "9x9", (1, 9, 1)),
        (50, "5x2", (5, 2, 1)),
    ],
)
def test_at_most_a_quarter_of_the_trials_is_kept_for_confirming(
    trials: int, confirm: str, expected: tuple[int, int, int]
) -> None:
    confirmation = StudyPlan(trials=trials, confirm=confirm).confirmation
    assert tuple(confirmation) == expected
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
    assert (roles["baseline"], roles["confirmation"]) == (1 + kept.baselines, kept.candidates * kept.seeds)
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


def test_the_winner_and_the_baseline_are_scored_once_and_only_they(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=20, confirm="2x2", pruner="none", sampler="random")
    launcher = ScriptedLauncher(by_width)
    record = run_study(storage, tmp_path, launcher)
    verdict = verdict_of(record)
    assert launcher.scored == [run.run_id for run in verdict.finalists]
    assert verdict.take_home is not None
    assert verdict.test_bpb == pytest.approx(verdict.take_home.val_bpb + TEST_IS_WORSE)
    found = study_json(record)
    assert found["best"]["confirmed"]["n"] == found["baseline"]["confirmed"]["n"] == 2
    assert found["best"]["test_bpb"] < found["baseline"]["test_bpb"]
    again = ScriptedLauncher(by_width)
    assert run_study(storage, tmp_path, again).final == record.final
    assert again.scored == []


def test_weights_that_are_not_the_runs_own_are_not_believed(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=4, confirm="0")
    launcher = ScriptedLauncher(by_width)
    launcher.finals = Swapped()
    record = run_study(storage, tmp_path, launcher)
    assert {tuple(score) for score in record.final.values()} == {("reason",)}
    assert "the run had" in next(iter(record.final.values()))["reason"]


class Swapped(dict[str, float]):
    """Weights of somebody else's."""

    def get(self, key: str, default: Any = None) -> Any:
        return 1.0


@pytest.mark.parametrize("stop_after", [3, 15, 17, 19, 20])
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
    assert sum(run.role == "confirmation" for run in record.other_runs) == kept.candidates * kept.seeds
    assert record.seconds_used <= 3600


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
