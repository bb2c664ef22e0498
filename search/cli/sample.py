"""``bardtune sample``: text by the winner."""

from typing import Annotated

import typer

from bardtune.search.cli.options import Name, StorageOption, app, example


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
    from bardtune.search.commands.sample import SampleFlags, sample_command

    flags = SampleFlags(prompt=prompt, num_bytes=num_bytes, temperature=temperature, seed=seed)
    return sample_command(name, flags, storage)
