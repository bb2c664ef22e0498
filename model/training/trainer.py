"""One training run as a generator of facts. It prints nothing and decides nothing about its own worth."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from bardtune.data.corpus import CONTEXT_BYTES, Corpus
from bardtune.data.windows import evaluation_windows, shuffled_offsets, windows_at
from bardtune.model.machine import peak_memory_bytes, reset_peak_memory
from bardtune.model.measure.ruler import INTERMEDIATE_WINDOWS, evaluate, say_nothing
from bardtune.model.network.gpt import GPT
from bardtune.model.settings import TrialSettings
from bardtune.model.training.budget import Budget, SecondsBudget, StepBudget, percent_reached
from bardtune.model.training.clock import TrainingClock
from bardtune.model.training.optimizers import Optimizers
from bardtune.model.training.stats import RunStats

logger = logging.getLogger(__name__)

WARM_UP_BYTES = 4_096  # of the text are counted before the clock runs
CHECKPOINT_SHARE = 0.01  # a run is saved before it is measured, unless that has taken more than this part of its time


class SavedState(Protocol):
    """Where a run keeps its state, to be continued from; see model/training/checkpoint.py."""

    path: Path

    def save(self, state: dict[str, Any]) -> None:
        """Raises OSError when it cannot be kept; the last state is still there then."""

    def load(self) -> dict[str, Any] | None:
        """Return the newest good state of this run, if there is one."""


class StepAction(Enum):
    """What a listener wants of a run after a step."""

    GO_ON = "go on"
    STOP = "stop"
    SAVE_AND_STOP = "save and stop"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What a run knows about itself at one evaluation."""

    percent: int  # of the budget spent, see ``percent_reached``
    step: int  # optimizer updates made so far
    elapsed_s: float  # of training
    val_bpb: float  # lower is better; infinite when the loss has stopped being a number
    final: bool = False  # measured on the whole validation part, at the end of the budget
    stats: RunStats

    @property
    def diverged(self) -> bool:
        return not math.isfinite(self.val_bpb)


OnStep = Callable[[int, float], StepAction]  # steps made, seconds spent


def never_stop(step: int, spent_s: float) -> StepAction:
    return StepAction.GO_ON


