"""``bardtune train``: one run without a study."""

from pathlib import Path
from typing import Annotated

import typer

from bardtune.search.cli.options import JsonOption, app, example


@app.command(epilog=example("bardtune train --preset modern --seconds 60 --set d_model=96"))
def train(
    preset: Annotated[str, typer.Option(help="modern or reference.")] = "modern",
    seconds: Annotated[float | None, typer.Option(help="Training budget. [default: 180]")] = None,
    steps: Annotated[int | None, typer.Option(help="This many updates instead of seconds.")] = None,
    corpus: Annotated[str, typer.Option(help="shakespeare, or a file or folder of text.")] = "shakespeare",
    seed: Annotated[int, typer.Option(help="Weights and windows.", envvar="TORCH_SEED")] = 42,
    threads: Annotated[int | None, typer.Option(help="[default: all cores]")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: change one setting; may be repeated.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="A JSON file for the run and its fractions, to repeat it from Python.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Train once without a study; the last line on standard output is JSON."""
    from bardtune.search.commands.train import TrainFlags, train_command

    flags = TrainFlags(
        preset=preset,
        seconds=seconds,
        steps=steps,
        corpus=corpus,
        seed=seed,
        threads=threads,
        changes=changes or [],
        record=record,
    )
    return train_command(flags, as_json=as_json)
