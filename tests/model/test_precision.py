"""When matrices are multiplied in bfloat16."""

import pytest
import torch

from bardtune.model.precision import uses_bfloat16


@pytest.mark.parametrize(
    ("capabilities", "faster"),
    [
        ({"cpu_name": "AMD EPYC", "avx512_bf16": True, "amx_bf16": False}, True),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": False}, False),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": True}, True),
        ({"cpu_name": "AMD EPYC", "avx2": True}, False),
        ({"architecture": "arm64", "bf16": True}, True),
        ({}, False),
    ],
)
def test_auto_is_bfloat16_where_it_is_faster(
    capabilities: dict[str, object], faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert uses_bfloat16("auto") == faster
    assert uses_bfloat16("bf16")
    assert not uses_bfloat16("fp32")
