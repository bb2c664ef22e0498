"""Scoring what a script has handed back, on the validation part.

Weights are data: a safetensors file holds no code, and the model around them is ours. A whole model is a program. What
``torch.export.save`` writes is read with pickle and ``eval``; TorchScript is no safer, and deprecated in favour of it.
So whoever calls ``score_model`` does it in a process that may do no more than the script itself could.
"""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from bardtune.data.corpus import CONTEXT_BYTES, VOCAB_SIZE, Corpus
from bardtune.data.errors import UserError
from bardtune.data.windows import evaluation_windows
from bardtune.model import TRAINER_VERSION
from bardtune.model.measure.legality import check_legality
from bardtune.model.measure.ruler import evaluate
from bardtune.model.network.weights import SavedWeights, read_tensors, trained_model
from bardtune.model.settings import settings_from


class CheckError(UserError):
    """What was handed back cannot be scored; the sentence goes on after "not checked: "."""


def score_weights(path: Path, settings: Mapping[str, Any] | None, corpus: Corpus) -> float:
    """Return the bpb of bardtune's own model with the weights in a safetensors file.

    It is not asked whether the model is legal: this network is with any weights, as long as its numbers are finite
    (tests/model/test_legality.py).

    Args:
        path: the file.
        settings: of the model; None if they are in the file's metadata.
        corpus: its training part is counted, if the settings want that.

    Raises:
        CheckError, SettingsError, WeightsError: the file or the settings are no good, or do not fit each other.
    """
    try:
        facts, tensors = read_tensors(path)
    except (OSError, SafetensorError) as problem:
        raise CheckError(f"the weights are no whole safetensors file: {problem}") from problem
    chosen = settings_from(_settings_in(facts) if settings is None else settings)
    saved = SavedWeights(tensors=tensors, settings=chosen, fractions=[], threads=1, trainer_version=TRAINER_VERSION)
    model = trained_model(saved)
    model.learn_counts(corpus.train)
    return evaluate(model, evaluation_windows(corpus.validation))


def score_model(path: Path, corpus: Corpus) -> float:
    """Return the bpb of a model that ``torch.export.save`` has written. This may run code that is in the file.

    Raises:
        CheckError: it is no such file, or does not map bytes to logits.
        IllegalModelError: it does what no model may do that is measured.
    """
    try:
        call = torch.export.load(path).module().__call__
    except Exception as problem:  # the file decides what is raised
        raise CheckError(f"the model is nothing that torch.export.save writes: {_said(problem)}") from problem
    model = HandedModel(call)
    bpb = evaluate(model, evaluation_windows(corpus.validation))
    if math.isfinite(bpb):
        check_legality(model, corpus.validation)
    return bpb


class HandedModel(nn.Module):
    """A model of somebody else's, as the ruler wants it: asked with many windows at once, or with one at a time.

    Args:
        call: maps (B, T) int64 to logits (B, T, V), for any B or for B = 1.

    Raises:
        CheckError: it does neither.
    """

    def __init__(self, call: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.call = call
        self.one_at_a_time = not all(self._takes(num_windows) for num_windows in (2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) int64 to logits (B, T, V)."""
        if not self.one_at_a_time:
            return self._ask(x)
        return torch.cat([self._ask(x[each : each + 1]) for each in range(len(x))])

    def _takes(self, num_windows: int) -> bool:
        """Whether it takes so many windows; one that has been exported for a certain number takes no other."""
        try:
            self.call(torch.zeros(num_windows, CONTEXT_BYTES, dtype=torch.int64))
        except Exception:  # said when it takes a single one neither
            return False
        return True

    def _ask(self, x: Tensor) -> Tensor:
        try:
            logits = self.call(x)
        except Exception as problem:  # the model decides what is raised
            raise CheckError(f"the model takes no windows of shape {tuple(x.shape)}: {_said(problem)}") from problem
        expected = (*x.shape, VOCAB_SIZE)
        if not isinstance(logits, Tensor) or logits.shape != expected or not logits.is_floating_point():
            is_tensor = isinstance(logits, Tensor)
            got = f"{logits.dtype} of shape {tuple(logits.shape)}" if is_tensor else type(logits).__name__
            raise CheckError(f"the model must give logits of shape {expected} for {tuple(x.shape)}, and it gives {got}")
        return logits


def _settings_in(facts: Mapping[str, str]) -> dict[str, Any]:
    """The settings in a file's metadata."""
    try:
        settings = json.loads(facts["settings"])
    except KeyError as problem:
        raise CheckError('there are no "settings" of the weights, neither in the line nor in the file') from problem
    except (ValueError, RecursionError) as problem:
        raise CheckError('the "settings" in the metadata of the weights are not JSON') from problem
    if not isinstance(settings, dict):
        raise CheckError('the "settings" in the metadata of the weights are no object')
    return settings


def _said(problem: Exception) -> str:
    """The first line of what somebody else's code has raised."""
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[0]}" if lines else type(problem).__name__
