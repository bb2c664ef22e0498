"""The end of a study: its finalists are scored on the test part, once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bardtune.search.engine.final_scoring import MOST_SCORINGS, FinalScoring
from bardtune.search.launch.protocol import Ended, RunOrder, ScoreOrder
from bardtune.studies.analysis.verdict import study_json, verdict_of
from bardtune.studies.errors import StudyError
from bardtune.studies.store.home import Home
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from support.fakes import TEST_IS_WORSE, ScriptedLauncher, SilentView, falling_to
from support.studies_at_hand import make_study, run_study, storage_at


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return storage_at(tmp_path)


def by_width(order: RunOrder) -> list[float]:
    """Wider is better, and each seed is a little different."""
    return falling_to(3.0 - order.settings["d_model"] / 128 + order.settings["seed"] % 100 / 1e5)


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


def test_a_score_that_failed_is_not_final(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=4, confirm="0")
    launcher = ScriptedLauncher(by_width)
    launcher.finals = Swapped()
    record = run_study(storage, tmp_path, launcher)
    assert record.state == "finished"
    verdict = verdict_of(record)
    assert verdict.test_bpb is None
    assert len(verdict.unscored) == 2
    assert "the run had" in verdict.no_test_reasons[0]
    again = ScriptedLauncher(by_width)
    again.finals = {run.run_id: run.val_bpb for run in record.runs if run.val_bpb is not None}
    with StudyWriter(storage, "s") as writer:
        scoring = FinalScoring(writer, again, SilentView(), home=Home(tmp_path), interrupted=lambda: False)
        assert scoring.score()
        with pytest.raises(StudyError, match="has been scored on the test part already; that is done once"):
            writer.note_final(again.scored[0], {"test_bpb": 1.0})
        made_up = writer.record()
    assert verdict_of(made_up).test_bpb is not None
    assert verdict_of(made_up).unscored == ()
    assert made_up.counts() == record.counts()
    third = ScriptedLauncher(by_width)
    with StudyWriter(storage, "s") as writer:
        FinalScoring(writer, third, SilentView(), home=Home(tmp_path), interrupted=lambda: False).score()
    assert third.scored == []


def test_a_finished_study_whose_scores_were_never_stored_says_so(storage: Storage, tmp_path: Path) -> None:
    make_study(storage, trials=4, confirm="0")
    record = run_study(storage, tmp_path, ScriptedLauncher(by_width))
    assert verdict_of(record).no_test_reasons == ()
    assert verdict_of(replace(record, final={})).no_test_reasons == ("it was not scored",)
    assert verdict_of(replace(record, final={}, state="interrupted", stop_reason="user")).no_test_reasons == ()


class Swapped(dict[str, float]):
    """Weights of somebody else's."""

    def get(self, key: str, default: Any = None) -> Any:
        return 1.0


class CutOff(ScriptedLauncher):
    """Loses its place while it scores, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(by_width)
        self.times = times

    def start(self, order: RunOrder | ScoreOrder) -> None:
        super().start(order)
        if isinstance(order, ScoreOrder) and self.times:
            self.times -= 1
            self.running[order.run_id] = [Ended(run_id=order.run_id, ending="interrupted", reason="its node was lost")]


@pytest.mark.parametrize(("times", "is_scored"), [(2, True), (MOST_SCORINGS, False)])
def test_a_scoring_whose_place_is_lost_is_begun_again_a_few_times(
    storage: Storage, tmp_path: Path, times: int, is_scored: bool
) -> None:
    make_study(storage, trials=1, confirm="0")
    record = run_study(storage, tmp_path, CutOff(times))
    (score,) = record.final.values()
    assert ("test_bpb" in score, score.get("reason")) == (is_scored, None if is_scored else "its node was lost")
