"""``bardtune run``: the training service, on the command line."""

import time
from pathlib import Path
from typing import Annotated

import typer

from search.options import JsonOption, StorageOption, app, example

BEGAN = time.monotonic()  # when the process began, for a study's active time
LARGEST_SEED = 2**31 - 1


@app.command("run", epilog=example("bardtune run train.py --study shakes"))
def run_script(
    script: Annotated[Path, typer.Argument(help="A Python file with: from prepare import ...", metavar="SCRIPT")],
    study: Annotated[str, typer.Option(help="The study whose budget, cap, hours and text it runs under.")],
    storage: StorageOption = None,
    as_json: JsonOption = False,
    seed: Annotated[int, typer.Option(help="Given to the script as TORCH_SEED.", min=0, max=LARGEST_SEED)] = 42,
) -> int:
    """Run your own training script under a study's rules.

    The script is one file that gets its text, budget and ruler with: from prepare import MAX_SEQ_LEN, TIME_BUDGET,
    VOCAB_SIZE, ByteTokenizer, make_dataloader, evaluate_bpb. It stops by itself after TIME_BUDGET seconds of training,
    and the last line that it prints is JSON: {"val_bpb": 2.345678, "total_steps": 1000, "num_params_M": 0.28}.

    It counts as one of the study's runs and its time as the study's, however it ends. It takes the place of a search
    trial, never that of a run that the study keeps for its baseline and for confirming its winner, and search,
    importance and winner do not see it. The study must be stopped, and not finished.

    The bpb is "measured" when the script's last evaluate_bpb gave it, otherwise "self-reported". The script runs with
    your rights, and one that wants to deceive can: run only what you would run without bardtune.
    """
    from search.service_command import run_command

    return run_command(script, study, storage, seed=seed, began=BEGAN, as_json=as_json)
