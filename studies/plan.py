"""What the user asked of a study. Written once, at its creation."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from bardtune.studies.errors import PlanError

MAX_TRIALS = 50
MAX_HOURS = 3.0
MAX_SECONDS = 10_000.0  # a run of that length and its evaluation fit into the hours
BASELINE_FROM_TRIALS = 4  # smaller studies have no run to spare for the baseline
MOST_REPEATS = 3
MAX_TARGET = 8.0  # bpb of who knows nothing of bytes
AUTO_CANDIDATES, AUTO_FRESH_RUNS = 3, 7  # at most, of a confirmation that spends its runs where they decide ...
AUTO_SEEDS = 2  # ... and has so many for each candidate on average
_CONFIRM = re.compile(r"([1-9]\d?)x([1-9]\d?)")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Confirmation(NamedTuple):
    """Runs that a plan keeps for making sure of its winner."""

    candidates: int  # search trials that are run again, at most ...
    fresh_runs: int  # ... with so many fresh seeds in all
    baselines: int  # further runs of the baseline
    is_even: bool  # the same number for every candidate; otherwise where they decide most

    @property
    def num_runs(self) -> int:
        return self.fresh_runs + self.baselines


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyPlan:
    """One study: how much, on what, and how it seeks.

    Which samplers, pruners and launchers there are is not known here: a study that names another can still be read.

    Raises:
        PlanError: a value that no study could follow; the sentence names one that it could.
    """

    trials: int = MAX_TRIALS  # training runs of every kind, the baseline included
    seconds: float = 180.0  # training budget of one run
    hours: float = MAX_HOURS  # active time of the whole study
    corpus: str = "shakespeare"  # or the absolute path of a file or folder
    space: str = "wide"  # built-in name, or the absolute path of a TOML file
    sampler: str = "curvegp"
    pruner: str = "chance"
    launcher: str = "local"  # where the runs train
    workers: int = 1  # runs at a time
    threads: int = 1  # of each run
    seed: int = 0
    max_crashes: int = 3  # in a row; then the machine or the code is to blame, and more trials would be lost to it
    confirm: str = "auto"  # or candidates x fresh seeds such as "3x2"; "0" crowns the lowest single run
    repeat_starved: int = 0  # how often a finished trial whose machine was busy is run again under its number
    stop_when_settled: bool = False  # end the search when the runs left promise less than seeds differ by
    target: float = 0.0  # bpb at which the search ends, a single run's; 0 for none
    mixed_machines: bool = False  # runs may train on different kinds of processor, although they do not compare then

    def __post_init__(self) -> None:
        self._check_kinds()
        if not 1 <= self.trials <= MAX_TRIALS:
            raise PlanError(
                f"--trials {self.trials} is outside 1 to {MAX_TRIALS}, a study's cap; choose --trials {MAX_TRIALS}."
            )
        if not 0.05 <= self.seconds <= MAX_SECONDS:
            raise PlanError(f"--seconds {self.seconds:g} is outside 0.05 to {MAX_SECONDS:g}; choose --seconds 180.")
        if not 0 < self.hours <= MAX_HOURS:
            raise PlanError(
                f"--hours {self.hours:g} must be above 0 and at most {MAX_HOURS:g}, a study's cap; choose --hours "
                f"{MAX_HOURS:g}."
            )
        if self.hours * 3600 < self.seconds + expected_overhead_s(self.seconds):
            whole_s = self.trials * (self.seconds + expected_overhead_s(self.seconds))
            enough = min(MAX_HOURS, math.ceil(whole_s / 36) / 100)
            raise PlanError(
                f"--hours {self.hours:g} is {self.hours * 3600:g} s, too short for one trial of --seconds "
                f"{self.seconds:g}; choose --hours {enough:g}."
            )
        if not 0 <= self.seed < 2**31:
            raise PlanError(f"--seed {self.seed} is outside 0 to {2**31 - 1}; choose --seed 0.")
        if self.max_crashes < 1:
            raise PlanError(f"--max-crashes {self.max_crashes} must be at least 1; choose --max-crashes 3.")
        if self.confirm not in ("auto", "0") and not _CONFIRM.fullmatch(self.confirm):
            raise PlanError(
                f"--confirm {self.confirm!r} is not candidates x seeds; choose --confirm auto, --confirm 3x2, or "
                "--confirm 0 for none."
            )
        if not 0 <= self.repeat_starved <= MOST_REPEATS:
            raise PlanError(
                f"--repeat-starved {self.repeat_starved} is outside 0 to {MOST_REPEATS}; choose --repeat-starved 1."
            )
        if not 0 <= self.target <= MAX_TARGET:
            raise PlanError(
                f"--target {self.target:g} is outside 0 to {MAX_TARGET:g} bpb; choose --target 1.8, or 0 for none."
            )
        if self.workers < 1 or self.threads < 1:
            raise PlanError(f"--workers {self.workers} and --threads {self.threads} must both be at least 1.")
        if self.workers > MAX_TRIALS:
            raise PlanError(
                f"--workers {self.workers} is more than the {MAX_TRIALS} runs of a study; choose --workers "
                f"{MAX_TRIALS}."
            )

    def _check_kinds(self) -> None:
        """TOML may hold anything; refuse what is not of the field's type."""
        for field in fields(self):
            value = getattr(self, field.name)
            good = isinstance(value, (int, float) if field.type is float else field.type)  # type: ignore[arg-type]
            wild = isinstance(value, (int, float)) and not -1e15 < value < 1e15  # NaN is not between either
            if not good or isinstance(value, bool) != (field.type is bool) or wild:
                kinds = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
                kind = kinds[field.type]  # type: ignore[index]
                raise PlanError(f"--{field.name} is {value!r}; give {kind}.")

    def check_cores(self, cores: int) -> None:
        """Raise PlanError if there are fewer cores than the plan's runs want at a time."""
        needed = self.workers * self.threads
        if needed > cores:
            raise PlanError(
                f"--workers {self.workers} with --threads {self.threads} each want {needed} cores and there are "
                f"{cores}; choose --workers {min(self.workers, cores)} --threads {max(1, cores // self.workers)}."
            )

    @property
    def confirmation(self) -> Confirmation:
        """What of the plan is kept for confirming: at most a quarter of the runs that trials and hours allow.

        The leading candidate comes first, then a second run of the baseline, then further candidates.
        """
        affordable = self.hours * 3600 * self.workers // (self.seconds + expected_overhead_s(self.seconds))
        limit = int(min(self.trials, affordable)) // 4
        if self.confirm == "0" or limit == 0:
            return Confirmation(0, 0, 0, is_even=True)
        asked = _CONFIRM.fullmatch(self.confirm)
        seeds = min(int(asked[2]) if asked else AUTO_SEEDS, limit)
        baselines = int(limit > seeds and self.trials >= BASELINE_FROM_TRIALS)
        if asked is None:
            fresh_runs = min(AUTO_FRESH_RUNS, limit - baselines)
            candidates = min(AUTO_CANDIDATES, max(1, fresh_runs // AUTO_SEEDS))
            return Confirmation(candidates, fresh_runs, baselines, is_even=False)
        candidates = min(int(asked[1]), (limit - baselines) // seeds)
        return Confirmation(candidates, candidates * seeds, baselines, is_even=True)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def expected_overhead_s(budget_s: float) -> float:
    """Wall seconds that a run takes beyond its budget, for lack of a measured figure."""
    return min(15.0, 2.0 + 0.1 * budget_s)


PLAN_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(StudyPlan)}


def plan_from(study: str, stored: Mapping[str, Any]) -> StudyPlan:
    """A study's plan as it was stored.

    Raises:
        PlanError: a version of bardtune made it that knows more.
    """
    newer = [name for name in stored if name not in PLAN_DEFAULTS]
    if newer:
        raise PlanError(
            f"the study {study!r} was made by a newer bardtune: its plan says {', '.join(sorted(newer))}, which this "
            "one does not know; use that version, or a newer one."
        )
    return StudyPlan(**stored)


def is_plain_name(name: str) -> bool:
    """Whether ``name`` can name a study, and a file of it: it leads to no other folder."""
    return _PLAIN_NAME.fullmatch(name) is not None


def check_study_name(name: str) -> str:
    """Return ``name``; a colon and the like are refused, since ``NAME:runs`` belongs to the study too."""
    if not is_plain_name(name):
        raise PlanError(f"{name!r} cannot name a study; use letters, digits, '.', '_' and '-', such as my-study.")
    return name
