"""A study as its readers see it: plain values, the search trials and the other runs told apart."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from bardtune.data.corpus import BUILT_IN
from bardtune.data.paths import short_name
from bardtune.model.training.stats import RunStats
from bardtune.studies.earlier import EarlierStudy
from bardtune.studies.extensions import Extension, confirmation_of
from bardtune.studies.plan import MAX_TRIALS, Confirmation, StudyPlan

Role = Literal["search", "baseline", "confirmation", "service"]
# Optuna's states, except that a stopped run waits as "interrupted" until it is continued.
RunState = Literal["complete", "pruned", "failed", "running", "interrupted"]
StudyState = Literal["running", "interrupted", "finished"]
StopReason = Literal["trials", "hours", "settled", "target", "user", "error"]
FINISHING_REASONS = ("trials", "hours", "settled", "target")


def make_run_id(role: Role, number: int) -> str:
    return f"{role}-{number:04d}"


def make_label(role: Role, number: int) -> str:
    return {"search": f"trial {number}", "baseline": "baseline"}.get(role, f"{role} {number}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One dimension of the search space, as Optuna stored it."""

    name: str
    log: bool = False
    choices: tuple[Any, ...] | None = None  # of a categorical one, in order; None for a number
    low: float | None = None
    high: float | None = None
    conditional: bool = False  # drawn only where other parameters have certain values


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord:
    """One training run of a study, of any role."""

    number: int  # within its role, from 0
    role: Role
    state: RunState
    ending: str | None  # finished, pruned, diverged, crashed, interrupted; None while running
    reason: str | None  # why it ended so, when there is more to say
    val_bpb: float | None  # of a finished run, over the whole validation part
    curve: tuple[tuple[int, float], ...]  # (percent of budget, bpb), rising percents
    params: dict[str, Any]  # the sampled values; empty for other roles
    settings: dict[str, Any]
    stats: RunStats
    started: datetime | None
    ended: datetime | None
    candidate: int | None = None  # number of the search trial that this run confirms with another seed
    repeats: int = 0  # how often it was run again because its machine was busy
    script: dict[str, Any] | None = None  # of a training-service run: path, sha256, source, diff, trust

    @property
    def label(self) -> str:
        """What users call this run."""
        return make_label(self.role, self.number)

    @property
    def run_id(self) -> str:
        """Names the run within its study, also as a file name."""
        return make_run_id(self.role, self.number)

    @property
    def trust(self) -> str | None:
        """How a script's bpb is known: checked, measured or self-reported; None for runs of our own."""
        return None if self.script is None else self.script.get("trust")

    @property
    def last_bpb(self) -> float | None:
        """The final bpb, or else the last one on the way."""
        return self.val_bpb if self.val_bpb is not None else (self.curve[-1][1] if self.curve else None)

    def seconds(self, phase: str) -> float:
        """Seconds spent in a phase of the training clock; 0 if unknown."""
        return self.stats.seconds.get(phase, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyRecord:
    """All that is stored of one study, at one moment."""

    name: str
    plan: StudyPlan
    state: StudyState
    stop_reason: StopReason | None
    seconds_used: float  # active time, over all sessions
    corpus: dict[str, Any]  # name, bytes, sha256
    parameters: tuple[Parameter, ...]
    search_runs: tuple[TrialRecord, ...]  # drawn from the search space, by number
    other_runs: tuple[TrialRecord, ...]  # baseline, confirmation and service
    storage: str  # URL without password
    fingerprint: dict[str, Any] = field(default_factory=dict)
    candidates: tuple[int, ...] | None = None  # search trials chosen to be confirmed; None while the search goes on
    final: dict[str, dict[str, Any]] = field(default_factory=dict)  # by run id: test_bpb, or the reason for none
    note: str = ""  # words of the user's
    extensions: tuple[Extension, ...] = ()  # of the plan, the oldest first; ``plan`` is as the last has left it
    earlier: tuple[EarlierStudy, ...] = ()  # studies that it comes after
    address: str | None = None  # of the cluster that it used last
    is_moved: bool = False  # whether its runs have trained in several places, or by several numbers at a time

    @property
    def corpus_name(self) -> str:
        """What the text is called, without its place."""
        return short_name(str(self.corpus.get("name", self.plan.corpus)))

    @property
    def has_own_text(self) -> bool:
        """Whether the text is its user's and not the built-in one."""
        return bool(self.corpus.get("name") != BUILT_IN)

    @property
    def confirmation(self) -> Confirmation:
        """The runs that are kept for making sure of the winner."""
        return confirmation_of(self.plan, self.extensions)

    @property
    def extended_at(self) -> tuple[int, ...]:
        """How many runs there were at each extension by somebody who had seen a verdict."""
        return tuple(extension.at_runs for extension in self.extensions if extension.was_over)

    @property
    def runs(self) -> tuple[TrialRecord, ...]:
        return self.other_runs + self.search_runs

    @property
    def baseline(self) -> TrialRecord | None:
        """The reference recipe's run, if it has finished."""
        return next((run for run in self.other_runs if run.role == "baseline" and run.val_bpb is not None), None)

    @property
    def best(self) -> TrialRecord | None:
        """The finished search trial with the lowest bpb; the earlier one of equals."""
        finished = [trial for trial in self.search_runs if trial.val_bpb is not None]
        return min(finished, key=lambda trial: (trial.val_bpb, trial.number), default=None)

    @property
    def best_known(self) -> TrialRecord | None:
        """The first search trial, the best point known before the search; None until it has finished."""
        return next((trial for trial in self.search_runs if trial.number == 0 and trial.val_bpb is not None), None)

    def counts(self) -> dict[str, int]:
        """Training runs of every role: the cap, the plan, and how many there are in each state."""
        states = Counter(run.state for run in self.runs)
        return {
            "cap": MAX_TRIALS,
            "planned": self.plan.trials,
            "total": len(self.runs),
            "complete": states["complete"],
            "pruned": states["pruned"],
            "failed": states["failed"],
            "running": states["running"],
            "interrupted": states["interrupted"],
            "diverged": sum(run.ending == "diverged" for run in self.runs),
            "starved": sum(bool(run.stats.starved) for run in self.runs),
        }

    @property
    def kinds_of_processor(self) -> tuple[str, ...]:
        """On what its runs have trained, the commonest first: their bpb by seconds compare on one kind alone.

        The processor's name and wide instructions, the precision that it chose, and whether loops were compiled. A
        precision that the settings have fixed says nothing of the processor.
        """
        known = [run for run in self.runs if run.stats.cpu is not None]
        chosen = [run for run in known if run.settings.get("precision", "auto") == "auto"]
        seen = {(run.stats.cpu, run.stats.numba) for run in chosen}
        stats = [run.stats for run in chosen]
        stats += [replace(run.stats, precision=None) for run in known if (run.stats.cpu, run.stats.numba) not in seen]
        kinds = Counter(each.kind_of_processor for each in stats)
        return tuple(kind for kind, _ in kinds.most_common())

    @property
    def latest_kind(self) -> tuple[str, bool] | None:
        """Processor and numba of the run that began last, of those that tell; further runs are held to it."""
        told = [(run.started, run.run_id, run.stats) for run in self.runs if run.started and run.stats.cpu]
        if not told:
            return None
        *_, stats = max(told, key=lambda each: each[:2])
        return str(stats.cpu), bool(stats.numba)

    @property
    def nodes_by_host(self) -> dict[str, list[int]]:
        """Numbers of a cluster's nodes on which runs have trained, by their hosts."""
        found: dict[str, set[int]] = {}
        for run in self.runs:
            if run.stats.node and run.stats.host:
                found.setdefault(run.stats.host, set()).add(run.stats.node)
        return {host: sorted(numbers) for host, numbers in found.items()}

    @property
    def share_outside_training(self) -> float | None:
        """Part of the workers' time that was neither training nor evaluation; None before any run has ended.

        Nor is it known where workers came and went.
        """
        if self.is_moved or any(run.stats.node for run in self.runs):
            return None
        useful_s = sum(run.seconds("train") + run.seconds("evaluate") for run in self.runs)
        available_s = self.seconds_used * self.plan.workers
        return max(0.0, 1.0 - useful_s / available_s) if useful_s and available_s else None
