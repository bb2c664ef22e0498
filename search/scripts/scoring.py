"""Has what a script has handed back scored: in a process of its own, bounded in time and memory."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bardtune.search.launch.child import ChildOrder, run_child
from bardtune.search.launch.processes import thread_variables
from bardtune.search.scripts.script_process import RunFolder
from bardtune.studies.contract.artifact import ArtifactError, artifact_of, take
from bardtune.studies.contract.outcome import Check, ChildEnd, Outcome, json_line, with_check

PROBLEM_CHARS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruler:
    """What is scored with: the study's text, and how much it may take."""

    corpus: str
    corpus_sha256: str
    threads: int
    limit_s: float  # wall seconds


def checked(
    outcome: Outcome,
    folder: RunFolder,
    ruler: Ruler,
    *,
    should_continue: Callable[[], bool],
    told: Callable[[str], None],
) -> Outcome:
    """Return what is to be stored of a script's run, once what it has handed back, if anything, is scored.

    Args:
        outcome: from ``judge``; only that of a finished script is looked into.
        folder: where the script has run; nothing of it is alive.
        ruler: what to score with.
        should_continue: asked at every tick; False ends the scoring, and the outcome stays.
        told: given a sentence when scoring begins.
    """
    if outcome.ending != "finished":
        return outcome
    try:
        handed = artifact_of(outcome.said)
        if handed is None:
            return outcome
        take(handed.file, folder.work, folder.taken)
    except ArtifactError as problem:
        return with_check(outcome, Check(problem=str(problem)))
    told(f"scoring the {handed.kind} that it handed back ...")
    order = {
        "kind": handed.kind,
        "path": str(folder.taken),
        "settings": handed.settings,
        "corpus": ruler.corpus,
        "corpus_sha256": ruler.corpus_sha256,
        "threads": ruler.threads,
    }
    return with_check(outcome, run_checker(order, folder.root / "order.json", ruler.limit_s, should_continue))


def run_checker(order: dict[str, Any], file: Path, limit_s: float, should_continue: Callable[[], bool]) -> Check:
    """Run ``bardtune.search.scripts.scorer`` with an order, by way of ``file``."""
    child = ChildOrder(
        command=[sys.executable, "-P", "-m", "bardtune.search.scripts.scorer", str(file)],
        environment={**os.environ, **thread_variables(order["threads"])},
        limit_s=limit_s,
    )
    try:
        file.write_text(json.dumps(order), encoding="utf-8")
        end = run_child(child, should_continue=should_continue, on_output=lambda _: None)
    except OSError as problem:
        return Check(problem=f"the process that scores it could not be started: {problem.strerror}")
    return check_of(end, limit_s)


def check_of(end: ChildEnd, limit_s: float) -> Check:
    """What the process has found, or why it has found nothing."""
    if end.stopped is not None:
        why = {"user": "stopped by the user", "limit": f"scoring it took more than {limit_s:.0f} s"}[end.stopped]
        return Check(problem=why, wall_s=end.wall_s)
    if end.exit_code < 0:
        why = f"the process that scored it was killed by signal {-end.exit_code}"
        return Check(problem=why, wall_s=end.wall_s)
    answer = (json_line(end.stdout) if end.exit_code == 0 else None) or {}
    bpb, problem, law = answer.get("val_bpb"), answer.get("problem"), answer.get("illegal")
    if isinstance(bpb, float):
        return Check(val_bpb=bpb, wall_s=end.wall_s)
    if isinstance(law, str):
        return Check(illegal=_clean(law), wall_s=end.wall_s)
    why = _clean(problem) if isinstance(problem, str) else f"the process that scored it exited with {end.exit_code}"
    return Check(problem=why, wall_s=end.wall_s)


def _clean(text: str) -> str:
    """One line of what a file may have made somebody say."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))[:PROBLEM_CHARS]
