"""Who has won, as aligned lines."""

from bardtune.search.terminal.lines import params_text
from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.analysis.verdict import Verdict
from bardtune.studies.analysis.verdict_phrases import phrases_of
from bardtune.studies.records import TrialRecord

INDENT = " " * 12


def verdict_lines(verdict: Verdict, best_known: TrialRecord | None) -> list[str]:
    """Baseline, where the search began, the luckiest trial, the winner, and how far seeds alone make runs differ."""
    phrases = phrases_of(verdict.as_json())
    lines = []
    if phrases.baseline is not None:
        test = f", test {phrases.baseline_test}" if phrases.baseline_test is not None else ""
        lines.append(_line("baseline", phrases.baseline + test))
    if best_known is not None and best_known is not verdict.winner and best_known is not verdict.raw_best:
        lines.append(
            _line("best known", f"{bpb_text(best_known.val_bpb)} bpb, {best_known.label}, where the search began")
        )
    if verdict.winner is None:
        return [*lines, *(f"{INDENT}no test score: {reason}" for reason in verdict.no_test_reasons)]
    if phrases.raw_best is not None:
        lines.append(_line("raw best", phrases.raw_best))
    parts = (phrases.bpb, phrases.winner, phrases.lower)
    name = "winner" if phrases.is_confirmed else "best"
    lines += [_line(name, ", ".join(part for part in parts if part)), f"{INDENT}{phrases.certainty}"]
    if phrases.test_score is not None:
        lines.append(f"{INDENT}test {phrases.test_score}")
    else:
        lines += [f"{INDENT}no test score: {reason}" for reason in verdict.no_test_reasons]
    lines.append(INDENT + params_text(verdict.winner.params))
    return lines


def _line(name: str, text: str) -> str:
    return f"{name:<{len(INDENT)}}{text}"
