"""What stands on the page, in words and rows: plain data, not yet HTML."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bardtune.data.paths import short_name
from bardtune.studies.analysis.numbers import number_text
from bardtune.studies.analysis.phrases import (
    bpb_text,
    counts_text,
    duration_text,
    earlier_of,
    earlier_text,
    extended_text,
)
from bardtune.studies.analysis.run_facts import BY_NAME
from bardtune.studies.analysis.verdict import Verdict
from bardtune.studies.analysis.verdict_phrases import phrases_of, sentences
from bardtune.studies.plots.words import ending_text
from bardtune.studies.records import StudyRecord, TrialRecord

_NUMBERS = (  # heading, fact of the run, form
    ("bpb", "last_bpb", "{:.4f}"),
    ("training, s", "train_s", "{:.1f}"),
    ("steps", "steps", "{:,}"),
)
Clean = Callable[[str], str]  # takes places and names out of a text
_FINGERPRINT = {
    "metric_version": "version of the metric",
    "trainer_version": "version of the trainer",
    "corpus_sha256": None,  # stands with the data
    "cpu": "processor",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A number to be seen first."""

    value: str
    what: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell of the table says, and what it is sorted by; None sorts last."""

    text: str
    key: float | str | None
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    run_id: str
    cells: tuple[Cell, ...]
    mark: str = ""  # winner, baseline or nothing


def asked(record: StudyRecord) -> str:
    """What the study was to do, in a sentence."""
    plan = record.plan
    runs = f"{plan.trials} training run{'s' * (plan.trials != 1)} of {plan.seconds:g} s each"
    num_kept = record.confirmation.num_runs
    again = f", {num_kept} of them to confirm the winner" if num_kept else ""
    where = f"{plan.workers} at a time" if plan.workers > 1 else "one at a time"
    threads = f"{plan.threads} thread{'s' * (plan.threads != 1)}"
    earlier = earlier_text(earlier_of(record))
    return (
        f"Asked for: {runs} at most{again}, in {plan.hours:g} h at most, on the text {short_name(plan.corpus)}; search "
        f"space {short_name(plan.space)}, {plan.sampler} sampler, {plan.pruner} pruner, {where} on {threads}, seed "
        f"{plan.seed}{', ' + earlier if earlier else ''}."
    )


def stopped(record: StudyRecord) -> str:
    """What ended it, or that it has not ended."""
    used = duration_text(record.seconds_used)
    if record.state == "running":
        ended = f"It was still running when this page was made, after {used}"
    else:
        ended = {
            "trials": f"It ended after {used}, when all runs were made",
            "hours": f"It ended after {used}, when its hours were over",
            "settled": f"It ended after {used}, when nothing more was to be gained",
            "target": f"It ended after {used}, when a trial had reached {record.plan.target:g} bpb",
            "user": f"It was interrupted by its user after {used} and can be continued",
            "error": f"It stopped after {used}, because trials kept crashing, and can be continued",
        }.get(record.stop_reason or "", f"It was interrupted after {used} and can be continued")
    extended = extended_text(record.extended_at)
    return f"{ended}: {counts_text(record)}." + (f" It was {extended}." if extended else "")


def found(record: StudyRecord, verdict: Verdict) -> list[str]:
    """The winner, and how sure that is."""
    is_open = record.state != "finished"
    if verdict.winner is None:
        return [
            "No trial has finished yet, so there is no winner." if is_open else "No trial finished: there is no winner."
        ]
    reasons = [f"There is no score on the test part: {reason}." for reason in verdict.no_test_reasons]
    return sentences(phrases_of(verdict.as_json()), so_far=is_open) + reasons


def tiles(record: StudyRecord, verdict: Verdict) -> list[Tile]:
    """The winner's bpb, its test bpb, the baseline's, and their ratio; what is not known is left out."""
    if verdict.winner is None:
        return []
    confirmed, baseline = verdict.confirmed, verdict.baseline
    assert verdict.bpb is not None
    if confirmed and confirmed.sd is not None:
        more = f"{verdict.winner.label}, mean of {confirmed.n} seeds, sd {bpb_text(confirmed.sd)}"
    else:
        more = f"{verdict.winner.label}, one run"
    shown = [Tile(bpb_text(verdict.bpb), "winner, bpb" if confirmed else "best run, bpb", more)]
    if verdict.test_bpb is not None:
        shown.append(Tile(bpb_text(verdict.test_bpb), "its test bpb", "text that the search never saw"))
    if baseline is not None:
        runs = "one run" if baseline.sd is None else f"mean of {baseline.n} seeds, sd {bpb_text(baseline.sd)}"
        shown.append(Tile(bpb_text(baseline.mean), "baseline, bpb", f"reference recipe, {runs}"))
        shown.append(Tile(f"{verdict.bpb / baseline.mean:.3f}", "winner / baseline", "below 1 is better"))
    return shown


def headings(record: StudyRecord) -> list[str]:
    return [
        "run",
        "ended",
        *(heading for heading, *_ in _NUMBERS),
        *(each.name for each in record.parameters),
        "reason",
    ]


def rows(record: StudyRecord, verdict: Verdict, clean: Clean) -> list[Row]:
    """One for each run, those of the search after the others."""
    return [_row(record, verdict, index, run, clean) for index, run in enumerate(record.runs)]


def _row(record: StudyRecord, verdict: Verdict, index: int, run: TrialRecord, clean: Clean) -> Row:
    label = run.label if run.candidate is None else f"{run.label} of trial {run.candidate}"
    starved = ["its machine was busy"] if run.stats.starved else []
    reason = "; ".join([*([clean(run.reason)] if run.reason else []), *starved])
    cells = [
        Cell(label, index, is_number=False),
        Cell(ending_text(run), f"{run.ending or run.state}"),
        *(_number(BY_NAME[name].read(record, run), form) for _, name, form in _NUMBERS),
        *(_value(run.params.get(each.name, run.settings.get(each.name))) for each in record.parameters),
    ]
    mark = "winner" if run is verdict.winner else "baseline" if run.role == "baseline" else ""
    return Row(run.run_id, (*cells, Cell(reason, reason or None)), mark)


def _number(value: float | None, form: str) -> Cell:
    """Sorted last if it is not known or no number."""
    key = value if value is not None and math.isfinite(value) else None
    return Cell("" if value is None else form.format(value), key, is_number=True)


def _value(value: Any) -> Cell:
    if value is None:
        return Cell("", None)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Cell(number_text(value), value if is_number else str(value), is_number=is_number)


def data_facts(record: StudyRecord) -> list[tuple[str, str]]:
    """What was trained on."""
    corpus = record.corpus
    return [
        ("text", record.corpus_name),
        ("bytes", f"{corpus['bytes']:,}" if "bytes" in corpus else "not known"),
        ("SHA-256", str(corpus.get("sha256", "not known"))),
        ("parts", "first 90 % trained on, next 5 % validation, last 5 % test"),
    ]


def environment_facts(record: StudyRecord) -> list[tuple[str, str]]:
    """With what it was trained."""
    versions = [
        (_FINGERPRINT.get(name) or name, str(value))
        for name, value in record.fingerprint.items()
        if _FINGERPRINT.get(name, name) is not None
    ]
    peaks = [run.stats.peak_memory_bytes for run in record.runs if run.stats.peak_memory_bytes]
    facts = [*versions, ("threads of a run", str(record.plan.threads)), ("runs at a time", str(record.plan.workers))]
    if peaks:
        facts.append(("largest memory of a run", f"{max(peaks) / 1e9:.1f} GB"))
    if len(kinds := record.kinds_of_processor) > 1:
        facts.append(("runs on several kinds of processor", f"their bpb do not compare: {'; '.join(kinds)}"))
    if nodes := sorted({run.stats.node for run in record.runs if run.stats.node}):
        facts.append(("nodes of a cluster", str(len(nodes))))
    if starved := record.counts()["starved"]:
        facts.append(("runs on a busy machine", f"{starved} of {len(record.runs)}, which trained less for it"))
    if (share := record.share_outside_training) is not None:
        facts.append(("time outside training", f"{share:.1%} of the study's, evaluation excluded"))
    return facts
