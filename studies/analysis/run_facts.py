"""What is told of a run: each fact is named, explained and read here, for all that tell it.

``bardtune trials`` has a column for each fact of the ``TABLE``, ``show --json`` a key in its ``runs`` for each that it
is to ``SHOW``, and an export's log one for each of the ``LOG``. The report takes its numbers from here, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from operator import attrgetter
from typing import Any

from bardtune.studies.records import StudyRecord, TrialRecord

Read = Callable[[StudyRecord, TrialRecord], Any]


class Place(Flag):
    """Where a fact is told."""

    TABLE = auto()  # bardtune trials: a number, a text or nothing
    SHOW = auto()  # bardtune show --json, of the user's own studies
    LOG = auto()  # an export, which others read: no place and no host


TABLE, SHOW, LOG = Place.TABLE, Place.SHOW, Place.LOG
ALL = TABLE | SHOW | LOG


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name, with the unit at its end, what it means, where it is told, and how it is read from a run."""

    name: str
    meaning: str
    places: Place
    read: Read
    log_key: str | None = None  # what the log calls it, where that is not its name


def _run(path: str) -> Read:
    """Read an attribute of the run, such as ``stats.steps``."""
    read = attrgetter(path)
    return lambda _, run: read(run)


def _phase(phase: str) -> Read:
    return lambda _, run: run.stats.seconds.get(phase)


FACTS = (
    Fact("study", "name of the study", TABLE, lambda record, _: record.name),
    Fact("role", "search, baseline, confirmation or service", ALL, _run("role")),
    Fact("trial", "number within the role, from 0", ALL, _run("number"), "number"),
    Fact("label", "role and number in words", LOG, _run("label")),
    Fact("candidate", "number of the search trial that a confirmation run repeats", ALL, _run("candidate")),
    Fact("repeats", "how often it was run again because its machine was busy", ALL, _run("repeats")),
    Fact("script", "a script of yours: its path, SHA-256, source, diff and trust", SHOW, _run("script")),
    Fact("state", "complete, pruned, failed, running or interrupted", ALL, _run("state")),
    Fact("ending", "finished, pruned, diverged, crashed, interrupted; none while running", ALL, _run("ending")),
    Fact("reason", "why it ended so, where there is more to say", ALL, _run("reason")),
    Fact("val_bpb", "bits per byte on the whole validation part; of finished runs", ALL, _run("val_bpb")),
    Fact(
        "trust",
        "how the val_bpb of a script of yours is known: checked, measured or self-reported",
        TABLE | LOG,
        _run("trust"),
    ),
    Fact("last_bpb", "val_bpb, or else the last point of the learning curve", TABLE, _run("last_bpb")),
    Fact(
        "last_percent",
        "where on the budget the learning curve ends, in percent",
        TABLE,
        lambda _, run: run.curve[-1][0] if run.curve else None,
    ),
    Fact(
        "test_bpb",
        "bits per byte on the test part; of the winner's and the baseline's kept runs",
        TABLE,
        lambda record, run: record.final.get(run.run_id, {}).get("test_bpb"),
    ),
    Fact(
        "curve",
        "the learning curve: pairs of percent and bits per byte",
        SHOW | LOG,
        lambda _, run: [list(point) for point in run.curve],
        "intermediate_values",
    ),
    Fact("params", "what the search drew", SHOW | LOG, _run("params")),
    Fact("settings", "what was trained with, all of it", LOG, _run("settings")),
    Fact("seed", "of its weights and windows", LOG, lambda _, run: run.settings.get("seed")),
    Fact("stats", "what it has done and taken, all that is known", SHOW, lambda _, run: run.stats.as_dict()),
    Fact("started", "local time of the machine that coordinated the study", TABLE | LOG, _run("started")),
    Fact("ended", "likewise", TABLE | LOG, _run("ended")),
    Fact("steps", "optimizer updates", TABLE | LOG, _run("stats.steps")),
    Fact("train_bytes", "bytes trained on, repetitions counted", TABLE | LOG, _run("stats.bytes_seen"), "bytes_seen"),
    Fact(
        "train_bytes_per_s",
        "those for each second of training",
        TABLE | LOG,
        _run("stats.bytes_per_s"),
        "bytes_per_s",
    ),
    Fact("num_params", "parameters of the model", TABLE | LOG, _run("stats.num_params")),
    Fact("setup_s", "seconds to build the model and warm up; not charged to the budget", TABLE, _phase("setup")),
    Fact("train_s", "seconds of training, charged to the budget", TABLE, _phase("train")),
    Fact("evaluate_s", "seconds of evaluation; not charged", TABLE, _phase("evaluate")),
    Fact("checkpoint_s", "seconds to save the state; not charged", TABLE, _phase("checkpoint")),
    Fact("seconds", "all of these, by phase", LOG, _run("stats.seconds")),
    Fact(
        "cpu_ratio",
        "CPU seconds for each second of training; up to the number of threads",
        TABLE | LOG,
        _run("stats.cpu_ratio"),
    ),
    Fact("peak_memory_bytes", "largest memory of the process", TABLE | LOG, _run("stats.peak_memory_bytes")),
    Fact("threads", "it computed with", LOG, _run("stats.threads")),
    Fact("starved", "true if the machine was busy with something else", TABLE | LOG, _run("stats.starved")),
    Fact("seconds_budget", "the plan's seconds of training for each run", TABLE, lambda record, _: record.plan.seconds),
    Fact("corpus_sha256", "of the whole text", TABLE, lambda record, _: record.corpus.get("sha256")),
    Fact("cpu", "the processor's name and wide instructions", TABLE | LOG, _run("stats.cpu")),
    Fact("precision", "of its products: fp32 or bf16", TABLE | LOG, _run("stats.precision")),
    Fact("numba", "whether its loops were compiled, which makes a run faster", TABLE | LOG, _run("stats.numba")),
    Fact("node", "of a cluster, from 1, in the order in which they joined", TABLE | LOG, _run("stats.node")),
)
BY_NAME = {fact.name: fact for fact in FACTS}


def facts_in(place: Place) -> tuple[Fact, ...]:
    """The facts that are told there, in their order."""
    return tuple(fact for fact in FACTS if place in fact.places)


def shown_json(record: StudyRecord, run: TrialRecord) -> dict[str, Any]:
    """One entry of ``runs`` in ``show --json``."""
    return {fact.name: fact.read(record, run) for fact in facts_in(SHOW)}


def logged(record: StudyRecord, run: TrialRecord) -> dict[str, Any]:
    """One entry of ``runs`` in an export's log: the same keys for every run, None for what is not known."""
    return {fact.log_key or fact.name: fact.read(record, run) for fact in facts_in(LOG)}
