"""A small study with a real winner, exported."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bardtune.data.corpus import Corpus, load_corpus
from bardtune.model.settings import TrialSettings
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.analysis.winner import Winner
from bardtune.studies.export.files import ExportPaths, digest_of, settings_text, written_texts
from bardtune.studies.export.write import write_export
from support.fakes import text_of
from support.study_records import BEGAN, make_record, make_trial
from support.tiny import TINY

SETTINGS = {**TINY, "budget_s": 0.4, "count_max_order": 3, "count_words": 1, "optimizer": "muon", "schedule": "linear"}
MANY_STEPS = tuple(step / 24 for step in range(24))


def make_winner(folder: Path) -> tuple[Winner, Corpus]:
    """Train the best of four trials for 24 steps; the other three are make-believe."""
    from bardtune.data.host import cpu_kind
    from bardtune.model.measure.final import score_weights
    from bardtune.model.network.weights import save_weights
    from bardtune.model.training.budget import StepBudget
    from bardtune.model.training.trainer import TrainingRun

    text = folder / "secret-folder" / "text.txt"
    text.parent.mkdir()
    text.write_bytes(text_of(20_000))
    corpus = load_corpus(str(text))
    settings = TrialSettings(**SETTINGS)
    run = TrainingRun(settings, corpus, budget=StepBudget(MANY_STEPS))
    curve = tuple((progress.percent, progress.val_bpb) for progress in run.events())
    weights = folder / "weights.safetensors"
    save_weights(weights, run.model, settings=settings, fractions=run.fractions, threads=1)
    stats = {"num_params": run.model.num_params(), "steps": run.steps, "threads": 1, "cpu": cpu_kind()}
    last = curve[-1][1]
    trials = [
        make_trial(0, 5.0),
        make_trial(1, last, curve=curve, settings=settings.as_dict(), stats=stats),
        make_trial(2, 3.2, ended="pruned", reason="4.9 bpb at 30 %: 2 of 2 others were better there"),
        make_trial(3, None, ended="crashed", reason="OSError: cannot read /home/somebody/secret/file of secret-host"),
    ]
    record = make_record(
        *trials,
        baseline_bpb=4.0,
        corpus={"name": str(text), "bytes": corpus.num_bytes, "sha256": corpus.sha256},
        fingerprint=fingerprint(corpus),
        final={"search-0001": {"test_bpb": score_weights(weights, corpus).test_bpb}},
        seconds_used=12.0,
    )
    assert BEGAN is not None
    verdict = verdict_of(record)
    assert verdict.take_home is not None
    return Winner(record=record, verdict=verdict, run=verdict.take_home, weights=weights), corpus


def fingerprint(corpus: Corpus) -> dict[str, Any]:
    from bardtune.search.engine.planning import fingerprint as of_study

    return of_study(corpus)


def export_to(folder: Path) -> tuple[ExportPaths, Corpus]:
    """Export a small winner into ``folder / "export"``."""
    winner, corpus = make_winner(folder)
    return write_export(winner, folder / "export"), corpus


def log_of(paths: ExportPaths) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(paths.submission.read_text())["replay_log"]
    return log


def forge(paths: ExportPaths, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the log and make every text agree with it again, as somebody who has bardtune could."""
    log = log_of(paths)
    change(log)
    for name, text in written_texts(log).items():
        (paths.root / name).write_text(text)
    mend_digests(paths)


def mend_digests(paths: ExportPaths) -> None:
    names = sorted(path.name for path in paths.all if path != paths.settings)
    digests = {name: digest_of((paths.root / name).read_bytes()) for name in names}
    paths.settings.write_text(settings_text(log_of(paths), digests))
