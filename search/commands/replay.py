"""What ``bardtune replay`` does and prints."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from bardtune.data.corpus import BUILT_IN, Corpus, load_corpus
from bardtune.data.errors import CorpusError
from bardtune.data.paths import user_path
from bardtune.search.commands.shared import quiet_libraries
from bardtune.studies.export.check import Export, read_export
from bardtune.studies.export.rerun import Replay, Report, check_scores, rerun

CORPUS_VARIABLE = "BARDTUNE_CORPUS"  # as in prepare.py


def replay_command(folder: Path, corpus_name: str | None, *, quick: bool, as_json: bool) -> int:
    quiet_libraries()
    export = read_export(user_path(folder, "the export"))
    corpus = export_corpus(export, corpus_name)
    _set_threads(export.winner["threads"])
    _tell("files agree with each other; scoring the weights ...")
    check_scores(export, corpus)
    _tell("the weights reach the recorded bpb; training again by the recorded steps ...")
    replay = rerun(export, corpus, quick=quick, on_report=_tell_report)
    if as_json:
        print(json.dumps(replay_json(replay, quick=quick), indent=2))
    else:
        print(replay_text(replay, quick=quick))
    return 1 if replay.outcome == "different" else 0


def export_corpus(export: Export, given: str | None) -> Corpus:
    """The text that an export was trained on, from where ``prepare.py`` would look, or from where it was said to be.

    Raises:
        CorpusError: it is not there, or another text.
    """
    recorded = export.log["corpus"]
    given = given if given is not None else os.environ.get(CORPUS_VARIABLE)
    if given is None and export.paths.corpus.exists():
        given = str(export.paths.corpus)
    if given is None and recorded["name"] != BUILT_IN:
        raise CorpusError("the text that this was trained on is not in the export; give it with --corpus PATH.")
    corpus = load_corpus(BUILT_IN if given is None else given)
    if corpus.sha256 != recorded["sha256"]:
        raise CorpusError(
            f"the corpus {corpus.name} ({corpus.num_bytes:,} bytes, SHA-256 {corpus.sha256[:12]}...) is not what this "
            f"was trained on ({recorded['bytes']:,} bytes, {recorded['sha256'][:12]}...); give that with --corpus PATH."
        )
    return corpus


def replay_text(replay: Replay, *, quick: bool) -> str:
    """The outcome in a sentence or two."""
    last = replay.reports[-1]
    what = f"to {last.percent} % of the budget" if quick else "to the end"
    numbers = f"{last.bpb:.6f} bpb at step {last.step:,}, recorded {last.recorded_bpb:.6f}"
    if replay.outcome == "verified":
        note = f" (although {'; '.join(replay.environment_changes)})" if replay.environment_changes else ""
        return f"verified {what}: {numbers}{note}"
    parted = replay.parted_at
    where = (
        f"the runs part at {parted.percent} %, step {parted.step:,} ({parted.bpb:.6f} bpb, recorded "
        f"{parted.recorded_bpb:.6f})"
        if parted
        else ""
    )
    if replay.outcome == "equal within tolerance":
        return (
            f"equal within tolerance {what}: {numbers}, within {replay.tolerance:.4f}, as far as runs part where sums "
            f"are rounded otherwise: {'; '.join(replay.environment_changes)}. {where}"
        )
    excuse = (
        f"more than the tolerance of {replay.tolerance:.4f} although {'; '.join(replay.environment_changes)}"
        if replay.environment_changes
        else "processor, versions and threads are as recorded"
    )
    return f"different: {numbers}; {where}; {excuse}"


def replay_json(replay: Replay, *, quick: bool) -> dict[str, Any]:
    return {
        "outcome": replay.outcome,
        "quick": quick,
        "environment_changes": list(replay.environment_changes),
        "tolerance": replay.tolerance,
        "parted_at_percent": replay.parted_at.percent if replay.parted_at else None,
        "reports": [
            {"percent": each.percent, "step": each.step, "val_bpb": each.bpb, "recorded": each.recorded_bpb}
            for each in replay.reports
        ],
    }


def _set_threads(threads: int) -> None:
    """As many as the recorded run had, whatever this machine has: another number rounds differently."""
    import torch

    from bardtune.model.machine import keep_freed_memory

    torch.set_num_threads(threads)
    keep_freed_memory()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _tell_report(report: Report) -> None:
    _tell(f"{report.percent:3d} %  step {report.step:6d}  {report.bpb:.6f} bpb, recorded {report.recorded_bpb:.6f}")
