"""How much faster is a step of BatchedMuon than one of torch.optim.Muon? Both in one run, by turns."""

import argparse
import statistics
import time

import torch
from torch.optim import Muon

from bardtune.model.network.gpt import GPT
from bardtune.model.presets import preset
from bardtune.model.training.muon import BatchedMuon
from bardtune.model.training.optimizers import is_block_matrix


def block_matrices() -> list[torch.nn.Parameter]:
    """The matrices that Muon moves in the modern preset, with random gradients."""
    generator = torch.Generator().manual_seed(0)
    model = GPT(preset("modern", budget_s=1.0, seed=0), generator)
    matrices = [parameter for name, parameter in model.named_parameters() if is_block_matrix(name, parameter)]
    for matrix in matrices:
        matrix.grad = torch.randn(matrix.shape, generator=generator)
    return matrices


def seconds_of_steps(optimizer: Muon, num_steps: int) -> float:
    began = time.perf_counter()
    for _ in range(num_steps):
        optimizer.step()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--steps", type=int, default=10, help="steps of each optimizer in a pair")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    theirs, ours = (kind(block_matrices(), lr=1e-3, adjust_lr_fn="match_rms_adamw") for kind in (Muon, BatchedMuon))
    for optimizer in (theirs, ours):
        seconds_of_steps(optimizer, 3)  # first-time costs
    pairs = [(seconds_of_steps(theirs, args.steps), seconds_of_steps(ours, args.steps)) for _ in range(args.pairs)]
    ratios = sorted(their_s / our_s for their_s, our_s in pairs)
    for name, values in zip(("torch.optim.Muon", "BatchedMuon"), zip(*pairs, strict=True), strict=True):
        print(f"{name:17} {statistics.median(values) / args.steps * 1e3:8.3f} ms a step")
    print(
        f"ratio {statistics.median(ratios):.1f} (median; {ratios[0]:.1f} to {ratios[-1]:.1f}), "
        f"n={args.pairs} pairs of {args.steps} steps, {args.threads} threads, torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
