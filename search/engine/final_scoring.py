"""The end of a study: its winner and its baseline are scored on the test part, once each, and their weights kept."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from bardtune.search.engine.limits import ALLOWANCE_S, remaining_s, scoring_limit_s
from bardtune.search.launch.protocol import Ended, Launcher, LauncherEvent, Notice, ScoreOrder
from bardtune.search.terminal.lines import View
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.store.home import Home
from bardtune.studies.store.writer import StudyWriter

TICK_S = 0.25
MOST_SCORINGS = 3  # of the same weights, whose machine is lost each time
ROOM_WITHIN_S = 600.0  # on a cluster, some node is to have room
SAME_BPB = 1e-4  # between a run's own last measurement and its weights read again


class FinalScoring:
    """Scores a study's finalists on the test part when all its runs are made.

    Args:
        writer: the study, locked.
        launcher: where weights are scored; no run is in progress there.
        view: shows that time passes.
        home: where weights are kept.
        interrupted: asked at every tick; True ends the scoring, and what is not scored yet stays so.
        is_bounded: by the study's hours; what they do not leave time for can be scored later.
    """

    def __init__(
        self,
        writer: StudyWriter,
        launcher: Launcher,
        view: View,
        *,
        home: Home,
        interrupted: Callable[[], bool],
        is_bounded: bool = True,
    ) -> None:
        self.writer, self.launcher, self.view, self.home, self.interrupted = writer, launcher, view, home, interrupted
        self.is_bounded = is_bounded

    def score(self) -> bool:
        """Score the winner and the baseline on the test part, each once; False if somebody has interrupted it.

        What could not be scored before, because its process was killed or its weights were away, is tried again.
        """
        unscored = verdict_of(self.writer.record(), over=True).unscored
        if unscored:
            self.view.said(f"scoring on the test part: {' and '.join(run.label for run in unscored)} ...")
        for run in unscored:
            assert run.val_bpb is not None
            ended = self._score(run.run_id)
            if ended is None:
                return False
            self.writer.note_final(run.run_id, final_score(run.val_bpb, ended))
        return True

    def _score(self, run_id: str) -> Ended | None:
        """Have a run's weights scored, again where that was cut off; None if somebody has interrupted it."""
        for _ in range(MOST_SCORINGS):
            ended = self._score_once(run_id)
            if ended is None or ended.ending != "interrupted":
                break
        return ended

    def _score_once(self, run_id: str) -> Ended | None:
        corpus = self.writer.corpus
        waits_until = self.writer.lock.seconds_used() + min(self.most_s, ROOM_WITHIN_S)
        while not self.launcher.capacity:
            if self.interrupted():
                return None
            if self.writer.lock.seconds_used() > waits_until:
                return Ended(run_id=run_id, ending="crashed", reason="no machine was left to score it on")
            self._listen()
        weights = self.home.weights(self.writer.study_id, run_id)
        self.launcher.start(
            ScoreOrder(
                run_id=run_id,
                weights=weights,
                corpus=self.writer.plan.corpus,
                corpus_sha256=corpus["sha256"],
                limit_s=scoring_limit_s(corpus),
                most_s=self.most_s,
            )
        )
        while not self.interrupted():
            for event in self._listen():
                if isinstance(event, Ended) and event.run_id == run_id:
                    return event
        return None

    def _listen(self) -> Sequence[LauncherEvent]:
        """What happens within a tick."""
        events = self.launcher.events(TICK_S)
        for event in events:
            if isinstance(event, Notice):
                self.view.said(event.text)
        self.writer.renew()
        self.view.tick(self.writer.lock.seconds_used())
        return events

    @property
    def most_s(self) -> float:
        return max(remaining_s(self.writer), ALLOWANCE_S) if self.is_bounded else math.inf

    def tidy_weights(self) -> None:
        """Keep the weights of the finalists and of what was confirmed, which may win yet; only when a study is over."""
        verdict = verdict_of(self.writer.record(), over=True)
        confirmed = [run for candidate in verdict.candidates for run in candidate.runs]
        kept = {run.run_id for run in (*verdict.finalists, *confirmed)}
        folder = self.home.weights(self.writer.study_id, "any").parent
        for file in folder.glob("*.safetensors"):
            if file.stem not in kept:
                file.unlink(missing_ok=True)


def final_score(known_bpb: float, ended: Ended) -> dict[str, Any]:
    """What is stored of a score on the test part: only of weights that are the run's own."""
    if ended.val_bpb is None or ended.test_bpb is None:
        return {"reason": ended.reason or "its weights could not be scored"}
    if not abs(ended.val_bpb - known_bpb) <= SAME_BPB:
        return {"reason": f"its weights reach {ended.val_bpb:.4f} bpb and the run had {known_bpb:.4f}"}
    return {"test_bpb": ended.test_bpb}
