"""How many GFLOP/s do matrix products reach here? At the trainer's shapes and at a large one, fp32 and bf16."""

import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bardtune.data.corpus import CONTEXT_BYTES, VOCAB_SIZE
from bardtune.data.errors import UserError
from bardtune.model.settings import TrialSettings
from bardtune.search.commands.train import check_threads
from benchmarks.parsing import OneSentenceParser, parse_candidate

CPUINFO = Path("/proc/cpuinfo")
FEATURES = {"avx2": "avx2", "avx512": "avx512f", "avx512_bf16": "avx512_bf16", "amx": "amx_bf16"}  # flags of Linux
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
CHUNK_S = 0.01  # timed at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """(M, K) times (K, N), in the memory layout that the trainer multiplies it in."""

    name: str
    m: int
    k: int
    n: int
    left_transposed: bool = False
    right_transposed: bool = False

    @property
    def flop(self) -> int:
        return 2 * self.m * self.k * self.n

    def operands(self, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        left = torch.randn(self.k, self.m).t() if self.left_transposed else torch.randn(self.m, self.k)
        right = torch.randn(self.n, self.k).t() if self.right_transposed else torch.randn(self.k, self.n)
        return left.to(dtype), right.to(dtype)


def products(settings: TrialSettings) -> list[Product]:
    """The products of a step's linear maps: forward, gradient of the input, gradient of the weight."""
    channels, hidden = settings.d_model, settings.d_ff
    tokens = settings.batch_size * CONTEXT_BYTES
    maps = {
        "qkv": (channels, 3 * channels),
        "attention out": (channels, channels),
        "expand": (channels, hidden),
        "project": (hidden, channels),
        "head": (channels, VOCAB_SIZE),
    }
    found = []
    for name, (inner, outer) in maps.items():
        found += [
            Product(name=f"{name} forward", m=tokens, k=inner, n=outer, right_transposed=True),
            Product(name=f"{name} input grad", m=tokens, k=outer, n=inner),
            Product(name=f"{name} weight grad", m=outer, k=tokens, n=inner, left_transposed=True),
        ]
    return found


def gflops(product: Product, dtype: torch.dtype, *, seconds: float) -> float:
    """The fastest chunk of repeated products within about ``seconds``, in 1e9 operations a second."""
    left, right = product.operands(dtype)
    out = left @ right

    def seconds_of(repeats: int) -> float:
        began = time.perf_counter()
        for _ in range(repeats):
            torch.mm(left, right, out=out)
        return time.perf_counter() - began

    repeats = max(1, round(CHUNK_S / max(seconds_of(1), 1e-9)))
    end = time.perf_counter() + seconds
    fastest_s = seconds_of(repeats)
    while time.perf_counter() < end:
        fastest_s = min(fastest_s, seconds_of(repeats))
    return product.flop * repeats / fastest_s / 1e9


def cpu_name(cpuinfo: str) -> str:
    """The processor's name; ``cpuinfo`` is the text of /proc/cpuinfo, empty where there is none."""
    for line in cpuinfo.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cpu_features(cpuinfo: str) -> dict[str, bool] | None:
    """Which of FEATURES the processor has; None where /proc/cpuinfo does not tell."""
    for line in cpuinfo.splitlines():
        if line.startswith("flags"):
            flags = set(line.partition(":")[2].split())
            return {name: flag in flags for name, flag in FEATURES.items()}
    return None


def machine_lines() -> Iterator[str]:
    cpuinfo = CPUINFO.read_text() if CPUINFO.exists() else ""
    features = cpu_features(cpuinfo) or {}
    yield f"{cpu_name(cpuinfo)}; torch {torch.__version__} uses {torch.backends.cpu.get_cpu_capability()}"
    yield ", ".join(f"{name} {'yes' if has else 'no'}" for name, has in features.items()) or "features: not known here"


def table_lines(all_products: Sequence[Product], threads: Sequence[int], seconds: float) -> Iterator[str]:
    kinds = [(count, name) for count in threads for name in DTYPES]
    yield f"{'GFLOP/s of (M, K) x (K, N)':<28}{'M':>7}{'K':>7}{'N':>7}" + "".join(
        f"{f'{name} x{count}':>10}" for count, name in kinds
    )
    peaks = dict.fromkeys(kinds, 0.0)
    for product in all_products:
        cells = []
        for count, name in kinds:
            torch.set_num_threads(count)
            reached = gflops(product, DTYPES[name], seconds=seconds)
            peaks[count, name] = max(peaks[count, name], reached)
            cells.append(f"{reached:10.1f}")
        yield f"{product.name:<28}{product.m:7}{product.k:7}{product.n:7}" + "".join(cells)
    yield f"{'best':<49}" + "".join(f"{peak:10.1f}" for peak in peaks.values())


def matmul_lines(argv: Sequence[str] | None) -> Iterator[str]:
    parser = OneSentenceParser(prog="python -m benchmarks.matmul", description=__doc__)
    parser.add_argument(
        "settings", nargs="?", default="modern", metavar="PRESET", help="whose shapes [default: modern]"
    )
    parser.add_argument("--large", type=int, default=1024, help="side of the large square product [default: 1024]")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each number in the table [default: 0.2]")
    parser.add_argument("--threads", type=int, help="beside 1 [default: all cores]")
    args = parser.parse_args(argv)
    if not 1 <= args.large <= 16_384:
        raise UserError(f"--large {args.large} is no side to measure; give 1 to 16384.")
    if not 0.0 <= args.seconds <= 60.0:
        raise UserError(f"--seconds {args.seconds} is no time to measure for; give 0 to 60.")
    settings = parse_candidate(args.settings).settings(budget_s=1.0, seed=0)
    threads = sorted({1, check_threads(args.threads)})
    large = Product(name="large", m=args.large, k=args.large, n=args.large)
    yield from machine_lines()
    yield from table_lines([*products(settings), large], threads, args.seconds)


def main(argv: Sequence[str] | None = None) -> int:
    try:
        for line in matmul_lines(argv):
            print(line, flush=True)
    except UserError as problem:
        print(f"matmul: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
