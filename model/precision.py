"""Whether to multiply matrices in bfloat16."""

from collections.abc import Callable

import torch

# Instructions that multiply bfloat16 faster than fp32, as torch.cpu.get_capabilities() names them on x86 and on Arm.
FASTER = ("amx_bf16", "bf16", "sve_bf16")


def bfloat16_is_faster() -> bool:
    """Whether this CPU multiplies bfloat16 faster than fp32.

    AVX-512's instructions for it do so on AMD's CPUs; on Intel's, without the tiles of AMX, products of bf16 run at
    half the rate of fp32 (benchmarks/matmul.py; see LOG.md).
    """
    capabilities = torch.cpu.get_capabilities()
    if any(capabilities.get(name, False) for name in FASTER):
        return True
    return bool(capabilities.get("avx512_bf16", False)) and "intel" not in str(capabilities.get("cpu_name", "")).lower()


# Choices of the setting ``precision``: whether it is bfloat16.
PRECISIONS: dict[str, Callable[[], bool]] = {"fp32": lambda: False, "bf16": lambda: True, "auto": bfloat16_is_faster}


def uses_bfloat16(precision: str) -> bool:
    """Resolve the setting ``precision``."""
    return PRECISIONS[precision]()
