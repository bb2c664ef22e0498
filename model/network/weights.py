"""What a finished run has learned, in a file that holds no code: safetensors."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bardtune.data.errors import UserError
from bardtune.data.files import replacing
from bardtune.model import TRAINER_VERSION
from bardtune.model.network.gpt import GPT
from bardtune.model.settings import TrialSettings, settings_from


class WeightsError(UserError):
    """Weights that cannot be read, or that no model of this version can have."""


class SavedWeights(NamedTuple):
    """A run as ``save_weights`` left it."""

    tensors: dict[str, Tensor]
    settings: TrialSettings
    fractions: list[float]  # for each step, the part of the budget that was spent when it began
    threads: int
    trainer_version: int


def save_weights(path: Path, model: GPT, *, settings: TrialSettings, fractions: Sequence[float], threads: int) -> None:
    """Write a model's parameters and all that repeats its run; the file is whole or not there.

    Counts are not in it: they are made from the training text again. A tied head is not in it twice.
    """
    facts: dict[str, Any] = {
        "settings": settings.as_dict(),
        "fractions": list(fractions),
        "threads": threads,
        "trainer_version": TRAINER_VERSION,
    }
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    if settings.tied_head:
        tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith("head.weight")}
    with replacing(path, durable=True) as draft:
        save_file(tensors, draft, metadata={name: json.dumps(fact) for name, fact in facts.items()})


def read_weights(path: Path) -> SavedWeights:
    """Read what ``save_weights`` wrote.

    Raises:
        WeightsError: no such file, or not one of ours.
    """
    try:
        metadata, tensors = read_tensors(path)
        facts = {name: json.loads(fact) for name, fact in metadata.items()}
        settings = settings_from(facts.pop("settings"))
        return SavedWeights(tensors=tensors, settings=settings, **facts)
    except (OSError, SafetensorError, UserError, KeyError, TypeError, ValueError, RecursionError) as problem:
        why = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem).partition("\n")[0].rstrip(".")
        raise WeightsError(
            f"the weights {path.name} cannot be read: {why:.200}; run the study again, or export it again."
        ) from problem


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and the tensors of a safetensors file.

    Raises:
        OSError, SafetensorError: no such file, or no whole one.
    """
    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def check_trainer(saved: SavedWeights) -> None:
    """Raise WeightsError if another version of the trainer, whose model may be another, has left these weights."""
    if saved.trainer_version != TRAINER_VERSION:
        raise WeightsError(
            f"the weights are of trainer version {saved.trainer_version} and this bardtune has {TRAINER_VERSION}; "
            "use the bardtune that trained them, or run the study again."
        )


def trained_model(saved: SavedWeights) -> GPT:
    """The model of a run; if it has experts that count, ``learn_counts`` must be called before it is used.

    Raises:
        WeightsError: another version of the trainer has left them, or they do not fit their settings.
    """
    check_trainer(saved)
    model = GPT(saved.settings, torch.Generator().manual_seed(saved.settings.seed))
    tensors = dict(saved.tensors)
    if saved.settings.tied_head:
        for name in [name for name in tensors if name.endswith("token.weight")]:
            tensors[name.removesuffix("token.weight") + "head.weight"] = tensors[name]
    try:
        model.load_state_dict(tensors)
    except RuntimeError as problem:  # a heading and a list
        first = "".join(str(problem).splitlines()[1:2]).strip()
        raise WeightsError(f"the weights do not fit their settings: {first}") from problem
    return model.eval()
