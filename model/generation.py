"""Text from a trained model, byte by byte."""

from collections.abc import Iterator

import torch

from bardtune.data.corpus import CONTEXT_BYTES
from bardtune.model.network.gpt import GPT

BEGINNING = b"\n"  # what stands before a text without a prompt


def generate(model: GPT, prompt: bytes, *, temperature: float, seed: int) -> Iterator[int]:
    """Yield bytes that go on after ``prompt``, for ever.

    Args:
        model: in evaluation mode, its counts learned. It sees the last 256 bytes.
        prompt: any bytes; without one, a new line begins.
        temperature: 1 draws as the model predicts; lower is less daring; 0 takes the likeliest byte each time.
        seed: the only source of chance.
    """
    chance = torch.Generator().manual_seed(seed)
    seen = list((prompt or BEGINNING)[-CONTEXT_BYTES:])
    while True:
        scores = _next_scores(model, seen)
        if temperature > 0:
            likely = torch.softmax((scores - scores.max()) / temperature, -1)
            drawn = int(torch.multinomial(likely, 1, generator=chance))
        else:
            drawn = int(scores.argmax())
        yield drawn
        seen = [*seen, drawn][-CONTEXT_BYTES:]


@torch.no_grad()
def _next_scores(model: GPT, seen: list[int]) -> torch.Tensor:
    """Logits (V,) float64 of the byte after ``seen``, which holds 1 to 256 bytes."""
    logits: torch.Tensor = model(torch.tensor([seen]))
    return logits[0, -1].double()
