"""``bardtune run``: the training service, on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from bardtune.search.cli.options import BEGAN, JsonOption, StorageOption, app, example

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
    importance and winner do not see it. The study must not be running, and must have a run left and the time for it.

    The bpb is "checked" when the script hands back what it has trained: its line then also names a file that it has
    left in the folder it was started in. That is scored with the study's own ruler in another process, and the score is
    recorded, whatever the script has printed.

    A model of any kind: "model": "model.pt2", written by torch.export.save(torch.export.export(model.eval(), (x[:1],)),
    "model.pt2"), with x of shape (B, 256). One that looks ahead, keeps state or sees other windows than the one it
    predicts gets no bpb: its run has crashed.

    Bardtune's own model: "weights": "trained.safetensors", its settings in the file's metadata or in the line as
    "settings". The train.py of bardtune export does so by itself.

    Otherwise it is "measured" when the script's last evaluate_bpb gave it, else "self-reported". What a model was
    trained on is not looked into. The script, and a model that it hands back, run with your rights, and one that wants
    to deceive can: run only what you would run without bardtune.
    """
    from bardtune.search.commands.run import run_command

    return run_command(script, study, storage, seed=seed, began=BEGAN, as_json=as_json)
