"""``train.py``: the trainer's own source in one file, with the winner's settings filled in."""

import textwrap
from collections.abc import Mapping
from typing import Any

from bardtune.studies.export.sources import join, read_module

MODULES = (  # each after those that it uses
    "bardtune.data.errors",
    "bardtune.model.settings",
    "bardtune.model.precision",
    "bardtune.model.counting.contexts",
    "bardtune.model.counting.word_classes",
    "bardtune.model.counting.loops",
    "bardtune.model.counting.counts",
    "bardtune.model.counting.experts",
    "bardtune.model.network.embedding",
    "bardtune.model.network.attention",
    "bardtune.model.network.layers",
    "bardtune.model.network.gpt",
    "bardtune.model.training.muon",
    "bardtune.model.training.schedules",
    "bardtune.model.training.optimizers",
    "bardtune.data.windows",
    "bardtune.model.measure.ruler",
    "bardtune.model.training.clock",
    "bardtune.model.machine",
    "bardtune.model.training.budget",
    "bardtune.model.training.stats",
    "bardtune.model.training.trainer",
    "bardtune.model.contract.program",
)
ROOTS = (
    "TrialSettings",
    "StepBudget",
    "ProgramRun",
    "keep_freed_memory",
    "leave_weights",
    "recorded_fractions",
    "result_of",
)
HEAD = '''\
"""A small byte-level GPT that trains on CPU for a fixed time: the winner of a search of hyperparameters.

    python train.py              trains for TIME_BUDGET seconds (see prepare.py), from the recorded seed
    TORCH_SEED=7 python train.py the same from another seed: another model
    python train.py --recorded   makes the steps of the recorded run again, however long they take here

By seconds, a run makes as many steps as the machine is fast enough for, so its bpb differs a little each time. With
--recorded, each step takes its place in the schedules from weights.safetensors: on the same kind of processor, with
the same versions of torch and numpy, val_bpb is the recorded one in all its digits.

The last line on standard output is JSON. If the environment variable BARDTUNE_WEIGHTS names a file, what was learned is
left there, and the line says so: ``bardtune run`` has it handed back in this way, to score it by itself.

Needs torch, numpy and prepare.py beside it. Written by bardtune out of the sources of its own trainer; MIT licence. The
settings and ``main`` are at the end.
"""
'''
OWN_IMPORTS = {"argparse", "os", "sys"}
CORPUS = '''
from prepare import MAX_SEQ_LEN, TIME_BUDGET, VOCAB_SIZE, evaluate_bpb, load_part

CONTEXT_BYTES = MAX_SEQ_LEN


class Corpus(NamedTuple):
    """The parts of the text that a run reads, (N,) uint8 each."""

    train: np.ndarray
    validation: np.ndarray


'''
MAIN = '''
# {rule}
# The run.

THREADS = {threads}  # that the recorded run had; another number rounds differently
RECORDED_SEED = {seed}
WEIGHTS = Path(__file__).with_name("weights.safetensors")  # what the recorded run has learned, and when it made a step


def winner(seed: int) -> TrialSettings:
    """The settings that won, with a seed."""
    return TrialSettings(
{settings}
        budget_s=TIME_BUDGET,
        seed=seed,
    )


def main() -> int:
    """Train and tell of it; returns the exit code: 0, 1 if the loss is no number any more, 2 if a file is missing."""
    parser = argparse.ArgumentParser(description="Train the winner of a search of hyperparameters.")
    parser.add_argument("--recorded", action="store_true", help="make the steps of the recorded run again")
    recorded = parser.parse_args().recorded
    seed = RECORDED_SEED if recorded else int(os.environ.get("TORCH_SEED", RECORDED_SEED))
    torch.set_num_threads(THREADS)
    keep_freed_memory()
    try:
        corpus = Corpus(load_part("train"), load_part("val"))
        budget = StepBudget(recorded_fractions(WEIGHTS)) if recorded else None
    except FileNotFoundError as problem:
        print(f"train.py: {{problem}}", file=sys.stderr)
        return 2
    run, last = ProgramRun(winner(seed), corpus, budget=budget, score=evaluate_bpb), None
    for last in run.events():
        print(f"{{last.percent:3d}} %  step {{last.step:6d}}  {{last.val_bpb:.4f}} bpb", file=sys.stderr)
    result = result_of(last)
    if weights := os.environ.get("BARDTUNE_WEIGHTS"):
        try:
            leave_weights(run, Path(weights))
            result["weights"] = weights
        except OSError as problem:
            print(f"train.py: no weights are left: {{problem}}", file=sys.stderr)
    print(json.dumps(result))
    return 0 if result["val_bpb"] is not None else 1


if __name__ == "__main__":
    sys.exit(main())
'''


def train_source(settings: Mapping[str, Any], *, threads: int) -> str:
    """Return the text of ``train.py`` for complete settings; equal settings and threads, equal text."""
    modules = [read_module(name, internal=("bardtune",)) for name in MODULES]
    imports, body = join(modules, roots=ROOTS)
    lines = [f"{name}={_literal(value)}," for name, value in settings.items() if name not in ("budget_s", "seed")]
    main = MAIN.format(
        rule="-" * 100,
        threads=threads,
        seed=settings["seed"],
        settings=textwrap.indent("\n".join(lines), " " * 8),
    )
    return HEAD + "\n" + _with_own(imports) + CORPUS + body + "\n" + main


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _with_own(imports: str) -> str:
    """The import block with what ``main`` needs besides."""
    first, _, rest = imports.partition("\n\n")
    plain = {line for line in first.splitlines() if line.startswith("import ")}
    froms = [line for line in first.splitlines() if not line.startswith("import ")]
    return "\n".join([*sorted(plain | {f"import {name}" for name in OWN_IMPORTS}), *froms]) + "\n\n" + rest
