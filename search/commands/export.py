"""What ``bardtune export`` writes and prints."""

import shlex
from pathlib import Path

from bardtune.data.paths import user_path
from bardtune.search.commands.output import warn_in_text
from bardtune.search.commands.shared import quiet_libraries, say_next, storage_url
from bardtune.studies.analysis.winner import find_winner
from bardtune.studies.export.write import write_export
from bardtune.studies.store.home import data_home
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.text import text_of


def export_command(name: str, out: Path | None, storage: str | None, *, with_corpus: bool) -> int:
    quiet_libraries()
    winner = find_winner(ReadOnlyStorage(storage_url(storage)), name, data_home())
    folder = user_path(out if out is not None else Path(f"{name}-export"), "the folder of --out")
    corpus = text_of(winner.record) if with_corpus else None
    warn_in_text(folder, winner.record)
    paths = write_export(winner, folder, corpus=corpus)
    print(f"{winner.run.label}, {winner.run.val_bpb:.4f} bpb, is in {paths.root}")
    own_text = corpus is None and winner.record.has_own_text
    text = f" --corpus {shlex.quote(winner.record.plan.corpus)}" if own_text else ""
    print(f"check it with: bardtune replay {shlex.quote(str(paths.root))} --quick{text}")
    if winner.record.state != "finished":
        print("the study is not finished: its winner may still change, and nothing is scored on the test part")
    if own_text:
        print("your text is not in it; train.py needs it as corpus.bin beside it or by BARDTUNE_CORPUS=PATH")
    say_next(f"sample {name}", storage=storage)
    return 0