class TrainingRun:
    """A run: model, optimizers, windows, clock.

    ``fractions`` says for each step made what part of the budget was spent when it began: ``StepBudget(fractions)``
    makes the same steps again.

    Args:
        settings: what to train.
        corpus: its train part is learned from, its validation part measured with.
        budget: a number of steps; None is the seconds of the settings. With equal settings, threads and steps the run
            is the same each time.
        checkpoint: continued from if it holds this run, and saved to on the way; its fingerprint must tell apart
            runs that differ in their ``budget``.
        on_step: asked after each step, outside the clock; may end the run between two reports.
        on_evaluated: told again and again what part of a measurement is done, 0 to 1.
    """

    def __init__(
        self,
        settings: TrialSettings,
        corpus: Corpus,
        *,
        budget: StepBudget | None = None,
        checkpoint: SavedState | None = None,
        on_step: OnStep = never_stop,
        on_evaluated: Callable[[float], None] = say_nothing,
    ) -> None:
        self.settings, self.corpus = settings, corpus
        self.checkpoint, self.on_step, self.on_evaluated = checkpoint, on_step, on_evaluated
        self.clock = TrainingClock(settings.budget_s)
        self.budget: Budget = budget or SecondsBudget(self.clock)
        self.steps = 0
        self.fractions: list[float] = []  # one for each step
        self.percent = 0  # of the last report
        self.diverged = False
        reset_peak_memory()
        with self.clock.charge("setup"):
            self.model = GPT(settings, torch.Generator().manual_seed(settings.seed))
            self.optimizers = Optimizers(self.model, settings)
            self.model.learn_counts(corpus.train[:WARM_UP_BYTES])  # loops that must be compiled are so now
        with self.clock.charge("train"):  # what is learned from the text is paid for, counts too
            self.model.learn_counts(corpus.train)
        self.build_s = self.clock.spent_s
        with self.clock.charge("setup"):
            self._warm_up()
            self._continue()

    def events(self) -> Iterator[Progress]:
        """Train under the budget and report at each tenth of it; to stop the run, stop listening.

        Yields:
            Progress, the last one ``final`` unless the run diverged or was stopped.
        """
        if self.steps:  # it may have been ended while it was measured
            yield from self._due_report()
        while self.budget.has_time(self.steps) and not self.diverged:
            with self.clock.charge("train"):
                loss = self._step()
            if not math.isfinite(loss):
                yield self._progress(math.inf)
                return
            yield from self._due_report()
            action = StepAction.GO_ON if self.diverged else self.on_step(self.steps, self.clock.spent_s)
            if action is StepAction.SAVE_AND_STOP:
                self._save()
            if action is not StepAction.GO_ON:
                return
        if not self.diverged:
            self._save_if_cheap()
            yield self._measure(100)

    def _due_report(self) -> Iterator[Progress]:
        """A measurement if another tenth of the budget is spent; saved before it, which may take long."""
        if self.percent < (reached := percent_reached(self.budget.fraction(self.steps))) < 100:
            self._save_if_cheap()
            yield self._measure(reached)

    def _step(self) -> float:
        """One update; returns the mean loss of its windows in nats."""
        before_s = self.clock.now()
        fraction = self.budget.fraction(self.steps)
        loss = self._forward_backward(self._offsets())
        if math.isfinite(loss):
            self.optimizers.step(self._learning_progress(fraction))
        self.fractions.append(fraction)
        self.steps += 1
        self.clock.last_step_s = self.clock.now() - before_s
        return loss

    def _offsets(self) -> np.ndarray:
        """Where the windows of the next step begin, (B, 1), B in all networks."""
        num_windows, seed = self.settings.windows_per_step, self.settings.seed
        return shuffled_offsets(self.corpus.train, batch_size=num_windows, seed=seed, step=self.steps)

    def _learning_progress(self, fraction: float) -> float:
        """What the schedules follow, 0 to 1: the part spent of what counting the text has left for steps."""
        first = self.fractions[0] if self.fractions else fraction
        return (fraction - first) / (1.0 - first) if first < 1.0 else 1.0

    def _forward_backward(self, offsets: np.ndarray) -> float:
        """Mean loss in nats of the windows of the training text that begin at offsets (B, 1)."""
        batch = torch.from_numpy(windows_at(self.corpus.train, offsets).astype(np.int64))
        positions = torch.from_numpy(offsets) + torch.arange(CONTEXT_BYTES)
        return self.model.backward(batch[:, :-1], batch[:, 1:], positions)

    def _warm_up(self) -> None:
        """One pass that leaves no trace, so that first-time costs of the library are not charged to the run."""
        self._forward_backward(self._offsets())
        self.model.zero_grad(set_to_none=True)

    def _measure(self, percent: int) -> Progress:
        final = percent == 100
        with self.clock.charge("evaluate"):
            windows = evaluation_windows(self.corpus.validation, at_most=None if final else INTERMEDIATE_WINDOWS)
            val_bpb = evaluate(self.model, windows, on_share=self.on_evaluated)
        self.percent = percent
        return self._progress(val_bpb if math.isfinite(val_bpb) else math.inf)

    def _progress(self, val_bpb: float) -> Progress:
        self.diverged = not math.isfinite(val_bpb)
        return Progress(
            percent=self.percent,
            step=self.steps,
            elapsed_s=self.clock.spent_s,
            val_bpb=val_bpb,
            final=self.percent == 100,
            stats=self.stats(),
        )

    def stats(self) -> RunStats:
        clock = self.clock
        bytes_seen = self.steps * self.settings.windows_per_step * CONTEXT_BYTES
        return RunStats(
            num_params=self.model.num_params(),
            steps=self.steps,
            bytes_seen=bytes_seen,
            bytes_per_s=round(bytes_seen / max(clock.spent_s, 1e-9)),
            seconds={phase: round(seconds, 4) for phase, seconds in clock.seconds.items()},
            cpu_ratio=round(clock.cpu_train_s / max(clock.spent_s, 1e-9), 3),
            peak_memory_bytes=peak_memory_bytes(),
        )

    def _save_if_cheap(self) -> None:
        if self.clock.seconds["checkpoint"] <= CHECKPOINT_SHARE * self.clock.spent_s:
            self._save()

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        with self.clock.charge("checkpoint"):
            try:
                self.checkpoint.save(self._state())
            except OSError as problem:  # a full disk costs the checkpoint, not the run
                logger.warning("no checkpoint at %s: %s", self.checkpoint.path, problem)

    def _state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizers": self.optimizers.state_dict(),
            "steps": self.steps,
            "fractions": list(self.fractions),
            "last_step_s": self.clock.last_step_s,
            "percent": self.percent,
            "seconds": dict(self.clock.seconds),
            "cpu_train_s": self.clock.cpu_train_s,
            "build_s": self.build_s,
        }

    def _continue(self) -> None:
        """Take up the checkpoint's state, if it holds one."""
        state = self.checkpoint.load() if self.checkpoint else None
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizers.load_state_dict(state["optimizers"])
        self.steps, self.percent = state["steps"], state["percent"]
        self.fractions = list(state["fractions"])
        self.clock.last_step_s = state["last_step_s"]
        self.clock.seconds.update(state["seconds"])
        self.clock.cpu_train_s = state["cpu_train_s"]
        self.build_s = state["build_s"]
