"""Shares of the parameters in what makes trials good or bad."""

from dataclasses import dataclass

from bardtune.studies.analysis.importance import INTERVAL, Importance
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.view import View

HEADING = "parameter importance"
_RESAMPLED = "trials resampled with replacement"
_SAMPLES = {
    "surrogate": "what the study's Gaussian process thinks possible",
    "regression": f"{_RESAMPLED} and the curves that fit them",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars(View):
    """Shares of the parameters, the highest first."""

    importance: Importance  # has shares


def view(data: PlotData) -> View:
    """View of the importance, or of the reason why there is none."""
    found = data.importance
    if found.reason is not None:
        return data.nothing(HEADING, found.reason)
    return Bars(frame=data.frame(HEADING, _notes(found, data.evaluator)), importance=found)


def _notes(found: Importance, evaluator: str) -> list[str]:
    interval = f"{INTERVAL:.0%}".replace("%", " %")
    notes = [f"Bars: mean, whiskers: {interval} interval, of {_SAMPLES.get(evaluator, _RESAMPLED)}."]
    if evaluator in _SAMPLES:
        notes.append("A share is what that parameter alone explains, over its whole range.")
    if found.num_pruned:
        notes.append(
            "Pruned trials count with their bpb where they were last heard together with finished ones, "
            "less what those still gained from there."
        )
    if found.partly:
        notes.append(f"Judged only where they are set: {', '.join(found.partly)}.")
    left_out = [f"{name} (not in every trial)" for name in found.conditional]
    left_out += [f"{name} (one value)" for name in found.constant]
    if left_out:
        notes.append(f"Left out: {', '.join(left_out)}.")
    return notes
