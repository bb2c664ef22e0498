"""``bardtune start``: create a study and run it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bardtune.search.cli.options import (
    BEGAN,
    AddressOption,
    OnBestOption,
    OnEndOption,
    StorageOption,
    app,
    complete_from,
    complete_name,
    example,
)
from bardtune.search.launch.registry import LAUNCHERS
from bardtune.search.registry import Registry
from bardtune.search.sampling.pruners.registry import PRUNERS
from bardtune.search.sampling.samplers.registry import SAMPLERS
from bardtune.search.sampling.spaces.registry import space_names, space_rows
from bardtune.studies.plan import MAX_HOURS, MAX_TRIALS, PLAN_DEFAULTS


def option(field: str, text: str, *, default: str | None = None, **more: Any) -> Any:
    """The option of a field of the plan; where it is not said it is None, and the plan knows the default."""
    value = PLAN_DEFAULTS[field]
    shown = default or ("no" if value is False else f"{value:g}" if isinstance(value, float) else value)
    return typer.Option(help=f"{text} [default: {shown}]", **more)


def choice(registry: Registry[Any], text: str) -> Any:
    """The option of a field that names one of a registry."""
    complete = complete_from(registry.rows)
    return option(registry.noun, f"{text}: {', '.join(registry.names)}.", autocompletion=complete)


SPACES = f"What is searched: {', '.join(space_names())}, or a TOML file."


@app.command(
    epilog=example(
        "bardtune start shakes --trials 20 --seconds 20",
        "bardtune start novel --corpus novel.txt --workers 2",
        "bardtune start shakes2 --after shakes",
    )
)
def start(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A new study's name. [default: from the time of day]")] = None,
    trials: Annotated[int | None, option("trials", f"Training runs of every kind, at most {MAX_TRIALS}.")] = None,
    seconds: Annotated[float | None, option("seconds", "Training budget of one run.")] = None,
    hours: Annotated[float | None, option("hours", f"Active time of the study, at most {MAX_HOURS:g}.")] = None,
    corpus: Annotated[str | None, option("corpus", "A file or folder of text.")] = None,
    space: Annotated[str | None, option("space", SPACES, autocompletion=complete_from(space_rows))] = None,
    sampler: Annotated[str | None, choice(SAMPLERS, "Draws the parameters")] = None,
    pruner: Annotated[str | None, choice(PRUNERS, "Stops weak trials early")] = None,
    launcher: Annotated[str | None, choice(LAUNCHERS, "Where the runs train")] = None,
    workers: Annotated[int | None, option("workers", "Runs at a time.")] = None,
    threads: Annotated[int | None, option("threads", "Threads of each run.", default="cores / workers")] = None,
    seed: Annotated[int | None, option("seed", "Decides every draw of the study.")] = None,
    max_crashes: Annotated[int | None, option("max_crashes", "Crashes in a row that stop a study.")] = None,
    confirm: Annotated[
        str | None, option("confirm", "Runs to confirm the winner: auto, candidates x seeds such as 3x2, 0 for none.")
    ] = None,
    repeat_starved: Annotated[
        int | None, option("repeat_starved", "Times to run a trial again whose machine was busy.")
    ] = None,
    stop_when_settled: Annotated[
        bool | None, option("stop_when_settled", "End the search when it promises less than seeds differ by.")
    ] = None,
    target: Annotated[
        float | None, option("target", "End the search when a trial reaches this bpb; 0 for none.")
    ] = None,
    mixed_machines: Annotated[
        bool | None, option("mixed_machines", "Train on different kinds of processor, whose runs do not compare.")
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STUDY",
            help="Learn from a study, and try its winner first; may be given several times.",
            autocompletion=complete_name,
        ),
    ] = None,
    best_known: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Try these settings first: an export's settings.json.")
    ] = None,
    address: AddressOption = None,
    on_best: OnBestOption = None,
    on_end: OnEndOption = None,
    storage: StorageOption = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with these options as keys.")] = None,
) -> int:
    """Create a study and run it."""
    from bardtune.search.commands.start import start_command

    flags = {field: ctx.params[field] for field in PLAN_DEFAULTS}  # each field of the plan is an argument above
    return start_command(
        name,
        flags,
        config,
        storage,
        began=BEGAN,
        address=address,
        after=after or (),
        best_known=best_known,
        on_best=on_best,
        on_end=on_end,
    )
