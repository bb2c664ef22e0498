"""Whether to multiply matrices in bfloat16."""

import torch

# Instructions that multiply bfloat16 natively, as torch.cpu.get_capabilities() names them on x86 and on Arm.
NATIVE = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")


def uses_bfloat16(precision: str) -> bool:
    """Resolve the setting ``precision``: ``auto`` is bf16 where the CPU has instructions for it, else fp32."""
    if precision != "auto":
        return precision == "bf16"
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in NATIVE)
