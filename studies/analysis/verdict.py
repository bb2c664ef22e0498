"""Who has won a study, and how sure that is.

The lowest of many noisy values is too good by about two standard deviations, so the winner is told from runs that its
choice did not depend on: the same settings again with fresh seeds.
"""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from bardtune.studies.records import StudyRecord, TrialRecord

CONFIDENCE = 0.95  # two-sided: with which two settings must differ to be told apart


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Equal settings, several seeds."""

    label: str
    runs: tuple[TrialRecord, ...]  # finished ones; at least one

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(run.val_bpb for run in self.runs if run.val_bpb is not None)

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float | None:
        """Sample standard deviation; None of a single run."""
        return statistics.stdev(self.values) if self.n > 1 else None

    @property
    def best_run(self) -> TrialRecord:
        """The run whose weights are kept: chosen by validation, before anything is scored on the test part."""
        return min(self.runs, key=lambda run: (run.val_bpb, run.run_id))

    def kept_run(self, final: Mapping[str, Mapping[str, Any]]) -> TrialRecord:
        """The run that was scored on the test part already, or else the best: equal settings are not scored twice."""
        scored = [run for run in self.runs if "test_bpb" in final.get(run.run_id, {})]
        return scored[0] if scored else self.best_run

    def as_json(self) -> dict[str, Any]:
        return {"n": self.n, "mean": self.mean, "sd": self.sd, "starved": starved_in(self.runs)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a study says about its settings."""

    raw_best: TrialRecord | None  # lowest single value of the search: too good, being the luckiest of many
    winner: TrialRecord | None  # the search trial with the lowest confirmed mean; the raw best if none is confirmed
    confirmed: Confirmed | None  # the winner's fresh runs
    candidates: tuple[Confirmed, ...]  # all that were confirmed, the lowest mean first
    baseline: Confirmed | None
    seed_sd: float | None  # standard deviation between seeds, pooled over the candidates; see ``_seed_noise``
    degrees: int  # of freedom of that
    rivals: tuple[str, ...]  # what cannot be told apart from the winner
    take_home: TrialRecord | None  # the winner's run whose weights are kept
    final: dict[str, dict[str, Any]]

    @property
    def bpb(self) -> float | None:
        """The winner's: the mean of its fresh runs, or else its single value."""
        if self.confirmed is not None:
            return self.confirmed.mean
        return self.winner.val_bpb if self.winner is not None else None

    @property
    def test_bpb(self) -> float | None:
        """Of the weights that are kept, on text that no search has seen; None until it has been scored."""
        return self._test_bpb_of(self.take_home)

    @property
    def baseline_test_bpb(self) -> float | None:
        return self._test_bpb_of(self.baseline.kept_run(self.final) if self.baseline else None)

    @property
    def finalists(self) -> tuple[TrialRecord, ...]:
        """The runs whose weights are kept and scored on the test part: the winner's and the baseline's best."""
        runs = (self.take_home, self.baseline.kept_run(self.final) if self.baseline else None)
        return tuple(run for run in runs if run is not None)

    @property
    def unscored(self) -> tuple[TrialRecord, ...]:
        """The finalists that have no score on the test part."""
        return tuple(run for run in self.finalists if self._test_bpb_of(run) is None)

    @property
    def is_settled(self) -> bool:
        """Whether the winner was confirmed and nothing else comes close."""
        return self.confirmed is not None and self.seed_sd is not None and not self.rivals

    def as_json(self, *, with_settings: bool = True) -> dict[str, Any]:
        """``best``, ``raw_best``, ``baseline`` and ``noise`` of ``show --json``."""
        best: dict[str, Any] | None = None
        if self.winner is not None:
            best = {
                "trial": self.winner.number,
                "val_bpb": self.winner.val_bpb,
                "starved": starved_in((self.winner,)),
                "confirmed": self.confirmed.as_json() if self.confirmed else None,
                "test_bpb": self.test_bpb,
                "not_distinguishable_from": list(self.rivals),
                "num_candidates": len(self.candidates),
            }
            if with_settings:
                best["settings"] = self.winner.settings
        raw = self.raw_best
        return {
            "best": best,
            "raw_best": {"trial": raw.number, "val_bpb": raw.val_bpb} if raw else None,
            "baseline": {
                "val_bpb": self.baseline.runs[0].val_bpb if self.baseline else None,
                "confirmed": self.baseline.as_json() if self.baseline else None,
                "test_bpb": self.baseline_test_bpb,
            },
            "noise": {"seed_sd": self.seed_sd, "degrees_of_freedom": self.degrees},
        }

    @property
    def no_test_reasons(self) -> tuple[str, ...]:
        """Why a finished study has no score on the test part."""
        return tuple(dict.fromkeys(score["reason"] for score in self.final.values() if "reason" in score))

    def _test_bpb_of(self, run: TrialRecord | None) -> float | None:
        return None if run is None else self.final.get(run.run_id, {}).get("test_bpb")


