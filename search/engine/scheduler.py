"""Which run a study makes next: the search, then the confirmation of its leaders; never more than planned."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from bardtune.search.engine.confirming import leaders, most_decisive
from bardtune.search.engine.settled import Outlook, outlook
from bardtune.search.sampling.so_far import StudySoFar
from bardtune.studies.plan import BASELINE_FROM_TRIALS
from bardtune.studies.records import Role
from bardtune.studies.store.writer import StudyWriter
from bardtune.studies.surrogate.maker import SurrogateMaker

FINAL_SHARE = 2.0  # of the overhead of a run: scoring two models on the test part at the end


@dataclass(frozen=True, slots=True)
class NextRun:
    """A run that is to begin now: its role, and the search trial that it confirms."""

    role: Role
    candidate: int | None = None


Decision = NextRun | Literal["nothing", "wait"]  # wait: for the runs in progress, whose results decide


class Scheduler:
    """Decides which run comes next, from what is stored alone: a resumed study goes on where it was.

    Args:
        writer: the study.
        so_far: what it has learned; None for one that only asks for what is left.
    """

    def __init__(self, writer: StudyWriter, so_far: StudySoFar | None = None) -> None:
        self.writer, self.plan, self.so_far = writer, writer.plan, so_far
        self.surrogates = SurrogateMaker() if so_far is None else so_far.surrogates

    def next(self, *, num_running: int, remaining_s: float, run_s: float) -> Decision:
        """Decide. Noting the leaders of a search that is over is part of it.

        Args:
            num_running: runs in progress.
            remaining_s: active time that the study has left.
            run_s: what a run takes, with its overhead.
        """
        num_runs, others = self.writer.num_runs(), self.writer.roles()
        if num_runs >= self.plan.trials:
            return "nothing"
        if self.plan.trials >= BASELINE_FROM_TRIALS and not others["baseline"]:
            return NextRun("baseline")
        kept = self._kept_runs(others)
        candidates = self.writer.candidates
        if candidates is None or not candidates:
            kept_s = (kept / self.plan.workers + (FINAL_SHARE if kept else 0.0)) * run_s
            has_room = num_runs + kept < self.plan.trials and remaining_s >= run_s + kept_s
            if has_room and not (self._has_reached_target() or self._has_settled()):
                return NextRun("search")
            if not kept or candidates is not None:
                return "nothing"
            if num_running:
                return "wait"
            candidates = self._choose()
            if not candidates:  # nothing has finished: what was kept for confirming goes to the search
                return self.next(num_running=num_running, remaining_s=remaining_s, run_s=run_s)
        return self._confirmation(candidates)

    def outlook(self) -> Outlook | None:
        """What the search's own runs that are left promise; None when it is over, or as long as that cannot be told."""
        if self.so_far is None or self.writer.candidates is not None:
            return None
        num_left = self.plan.trials - self.writer.num_runs() - self._kept_runs(self.writer.roles())
        return outlook(self.so_far, num_left)

    def _has_reached_target(self) -> bool:
        """Whether some trial has finished at or below the bpb that the user wants."""
        if not self.plan.target:
            return False
        best = self.writer.record().best
        if self.writer.reached is None and best is not None and (best.val_bpb or 0.0) <= self.plan.target:
            self.writer.note_reached(best.number)
        return self.writer.reached is not None

    def _has_settled(self) -> bool:
        """Whether the search is to end before its time."""
        if not self.plan.stop_when_settled:
            return False
        if self.writer.settled is not None:
            return True
        found = self.outlook()
        if found is None or not found.is_settled:
            return False
        self.writer.note_settled(found.text)
        return True

    def refusal_of_script(self, *, remaining_s: float, run_s: float) -> str | None:
        """Why the study has no run left for a user's script, to follow "the study has"; None if it has one.

        A script takes a run that the search would have made, never one that is kept for baseline and confirmation.
        """
        num_runs, others = self.writer.num_runs(), self.writer.roles()
        if num_runs >= self.plan.trials:
            return f"made all of its {self.plan.trials} runs"
        lacks_baseline = self.plan.trials >= BASELINE_FROM_TRIALS and not others["baseline"]
        kept = self._kept_runs(others) + int(lacks_baseline)
        if num_runs + kept >= self.plan.trials:
            left = f"{self.plan.trials - num_runs} of its {self.plan.trials} runs left"
            return f"{left}, kept for its own baseline and confirmation"
        if remaining_s < run_s * (1 + kept / self.plan.workers):
            kept_text = f" and the {kept} kept for baseline and confirmation" if kept else ""
            return f"{remaining_s:.0f} s left, too few for a run of {run_s:.0f} s{kept_text}"
        return None

    def _kept_runs(self, others: Counter[str | None]) -> int:
        """Runs that the search must leave for the confirmation; none when there was nothing to confirm."""
        if self.writer.candidates is not None and not self.writer.candidates:
            return 0
        return self.writer.confirmation.num_runs - others["confirmation"] - max(0, others["baseline"] - 1)

    def _choose(self) -> list[int]:
        """End the search: note its leaders."""
        record = self.writer.record()
        found = leaders(record, self.surrogates.make(record))[: self.writer.confirmation.candidates]
        chosen = [trial.number for trial in found]
        self.writer.note_candidates(chosen)
        return chosen

    def _confirmation(self, candidates: list[int]) -> Decision:
        """The next run of the confirmation: each candidate once, the baseline again, and then what decides."""
        plan, made = self.writer.confirmation, self.writer.confirmed()
        num_fresh = sum(made.values())
        baseline_is_due = num_fresh >= min(len(candidates), plan.fresh_runs)
        if baseline_is_due and self.writer.roles()["baseline"] <= plan.baselines:
            return NextRun("baseline")
        if num_fresh >= plan.fresh_runs:
            return "nothing"
        fewest = min(candidates, key=lambda candidate: made[candidate])  # of equals, the one that leads
        if plan.is_even or made[fewest] == 0:
            return NextRun("confirmation", fewest)
        record = self.writer.record()
        return NextRun("confirmation", most_decisive(record, self.surrogates.make(record), candidates, made))
