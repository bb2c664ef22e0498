"""Models and bytes that several tests make."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bardtune.data.corpus import VOCAB_SIZE
from bardtune.model.network.gpt import GPT
from bardtune.model.settings import TrialSettings


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_bytes(num_windows: int, num_positions: int, *, seed: int = 0) -> Tensor:
    """(B, T) int64."""
    return torch.randint(VOCAB_SIZE, (num_windows, num_positions), generator=seeded(seed))


@torch.no_grad()
def randomize(model: nn.Module, seed: int = 0) -> None:
    """Give every float that is saved with the model a random value; the gains of norms stay near 1.

    What starts at zero (projections, convolution kernels, n-gram rows) would hide a leak or a wrong formula.
    """
    generator = seeded(seed)
    norms = [name for name, part in model.named_modules() if isinstance(part, nn.LayerNorm | nn.RMSNorm)]
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            is_gain = name.removesuffix(".weight") in norms
            value.normal_(1.0 if is_gain else 0.0, 0.3, generator=generator)


def random_model(settings: TrialSettings) -> GPT:
    """A model in which every weight matters."""
    model = new_model(settings)
    randomize(model)
    return model


def learned_text() -> np.ndarray:
    """A training text that holds the windows of ``random_bytes``, twice, so that counts of it say something."""
    windows = torch.cat([random_bytes(6, 256, seed=seed).flatten() for seed in range(14)])
    return np.tile(windows.numpy().astype(np.uint8), 2)


def new_model(settings: TrialSettings) -> GPT:
    """A model as a run begins with it."""
    model = GPT(settings, seeded()).eval()
    model.learn_counts(learned_text())
    return model


def assert_equal_states(ours: Any, theirs: Any) -> None:
    """Equal to the bit, at any depth."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            assert_equal_states(value, theirs[key])
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            assert_equal_states(our, their)
    elif isinstance(ours, Tensor):
        assert torch.equal(ours, theirs)
    else:
        assert ours == theirs
