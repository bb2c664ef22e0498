"""Whole runs in a line."""

from collections.abc import Iterator
from typing import Any

from bardtune.data.corpus import Corpus
from bardtune.model.settings import TrialSettings
from bardtune.model.training.budget import step_budget
from bardtune.model.training.trainer import Progress, TrainingRun


def train(
    settings: TrialSettings, corpus: Corpus, *, num_steps: int | None = None, **options: Any
) -> Iterator[Progress]:
    """The reports of a run of so many steps, or of the seconds of its settings; other options are TrainingRun's."""
    options.setdefault("budget", step_budget(num_steps=num_steps))
    return TrainingRun(settings, corpus, **options).events()
