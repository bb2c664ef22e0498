"""Who has won, in words that are as sure as the runs allow."""

from bardtune.search.terminal.lines import params_text
from bardtune.studies.analysis.phrases import (
    bpb_text,
    certainty_text,
    lower_text,
    no_test_reasons,
    unseen_text,
    values_text,
)
from bardtune.studies.analysis.verdict import Verdict
from bardtune.studies.records import TrialRecord

INDENT = " " * 12


def verdict_lines(verdict: Verdict, best_known: TrialRecord | None) -> list[str]:
    """Baseline, where the search began, the luckiest trial, the winner, and how far seeds alone make runs differ."""
    lines = []
    if verdict.baseline is not None:
        test = f", test {bpb_text(verdict.baseline_test_bpb)}" if verdict.baseline_test_bpb is not None else ""
        lines.append(f"baseline    {values_text(verdict.baseline)}, the reference recipe{test}")
    winner, raw = verdict.winner, verdict.raw_best
    lower = f", {text}" if (text := lower_text(verdict)) else ""
    if best_known is not None and best_known is not winner and best_known is not raw:
        lines.append(f"best known  {bpb_text(best_known.val_bpb)} bpb, {best_known.label}, where the search began")
    if winner is None or raw is None:
        return lines
    if verdict.confirmed is None:
        lines.append(f"best        {bpb_text(winner.val_bpb)} bpb, {winner.label}{lower}, not confirmed")
    else:
        lines.append(f"raw best    {bpb_text(raw.val_bpb)} bpb, {raw.label}: one run, the luckiest of the search")
        lines.append(f"winner      {values_text(verdict.confirmed)}, {winner.label}{lower}")
        lines.append(INDENT + certainty_text(verdict))
    if verdict.test_bpb is not None:
        lines.append(f"{INDENT}test {bpb_text(verdict.test_bpb)} bpb {unseen_text(verdict)}")
    else:
        lines += [f"{INDENT}no test score: {reason}" for reason in no_test_reasons(verdict)]
    lines.append(INDENT + params_text(winner.params))
    return lines
