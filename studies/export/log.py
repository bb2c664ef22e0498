"""``replay_log``: what a study has done, as plain values, without a name or a path of the machine it ran on."""

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bardtune.data.corpus import BUILT_IN
from bardtune.model.training.budget import percent_reached
from bardtune.studies.analysis.importance import Importance, importance
from bardtune.studies.analysis.phrases import earlier_of
from bardtune.studies.analysis.redactor import Redactor
from bardtune.studies.analysis.run_facts import logged
from bardtune.studies.analysis.winner import Winner
from bardtune.studies.records import StudyRecord, TrialRecord

FORMAT = 1  # raise it when an export of today could not be replayed any more
OWN_TEXT = "own text"  # stands for the name of a corpus that is not built in


def replay_log(winner: Winner, *, fractions: Sequence[float], test_bpb: float | None) -> dict[str, Any]:
    """Return the log of a study, in the order in which a reader wants it.

    Args:
        winner: the run to take home and its study.
        fractions: for each step of that run, the part of the budget that was spent when it began.
        test_bpb: of its weights; None if they have not been scored.
    """
    record, verdict = winner.record, winner.verdict
    plan, clean = record.plan.as_dict(), Redactor(record)
    corpus = _corpus(record)
    own_space = "/" in plan["space"] or plan["space"].endswith(".toml")
    return {
        "format": FORMAT,
        "bardtune": own_version(),
        "study": record.name,
        "note": clean(record.note),
        "state": record.state,
        "stop_reason": record.stop_reason,
        "extended_at": list(record.extended_at),
        "after": [[name, runs, list(differs)] for name, runs, differs in earlier_of(record)],
        "plan": {**plan, "corpus": corpus["name"], "space": "own" if own_space else plan["space"]},
        "parameters": [_parameter(record, each.name) for each in record.parameters],
        "corpus": corpus,
        "fingerprint": record.fingerprint,
        "counts": record.counts(),
        "seconds_used": record.seconds_used,
        "verdict": verdict.as_json(with_settings=False),
        "candidates": [{"trial": each.runs[0].candidate, **each.as_json()} for each in verdict.candidates],
        "importance": _importance(importance(record)),
        "runs": [_run(record, run, clean) for run in record.runs],
        "winner": {
            "label": winner.run.label,
            "trial": verdict.winner.number if verdict.winner else None,
            "run": winner.run.run_id,
            "settings": winner.run.settings,
            "threads": winner.run.stats.threads,
            "cpu": winner.run.stats.cpu,
            "val_bpb": winner.run.val_bpb,
            "test_bpb": test_bpb,
            "total_steps": len(fractions),
            "num_params": winner.run.stats.num_params,
            "trajectory": trajectory(winner.run.curve, fractions),
            "fractions": list(fractions),
        },
    }


def own_version() -> str:
    """Of this bardtune."""
    try:
        return version("bardtune")
    except PackageNotFoundError:  # a checkout that is not installed
        return "of a checkout"


def _corpus(record: StudyRecord) -> dict[str, Any]:
    """The text's facts, without the name that somebody has given it."""
    name = OWN_TEXT if record.has_own_text else BUILT_IN
    return {"name": name, "bytes": record.corpus["bytes"], "sha256": record.corpus["sha256"]}


def report_steps(fractions: Sequence[float]) -> dict[int, int]:
    """After which step a run reports each percent that it does report: {percent: step}, as the trainer counts."""
    steps: dict[int, int] = {}
    reached = 0
    for step, fraction in enumerate(fractions):
        percent = percent_reached(fraction)
        if step and reached < percent < 100:
            reached = percent
            steps[percent] = step
    return {**steps, 100: len(fractions)}


def trajectory(curve: Sequence[tuple[int, float]], fractions: Sequence[float]) -> list[list[float]]:
    """[percent, step, bpb] of each report.

    A tenth that was reached with the last step is left out: a run that follows the fractions does not report it.
    """
    steps = report_steps(fractions)
    return [[percent, steps[percent], bpb] for percent, bpb in curve if percent in steps]


def _run(record: StudyRecord, run: TrialRecord, clean: Redactor) -> dict[str, Any]:
    """One run; of a crash, whose message may hold anything, only that it was one."""
    reason = "crashed" if run.ending == "crashed" else run.reason and clean(run.reason)
    return {key: _plain(value) for key, value in logged(record, run).items()} | {"reason": reason}


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _parameter(record: StudyRecord, name: str) -> dict[str, Any]:
    found = next(each for each in record.parameters if each.name == name)
    if found.choices is not None:
        return {"name": name, "choices": list(found.choices)}
    return {"name": name, "low": found.low, "high": found.high, "log": found.log}


def _importance(found: Importance) -> dict[str, Any]:
    return {
        "summary": found.summary,
        "reason": found.reason,
        "shares": [{"name": s.name, "mean": s.mean, "low": s.low, "high": s.high} for s in found.shares],
        "conditional": list(found.conditional),
        "constant": list(found.constant),
    }