def verdict_of(record: StudyRecord, *, over: bool | None = None) -> Verdict:
    """Read the verdict out of a study.

    Args:
        over: whether all confirmation runs are made; before that nothing is crowned but what was before an extension.
            [default: the study is finished]
    """
    over = record.state == "finished" if over is None else over
    raw_best = record.best
    baseline_runs = tuple(run for run in record.other_runs if run.role == "baseline" and run.val_bpb is not None)
    baseline = Confirmed("the baseline", baseline_runs) if baseline_runs else None
    candidates = _candidates(record, over=over)
    noise = _seed_noise(candidates, baseline)
    confirmed = candidates[0] if candidates else None
    winner = raw_best
    if confirmed is not None:
        winner = next((trial for trial in record.search_runs if trial.number == confirmed.runs[0].candidate), raw_best)
    rivals = (*candidates[1:], *([baseline] if baseline else [])) if confirmed else ()
    verdict = Verdict(
        raw_best=raw_best,
        winner=winner,
        confirmed=confirmed,
        candidates=candidates,
        baseline=baseline,
        seed_sd=noise.sd,
        degrees=noise.degrees,
        rivals=tuple(rival.label for rival in rivals if confirmed and not _differ(confirmed, rival, noise)),
        take_home=confirmed.kept_run(record.final) if confirmed else winner,
        final=record.final,
    )
    if record.state != "finished":
        return verdict
    untried = {run.run_id: {"reason": "it was not scored"} for run in verdict.unscored}
    return replace(verdict, final={**untried, **record.final})


def starved_in(runs: Iterable[TrialRecord]) -> int:
    """In how many of them the machine was busy with something else: they trained less than they could."""
    return sum(bool(run.stats.starved) for run in runs)


def study_json(record: StudyRecord, *, with_settings: bool = True) -> dict[str, Any]:
    """What ``show --json`` prints of a study; ``list --json`` leaves the winner's settings out."""
    return {
        "name": record.name,
        "state": record.state,
        "stop_reason": record.stop_reason,
        "trials": record.counts(),
        "seconds_used": round(record.seconds_used, 1),
        **verdict_of(record).as_json(with_settings=with_settings),
        "corpus": record.corpus,
        "note": record.note,
        "storage": record.storage,
        "extended_at": list(record.extended_at),
        "after": [
            {"study": each.name, "runs": len(each.runs), "differs": list(each.differs)} for each in record.earlier
        ],
    }


def _candidates(record: StudyRecord, *, over: bool) -> tuple[Confirmed, ...]:
    """What was confirmed; of a study that goes on after an extension, by what there was before that."""
    made = [run for run in record.other_runs if run.role == "confirmation"]
    if not over:
        seen = [extension.confirmations for extension in record.extensions if extension.was_over]
        made = made[: seen[-1] if seen else 0]
    runs = [run for run in made if run.val_bpb is not None]
    numbers = dict.fromkeys(run.candidate for run in runs)
    groups = [Confirmed(f"trial {each}", tuple(run for run in runs if run.candidate == each)) for each in numbers]
    return tuple(sorted(groups, key=lambda group: group.mean))


class _Noise(NamedTuple):
    """Standard deviation between seeds, None if unknown, and its degrees of freedom."""

    sd: float | None
    degrees: int


def _seed_noise(candidates: tuple[Confirmed, ...], baseline: Confirmed | None) -> _Noise:
    """The noise of the candidates; with the baseline's, another recipe's, only where they ran once each."""
    noise = _pooled(candidates)
    return noise if noise.degrees or baseline is None else _pooled((*candidates, baseline))


def _pooled(groups: tuple[Confirmed, ...]) -> _Noise:
    """The standard deviation within groups."""
    degrees = sum(group.n - 1 for group in groups)
    squares = sum((value - group.mean) ** 2 for group in groups for value in group.values)
    return _Noise(math.sqrt(squares / degrees), degrees) if degrees else _Noise(None, 0)


def _differ(one: Confirmed, other: Confirmed, noise: _Noise) -> bool:
    """Student's t test with the pooled noise; Welch's, with the noise of each, against a baseline that ran twice.

    Without any noise known nothing can be told apart.
    """
    from scipy.special import stdtrit  # as scipy.stats.t.ppf, which takes longer to import than all else together

    if noise.sd is None:
        return False
    error, degrees = noise.sd * math.sqrt(1 / one.n + 1 / other.n), float(noise.degrees)
    is_baseline = other.runs[0].role == "baseline"
    if is_baseline and one.sd is not None and other.sd is not None:
        squares = [group.sd**2 / group.n for group in (one, other) if group.sd is not None]
        error = math.sqrt(sum(squares))
        parts = sum(square**2 / (group.n - 1) for square, group in zip(squares, (one, other), strict=True))
        degrees = sum(squares) ** 2 / parts if parts else degrees
    return abs(one.mean - other.mean) > float(stdtrit(degrees, (1 + CONFIDENCE) / 2)) * error
