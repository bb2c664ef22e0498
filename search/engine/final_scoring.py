"""The end of a study: its winner and its baseline are scored on the test part, once, and their weights kept."""

from collections.abc import Callable
from typing import Any

from bardtune.data.corpus import VALIDATION_PERCENT
from bardtune.search.launch.protocol import Ended, Launcher, ScoreOrder
from bardtune.search.terminal.lines import View
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.store.home import Home
from bardtune.studies.store.writer import StudyWriter

TICK_S = 0.25
ALLOWANCE_S = 30.0  # wall time that an order may take longer than it should ...
EVALUATION_BYTES_PER_S = 5_000  # ... and the time to evaluate, at the slowest that can be meant
SCORING_SHARE = 4.0  # of the time to evaluate: validation and test part, and counting the text
SAME_BPB = 1e-4  # between a run's own last measurement and its weights read again


class FinalScoring:
    """What is left to do when all runs of a study are made.

    Args: as of the coordinator.
    """

    def __init__(
        self, writer: StudyWriter, launcher: Launcher, view: View, *, home: Home, interrupted: Callable[[], bool]
    ) -> None:
        self.writer, self.launcher, self.view, self.home, self.interrupted = writer, launcher, view, home, interrupted

    def score(self) -> bool:
        """Score the winner and the baseline on the test part, once; False if somebody has interrupted it."""
        record = self.writer.record()
        if record.final:
            return True
        final: dict[str, dict[str, Any]] = {}
        for run in verdict_of(record, over=True).finalists:
            assert run.val_bpb is not None
            ended = self._score(run.run_id)
            if ended is None:
                return False
            final[run.run_id] = final_score(run.val_bpb, ended)
        if final:
            self.writer.note_final(final)
        return True

    def _score(self, run_id: str) -> Ended | None:
        """Have a run's weights scored; None if somebody has interrupted it."""
        corpus = self.writer.corpus
        weights = self.home.weights(self.writer.study_id, run_id)
        self.launcher.start(
            ScoreOrder(
                run_id=run_id,
                weights=weights,
                corpus=self.writer.plan.corpus,
                corpus_sha256=corpus["sha256"],
                limit_s=ALLOWANCE_S + SCORING_SHARE * evaluation_s(corpus),
            )
        )
        while not self.interrupted():
            for event in self.launcher.events(TICK_S):
                if isinstance(event, Ended) and event.run_id == run_id:
                    return event
            self.writer.renew()
            self.view.tick(self.writer.lock.seconds_used())
        return None

    def tidy_weights(self) -> None:
        """Keep the weights of the winner and of the baseline; only for a study that is over."""
        kept = {run.run_id for run in verdict_of(self.writer.record(), over=True).finalists}
        folder = self.home.weights(self.writer.study_id, "any").parent
        for file in folder.glob("*.safetensors"):
            if file.stem not in kept:
                file.unlink(missing_ok=True)


def evaluation_s(corpus: dict[str, Any]) -> float:
    """Wall seconds to evaluate a model on the validation part, at the slowest that can be meant."""
    return float(corpus["bytes"]) * VALIDATION_PERCENT / 100 / EVALUATION_BYTES_PER_S


def final_score(known_bpb: float, ended: Ended) -> dict[str, Any]:
    """What is stored of a score on the test part: only of weights that are the run's own."""
    if ended.val_bpb is None or ended.test_bpb is None:
        return {"reason": ended.reason or "its weights could not be scored"}
    if not abs(ended.val_bpb - known_bpb) <= SAME_BPB:
        return {"reason": f"its weights reach {ended.val_bpb:.4f} bpb and the run had {known_bpb:.4f}"}
    return {"test_bpb": ended.test_bpb}
