"""torch.optim.Muon, with one batched Newton-Schulz iteration in float32 for all matrices of a shape.

``torch.optim.Muon`` iterates matrix by matrix in bfloat16. A CPU without bfloat16 instructions has to emulate them,
and small matrices cost more in calls than in arithmetic; benchmarks/muon.py measures what that makes together. The
update is the same up to rounding (tests/model/test_optimizers.py).
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Muon
from torch.optim._muon import _adjust_lr


class BatchedMuon(Muon):
    """Muon for CPU: same arguments, state and update rule as ``torch.optim.Muon``.

    ``dtype`` is what the iteration computes in; float32 unless bfloat16 is native and set.
    """

    dtype = torch.float32

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Make one update; matrices without a gradient are left alone."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape[(min(matrix.shape), max(matrix.shape))].append(matrix)
            for matrices in by_shape.values():
                self._update(matrices, group)
        return loss

    def _update(self, matrices: list[Tensor], group: dict[str, Any]) -> None:
        """Update matrices that have one shape, up to transposition."""
        wide = torch.stack([_as_wide(self._momentum(matrix, group)) for matrix in matrices]).to(self.dtype)
        directions = orthogonalize(wide, group["ns_coefficients"], group["ns_steps"], group["eps"]).float()
        for matrix, direction in zip(matrices, directions, strict=True):
            matrix.mul_(1 - group["lr"] * group["weight_decay"])
            rate = _adjust_lr(group["lr"], group["adjust_lr_fn"], matrix.shape)
            tall = matrix.shape[0] > matrix.shape[1]
            matrix.add_(direction.T if tall else direction, alpha=-rate)

    def _momentum(self, matrix: Tensor, group: dict[str, Any]) -> Tensor:
        gradient, state = matrix.grad, self.state[matrix]
        assert gradient is not None
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer: Tensor = state["momentum_buffer"]
        buffer.lerp_(gradient, 1 - group["momentum"])
        return gradient.lerp(buffer, group["momentum"]) if group["nesterov"] else buffer


def orthogonalize(wide: Tensor, coefficients: tuple[float, float, float], num_steps: int, eps: float) -> Tensor:
    """Move all singular values towards 1 with Newton-Schulz steps of order five (K. Jordan, Muon, 2024).

    Args:
        wide: (N, R, C) with R <= C, of the float type to compute in.
        coefficients: a, b, c of the odd polynomial a x + b x^3 + c x^5.
        num_steps: how often it is applied.
        eps: least norm to divide by.
    """
    a, b, c = coefficients
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(num_steps):
        gram = wide @ wide.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        wide = torch.baddbmm(wide, polynomial, wide, beta=a)
    return wide


def _as_wide(matrix: Tensor) -> Tensor:
    return matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
