"""Which parameter is moved by which optimizer."""

from collections import defaultdict
from collections.abc import Callable

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from bardtune.model.network.gpt import GPT
from bardtune.model.precision import uses_bfloat16
from bardtune.model.settings import TrialSettings
from bardtune.model.training.muon import BatchedMuon
from bardtune.model.training.schedules import learning_rate_multiplier


class Optimizers:
    """All optimizers of a run, stepped as one, with one learning-rate schedule."""

    def __init__(self, model: GPT, settings: TrialSettings) -> None:
        self.model, self.settings = model, settings
        self.optimizers = make_optimizers(model, settings)
        self.peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]

    def step(self, progress: float) -> None:
        """Clip, update, and clear the gradients; ``progress`` is the fraction of the budget spent."""
        settings = self.settings
        if settings.grad_clip:
            for network in self.model.networks:
                nn.utils.clip_grad_norm_(network.own_parameters(), settings.grad_clip)
        multiplier = learning_rate_multiplier(progress, schedule=settings.schedule, warmup=settings.warmup)
        for optimizer, peaks in zip(self.optimizers, self.peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * multiplier
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, object]]:
        return [optimizer.state_dict() for optimizer in self.optimizers]

    def load_state_dict(self, states: list[dict[str, object]]) -> None:
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict(state)


def make_optimizers(model: GPT, settings: TrialSettings) -> list[Optimizer]:
    """AdamW for everything, or for all but the blocks' matrices, which then have an optimizer of their own.

    Weight decay falls on parameters with two dimensions or more.
    """
    make_for_matrices = MATRIX_OPTIMIZERS[settings.optimizer]
    matrices: list[nn.Parameter] = []
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)  # by weight decay and rate
    for name, parameter in model.named_parameters():
        if make_for_matrices is not None and is_block_matrix(name, parameter):
            matrices.append(parameter)
            continue
        decay = settings.weight_decay if parameter.dim() >= 2 else 0.0
        ratio = settings.gate_lr_ratio if "experts.gate." in name else 1.0
        groups[decay, settings.learning_rate * ratio].append(parameter)
    adamw = AdamW(
        [{"params": parameters, "weight_decay": decay, "lr": rate} for (decay, rate), parameters in groups.items()],
        betas=(settings.beta1, settings.beta2),
        fused=True,
    )
    return [adamw] if make_for_matrices is None else [adamw, make_for_matrices(matrices, settings)]


def make_muon(matrices: list[nn.Parameter], settings: TrialSettings) -> Optimizer:
    """Muon (torch.optim.Muon, made fast for CPU): it scales each update to the size that AdamW's would have."""
    muon = BatchedMuon(
        matrices,
        lr=settings.learning_rate * settings.muon_lr_ratio,
        weight_decay=settings.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    if uses_bfloat16(settings.precision):
        muon.dtype = torch.bfloat16
    return muon


# Choices of the setting ``optimizer``: what moves the blocks' matrices; None is AdamW, as for all else.
MATRIX_OPTIMIZERS: dict[str, Callable[[list[nn.Parameter], TrialSettings], Optimizer] | None] = {
    "adamw": None,
    "muon": make_muon,
}


def is_block_matrix(name: str, parameter: torch.Tensor) -> bool:
    """Whether ``parameter`` is the weight of a linear map inside a block."""
    return "blocks." in name and name.endswith(".weight") and parameter.dim() == 2
