"""Training an exported run again by its recorded steps, and what to think of the outcome."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from bardtune.data.corpus import Corpus
from bardtune.studies.export.check import Export
from bardtune.studies.export.files import ExportError

SAME_BPB = 1e-6  # of a run that is repeated on the same kind of processor, with the same versions and threads
SCORE_BPB = 1e-3  # of weights that are read again and scored: other processors round otherwise
SEED_SDS = 3.0  # on another machine a run may be as far off as this many standard deviations between seeds ...
LEAST_SHARE = 0.005  # ... or this part of the bpb, where that is more or nothing is known of seeds

ReplayOutcome = Literal["verified", "equal within tolerance", "different"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A recorded report and the same report of the run that was made again."""

    percent: int
    step: int
    recorded_bpb: float
    bpb: float

    @property
    def off(self) -> float:
        return abs(self.bpb - self.recorded_bpb)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """What a run that was made again has shown."""

    outcome: ReplayOutcome
    reports: tuple[Report, ...]
    environment_changes: tuple[str, ...]  # what is not as it was when the run was recorded
    tolerance: float
    parted_at: Report | None  # the first report that is further off than SAME_BPB; None if all are the same


def environment_changes(export: Export) -> tuple[str, ...]:
    """What differs here from where the run was recorded, in words; nothing: it must be had again exactly."""
    from bardtune.data.host import cpu_kind

    winner, versions = export.winner, export.log["fingerprint"]
    pairs = [("processor", winner["cpu"], cpu_kind())]
    pairs += [(library, versions.get(library), version(library)) for library in ("torch", "numpy")]
    return tuple(f"{name} was {then or 'not recorded'} and is {now}" for name, then, now in pairs if then != now)


def check_scores(export: Export, corpus: Corpus) -> None:
    """Score the exported weights.

    Raises:
        ExportError: they have not the recorded bpb, on the validation part or, if recorded, on the test part.
    """
    from bardtune.model.measure.final import score_weights

    winner = export.winner
    scores = score_weights(export.paths.weights, corpus)
    for part, recorded, found in (
        ("validation", winner["val_bpb"], scores.val_bpb),
        ("test", winner["test_bpb"], scores.test_bpb),
    ):
        if recorded is not None and not abs(found - recorded) <= SCORE_BPB:
            raise ExportError(
                f"{export.paths.root} was changed after it was exported: its weights reach {found:.4f} bpb on the "
                f"{part} part, and {recorded:.4f} is recorded."
            )


def rerun(export: Export, corpus: Corpus, *, quick: bool, on_report: Callable[[Report], None]) -> Replay:
    """Make the recorded steps again; the caller has set the number of threads.

    Args:
        export: a checked one.
        corpus: the text that it was trained on.
        quick: stop after the first report.
        on_report: called with each report.
    """
    from bardtune.model.settings import settings_from
    from bardtune.model.training.budget import StepBudget
    from bardtune.model.training.trainer import TrainingRun

    winner = export.winner
    recorded = {percent: bpb for percent, _, bpb in winner["trajectory"]}
    run = TrainingRun(settings_from(winner["settings"]), corpus, budget=StepBudget(tuple(winner["fractions"])))
    reports: list[Report] = []
    with closing(run.events()) as events:  # type: ignore[type-var]
        for progress in events:
            known = recorded.get(progress.percent, float("nan"))
            reports.append(
                Report(percent=progress.percent, step=progress.step, recorded_bpb=known, bpb=progress.val_bpb)
            )
            on_report(reports[-1])
            if quick:
                break
    return compare(reports, environment_changes=environment_changes(export), tolerance=tolerance_of(export.log))


def tolerance_of(log: dict[str, Any]) -> float:
    """How far off a run may be where sums are rounded otherwise: it ends about as another seed would."""
    sd = log["verdict"]["noise"]["seed_sd"] or 0.0
    return max(SEED_SDS * sd, LEAST_SHARE * float(log["winner"]["val_bpb"]))


def compare(reports: list[Report], *, environment_changes: tuple[str, ...], tolerance: float) -> Replay:
    """Verified, if all reports are the same; equal, if the last is near and the circumstances excuse it."""
    parted_at = next((report for report in reports if not report.off <= SAME_BPB), None)
    outcome: ReplayOutcome = "verified"
    if parted_at is not None:
        outcome = "equal within tolerance" if environment_changes and reports[-1].off <= tolerance else "different"
    return Replay(
        outcome=outcome,
        reports=tuple(reports),
        environment_changes=environment_changes,
        tolerance=tolerance,
        parted_at=parted_at,
    )
