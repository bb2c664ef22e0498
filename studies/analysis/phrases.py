"""Facts of a study in the words that the terminal and the report share."""

import re

from bardtune.studies.analysis.verdict import Confirmed, Verdict
from bardtune.studies.records import StudyRecord

_WHY = {
    "trials": "all trials made",
    "hours": "its hours are over",
    "user": "by the user",
    "error": "trials kept crashing",
}


def bpb_text(bpb: float | None) -> str:
    return "-" if bpb is None else f"{bpb:.4f}"


def duration_text(seconds: float) -> str:
    """Seconds as 41 s, 6 min 41 s or 2 h 05 min."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def short_name(path: str) -> str:
    """The last part of a path, or a built-in name as it is: no place is told."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def counts_text(record: StudyRecord) -> str:
    """How many runs there are and how they ended."""
    counts = record.counts()
    kinds = ("complete", "pruned", "failed", "diverged", "running", "interrupted")
    endings = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind] or kind in kinds[:3])
    return f"{counts['total']} of {counts['planned']} trials ({endings})"


def state_text(record: StudyRecord) -> str:
    """State and, where there is one, why it stopped."""
    why = _WHY.get(record.stop_reason or "")
    return f"{record.state} ({why})" if why else record.state


def values_text(confirmed: Confirmed) -> str:
    """Mean, standard deviation and number of runs."""
    if confirmed.sd is None:
        return f"{bpb_text(confirmed.mean)} bpb (one run)"
    return f"{bpb_text(confirmed.mean)} bpb (sd {bpb_text(confirmed.sd)}, n={confirmed.n} seeds)"


def lower_text(verdict: Verdict) -> str | None:
    """How far the winner is from the baseline; None without one of them."""
    if verdict.baseline is None or verdict.winner is None or verdict.winner.val_bpb is None:
        return None
    own = verdict.confirmed.mean if verdict.confirmed else verdict.winner.val_bpb
    lower = verdict.baseline.mean - own
    return f"{abs(lower):.4f} {'lower' if lower >= 0 else 'higher'} than the baseline"


def certainty_text(verdict: Verdict) -> str:
    """Whether a confirmed winner can be told apart from what else was confirmed."""
    if verdict.seed_sd is None:
        return "nothing ran twice: how far seeds alone make runs differ is not known"
    noise = f"seed sd {bpb_text(verdict.seed_sd)} with {verdict.degrees} degrees of freedom"
    if verdict.rivals:
        return f"not distinguishable from {', '.join(verdict.rivals)} ({noise})"
    return f"distinguishable from all that was confirmed ({noise})"


def unseen_text(verdict: Verdict) -> str:
    """What the test part is, and the winner's bpb on it as a part of the baseline's."""
    words = "on text that the search has never seen"
    if verdict.test_bpb is None or not verdict.baseline_test_bpb:
        return words
    return f"{words}, {verdict.test_bpb / verdict.baseline_test_bpb:.3f} of the baseline's"


def no_test_reasons(verdict: Verdict) -> list[str]:
    """Why a finished study has no score on the test part."""
    return [score["reason"] for score in verdict.final.values() if "reason" in score]
