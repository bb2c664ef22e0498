"""Who has won, in words that are as sure as the runs allow."""

from search.view import params_text
from studies.records import TrialRecord
from studies.verdict import Confirmed, Verdict

INDENT = " " * 12


def bpb_text(bpb: float | None) -> str:
    return "-" if bpb is None else f"{bpb:.4f}"


def verdict_lines(verdict: Verdict, best_known: TrialRecord | None) -> list[str]:
    """Baseline, where the search began, the luckiest trial, the winner, and how far seeds alone make runs differ."""
    lines = []
    if verdict.baseline is not None:
        test = f", test {bpb_text(verdict.baseline_test_bpb)}" if verdict.baseline_test_bpb is not None else ""
        lines.append(f"baseline    {_values(verdict.baseline)}, the reference recipe{test}")
    winner, raw = verdict.winner, verdict.raw_best
    if best_known is not None and best_known is not winner and best_known is not raw:
        lines.append(f"best known  {bpb_text(best_known.val_bpb)} bpb, {best_known.label}, where the search began")
    if winner is None or raw is None:
        return lines
    if verdict.confirmed is None:
        lines.append(f"best        {bpb_text(winner.val_bpb)} bpb, {winner.label}{_lower(verdict)}, not confirmed")
    else:
        lines.append(f"raw best    {bpb_text(raw.val_bpb)} bpb, {raw.label}: one run, the luckiest of the search")
        lines.append(f"winner      {_values(verdict.confirmed)}, {winner.label}{_lower(verdict)}")
        lines.append(INDENT + _certainty(verdict))
    if verdict.test_bpb is not None:
        lines.append(f"{INDENT}test {bpb_text(verdict.test_bpb)} bpb{_test_ratio(verdict)}")
    else:
        reasons = [score["reason"] for score in verdict.final.values() if "reason" in score]
        lines += [f"{INDENT}no test score: {reason}" for reason in reasons]
    lines.append(INDENT + params_text(winner.params))
    return lines


def _values(confirmed: Confirmed) -> str:
    """Mean, standard deviation and number of runs."""
    if confirmed.sd is None:
        return f"{bpb_text(confirmed.mean)} bpb (one run)"
    return f"{bpb_text(confirmed.mean)} bpb (sd {bpb_text(confirmed.sd)}, n={confirmed.n} seeds)"


def _lower(verdict: Verdict) -> str:
    """How far the winner is from the baseline."""
    if verdict.baseline is None or verdict.winner is None or verdict.winner.val_bpb is None:
        return ""
    own = verdict.confirmed.mean if verdict.confirmed else verdict.winner.val_bpb
    lower = verdict.baseline.mean - own
    return f", {abs(lower):.4f} {'lower' if lower >= 0 else 'higher'} than the baseline"


def _certainty(verdict: Verdict) -> str:
    if verdict.seed_sd is None:
        return "nothing ran twice: how far seeds alone make runs differ is not known"
    noise = f"seed sd {bpb_text(verdict.seed_sd)} with {verdict.degrees} degrees of freedom"
    if verdict.rivals:
        return f"not distinguishable from {', '.join(verdict.rivals)} ({noise})"
    return f"distinguishable from all that was confirmed ({noise})"


def _test_ratio(verdict: Verdict) -> str:
    words = " on text that the search has never seen"
    if verdict.test_bpb is None or not verdict.baseline_test_bpb:
        return words
    return f"{words}, {verdict.test_bpb / verdict.baseline_test_bpb:.3f} of the baseline's"
