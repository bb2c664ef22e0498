"""``bardtune trials``: all runs of a study, for spreadsheets and programs."""

from pathlib import Path
from typing import Annotated

import typer

from bardtune.search.cli.options import NameArgument, StorageOption, app, example


@app.command(epilog=example("bardtune trials shakes --csv --out shakes.csv", "bardtune trials shakes --jsonl --follow"))
def trials(
    name: Annotated[str | None, NameArgument] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header line.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line, learning curve included.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="With --jsonl: go on, a line for each run that ends, until the study does.")
    ] = False,
    columns: Annotated[bool, typer.Option("--columns", help="Print what the columns are called and mean.")] = False,
    out: Annotated[Path | None, typer.Option(help="A file instead of standard output.")] = None,
    storage: StorageOption = None,
) -> int:
    """Export all runs of a study, of every role, as CSV or JSON lines."""
    from bardtune.search.commands.trials import print_columns, trials_command

    if columns:
        return print_columns()
    formats = [format_ for format_, given in (("csv", as_csv), ("jsonl", as_jsonl)) if given]
    return trials_command(name, storage, formats=formats, out=out, follow=follow)
