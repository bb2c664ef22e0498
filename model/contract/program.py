"""A run as an exported program makes it: measured at its end by ``prepare``, and told from the file of its weights."""

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from bardtune.data.corpus import Corpus
from bardtune.model.measure.ruler import WINDOWS_AT_ONCE
from bardtune.model.settings import TrialSettings
from bardtune.model.training.budget import StepBudget
from bardtune.model.training.trainer import Progress, TrainingRun

Score = Callable[[nn.Module, int, str], float]  # model, batch size, device: ``evaluate_bpb`` of prepare.py


class ProgramRun(TrainingRun):
    """A run whose last measurement is ``score``'s."""

    def __init__(
        self, settings: TrialSettings, corpus: Corpus, *, budget: StepBudget | None = None, score: Score
    ) -> None:
        super().__init__(settings, corpus, budget=budget)
        self.score = score

    def _measure(self, percent: int) -> Progress:
        if percent < 100:
            return super()._measure(percent)
        with self.clock.charge("evaluate"):
            val_bpb = float(self.score(self.model, WINDOWS_AT_ONCE, "cpu"))
        self.percent = percent
        return self._progress(val_bpb if math.isfinite(val_bpb) else math.inf)


def leave_weights(run: TrainingRun, file: Path) -> None:
    """Write what a run has learned: a safetensors file (see ``recorded_fractions``), its settings in the metadata.

    Counts are not in it: they are made from the training text again. A tied head is not in it twice.

    Raises:
        OSError: it cannot be written.
    """
    tensors = {name: tensor.numpy().astype("<f4") for name, tensor in run.model.state_dict().items()}
    if run.settings.tied_head:
        tensors = {name: values for name, values in tensors.items() if not name.endswith("head.weight")}
    header: dict[str, Any] = {"__metadata__": {"settings": json.dumps(run.settings.as_dict())}}
    end = 0
    for name, values in tensors.items():
        begin, end = end, end + values.nbytes
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": (begin, end)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors are aligned
    with file.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for values in tensors.values():
            out.write(values.tobytes())


def recorded_fractions(weights: Path) -> tuple[float, ...]:
    """For each step of the run that ended with ``weights``, the part of the budget that was spent when it began.

    A safetensors file begins with the length of its header, which is JSON.
    """
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return tuple(json.loads(header["__metadata__"]["fractions"]))


def result_of(progress: Progress | None) -> dict[str, Any]:
    """What the last line of a program says; ``val_bpb`` is None if the run diverged."""
    if progress is None or progress.diverged:
        return {"val_bpb": None, "total_steps": progress.step if progress else 0, "num_params_M": None}
    return {
        "val_bpb": round(progress.val_bpb, 6),
        "total_steps": progress.step,
        "num_params_M": progress.stats.million_params,
    }
