"""Has a script's artifact scored: in a process of its own, bounded in time and memory."""

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
from bardtune.studies.contract.artifact import Artifact, ArtifactError, artifact_of, copy_artifact
from bardtune.studies.contract.run_end import Check, ChildEnd, RunEnd, json_line, with_check

PROBLEM_CHARS = 300
_NEEDED = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH")  # to start Python


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruler:
    """What is scored with: the study's text, and how much it may take."""

    corpus: str
    corpus_sha256: str
    threads: int
    limit_s: float  # wall seconds


def checked(
    end: RunEnd,
    folder: RunFolder,
    ruler: Ruler,
    *,
    should_continue: Callable[[], bool],
    on_scoring: Callable[[Artifact], None],
) -> RunEnd:
    """Return what is to be stored of a script's run, once its artifact, if it has left one, is scored.

    Args:
        end: from ``run_end_of``; the artifact of a script that has not finished is left alone.
        folder: where the script has run; nothing of it is alive.
        ruler: what to score with.
        should_continue: asked at every tick; False ends the scoring, and the bpb stays unchecked.
        on_scoring: called when scoring begins.
    """
    if end.ending != "finished":
        return end
    try:
        artifact = artifact_of(end.output)
        if artifact is None:
            return end
        copy_artifact(artifact.file, folder.work, folder.artifact)
    except ArtifactError as problem:
        return with_check(end, Check(problem=str(problem)))
    on_scoring(artifact)
    order = {
        "kind": artifact.kind,
        "path": str(folder.artifact),
        "settings": artifact.settings,
        "corpus": ruler.corpus,
        "corpus_sha256": ruler.corpus_sha256,
        "threads": ruler.threads,
    }
    return with_check(end, run_scorer(order, folder.root / "order.json", ruler.limit_s, should_continue))


def run_scorer(order: dict[str, Any], file: Path, limit_s: float, should_continue: Callable[[], bool]) -> Check:
    """Run ``bardtune.search.scripts.scorer`` with an order, by way of ``file``."""
    child = ChildOrder(
        command=[sys.executable, "-P", "-m", "bardtune.search.scripts.scorer", str(file)],
        environment={**bare_environment(file.parent), **thread_variables(order["threads"])},
        limit_s=limit_s,
    )
    try:
        file.write_text(json.dumps({**order, "limit_s": limit_s}), encoding="utf-8")
        end = run_child(child, should_continue=should_continue, on_output=lambda _: None)
    except OSError as problem:
        return Check(problem=f"the process that scores it could not be started: {problem.strerror}")
    return check_of(end, limit_s)


def bare_environment(folder: Path) -> dict[str, str]:
    """What a process needs to begin, and nothing that a stranger's model could read out of it."""
    kept = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder)}


def check_of(end: ChildEnd, limit_s: float) -> Check:
    """The score that the process has printed, or why there is none."""
    if end.stopped is not None:
        too_long = f"scoring it took more than {limit_s:.0f} s"
        found = {"user": "stopped by the user", "limit": too_long, "somebody": "somebody had stopped its process"}
        why = found[end.stopped]
        return Check(problem=why, wall_s=end.wall_s)
    if end.exit_code < 0:
        why = f"the process that scored it was killed by signal {-end.exit_code}"
        return Check(problem=why, wall_s=end.wall_s)
    output = (json_line(end.stdout) if end.exit_code == 0 else None) or {}
    bpb, problem, illegal = output.get("val_bpb"), output.get("problem"), output.get("illegal")
    if isinstance(bpb, float):
        return Check(val_bpb=bpb, wall_s=end.wall_s)
    if isinstance(illegal, str):
        return Check(illegal=_clean(illegal), wall_s=end.wall_s)
    why = _clean(problem) if isinstance(problem, str) else f"the process that scored it exited with {end.exit_code}"
    return Check(problem=why, wall_s=end.wall_s)


def _clean(text: str) -> str:
    """One short line without control characters: a model's file may have had a hand in it."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))[:PROBLEM_CHARS]
