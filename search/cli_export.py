"""``export``, ``replay`` and ``sample`` on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from search.options import JsonOption, Name, StorageOption, app, example


@app.command(epilog=example("bardtune export shakes --out winner"))
def export(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="New folder to write to. [default: NAME-export]")] = None,
    with_corpus: Annotated[
        bool, typer.Option("--with-corpus", help="Put the text beside the program, as corpus.bin.")
    ] = False,
    storage: StorageOption = None,
) -> int:
    """Take the winner home: a program, its weights and the study's log."""
    from search.exporting import export_command

    return export_command(name, out, storage, with_corpus=with_corpus)


@app.command(epilog=example("bardtune replay winner --quick"))
def replay(
    folder: Annotated[Path, typer.Argument(help="What bardtune export has written.", metavar="DIR")],
    quick: Annotated[bool, typer.Option("--quick", help="Train to the first report only.")] = False,
    corpus: Annotated[
        str | None, typer.Option(help="The text. [default: corpus.bin in DIR, or shakespeare if it was that]")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Check an export and train it again by its recorded steps.

    Exit code 0: verified, or equal within tolerance; 1: different; 2: changed, or no export.
    """
    from search.exporting import replay_command

    return replay_command(folder, corpus, quick=quick, as_json=as_json)


@app.command(epilog=example('bardtune sample shakes --prompt "ROMEO: " --bytes 300 --temperature 0.7'))
def sample(
    name: Name,
    prompt: Annotated[str, typer.Option(help="Text to go on from.")] = "",
    num_bytes: Annotated[int, typer.Option("--bytes", help="How many bytes to write, 1 to 1,000,000.")] = 500,
    temperature: Annotated[float, typer.Option(help="1: as predicted; lower: less daring; 0: likeliest.")] = 0.8,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    storage: StorageOption = None,
) -> int:
    """Write text with the winner's weights."""
    from search.writing import SampleFlags, sample_command

    flags = SampleFlags(prompt=prompt, num_bytes=num_bytes, temperature=temperature, seed=seed)
    return sample_command(name, flags, storage)
