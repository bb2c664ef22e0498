"""A verdict in words that are as sure as the runs allow; terminal, report and export lay out what is said here.

It is told from the verdict's JSON, which an export's log keeps: equal logs, equal words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bardtune.studies.analysis.phrases import bpb_text
from bardtune.studies.analysis.verdict import CONFIDENCE
from bardtune.studies.records import make_label


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictPhrases:
    """Parts of sentences, without capital and full stop; None where there is nothing to say."""

    baseline: str | None  # 2.2770 bpb (sd 0.0021, n=2 seeds), the reference recipe
    baseline_test: str | None  # 2.5000
    raw_best: str | None  # of a search whose winner was confirmed: 2.2312 bpb, trial 7: one run, the luckiest ...
    is_confirmed: bool
    is_compared: bool  # with another candidate or the baseline
    winner: str | None  # trial 1
    bpb: str | None  # of the winner: 2.2905 bpb (sd 0.0007, n=2 seeds)
    lower: str | None  # 0.1095 lower than the baseline
    certainty: str | None  # what it is: distinguishable from ..., not distinguishable from ..., not confirmed ...
    test_score: str | None  # 2.2500 bpb on text that the search has never seen, 0.900 of the baseline's


def phrases_of(verdict: Mapping[str, Any]) -> VerdictPhrases:
    """The phrases for what ``Verdict.as_json`` has returned."""
    best, baseline = verdict["best"], verdict["baseline"]
    confirmed = best["confirmed"] if best else None
    return VerdictPhrases(
        baseline=f"{seeds_text(baseline['confirmed'])}, the reference recipe" if baseline["confirmed"] else None,
        baseline_test=None if baseline["test_bpb"] is None else bpb_text(baseline["test_bpb"]),
        raw_best=_raw_best(verdict["raw_best"]) if confirmed else None,
        is_confirmed=confirmed is not None,
        is_compared=confirmed is not None and not (_is_alone(best) and baseline["confirmed"] is None),
        winner=make_label("search", best["trial"]) if best else None,
        bpb=seeds_text(confirmed or {**best, "n": 1, "mean": best["val_bpb"], "sd": None}) if best else None,
        lower=_lower(best, baseline["confirmed"]) if best else None,
        certainty=_certainty(best, baseline, verdict["noise"]) if best else None,
        test_score=_test_score(best["test_bpb"], baseline["test_bpb"]) if best else None,
    )


def sentences(phrases: VerdictPhrases, *, so_far: bool = False) -> list[str]:
    """The winner, how sure that is, and its test score; none without a winner.

    Args:
        phrases: of the verdict.
        so_far: whether the search still goes on.
    """
    if phrases.winner is None:
        return []
    name = "winner" if phrases.is_confirmed else "best so far" if so_far else "best"
    lower = f", {phrases.lower}" if phrases.lower else ""
    confidence = f"At {100 * CONFIDENCE:g} % it" if phrases.is_compared else "It"
    found = [f"The {name} is {phrases.winner}: {phrases.bpb}{lower}.", f"{confidence} is {phrases.certainty}."]
    if phrases.test_score is not None:
        found.append(f"On the test part, which is scored once at the end, it has {phrases.test_score}.")
    return found


def seeds_text(seeds: Mapping[str, Any]) -> str:
    """Mean, standard deviation and number of runs, of what ``Confirmed.as_json`` has returned."""
    num_starved = seeds.get("starved", 0)  # logs of older versions do not say
    if seeds["sd"] is None:
        return f"{bpb_text(seeds['mean'])} bpb (one run{', starved' * bool(num_starved)})"
    starved = f", {num_starved} of them starved" if num_starved else ""
    return f"{bpb_text(seeds['mean'])} bpb (sd {bpb_text(seeds['sd'])}, n={seeds['n']} seeds{starved})"


def _raw_best(raw: Mapping[str, Any]) -> str:
    return f"{bpb_text(raw['val_bpb'])} bpb, {make_label('search', raw['trial'])}: one run, the luckiest of the search"


def _lower(best: Mapping[str, Any], baseline: Mapping[str, Any] | None) -> str | None:
    """How far the winner is from the baseline; None without one."""
    if baseline is None:
        return None
    own = best["confirmed"]["mean"] if best["confirmed"] else best["val_bpb"]
    lower = baseline["mean"] - own
    return f"{bpb_text(abs(lower))} {'lower' if lower >= 0 else 'higher'} than the baseline"


def _is_alone(best: Mapping[str, Any]) -> bool:
    """Whether no other trial was confirmed; logs of older versions do not say."""
    return best.get("num_candidates") == 1


def _certainty(best: Mapping[str, Any], baseline: Mapping[str, Any], noise: Mapping[str, Any]) -> str:
    """Whether the winner was confirmed and can be told apart from what else was."""
    sd, degrees = noise["seed_sd"], noise["degrees_of_freedom"]
    if best["confirmed"] and sd is None:
        return "not distinguishable from anything: nothing ran twice, so how far seeds make runs differ is not known"
    known = "" if sd is None else f" (seed sd {bpb_text(sd)} with {degrees} degree{'s' * (degrees != 1)} of freedom)"
    if best["confirmed"] is None:
        return f"not confirmed: the lowest of many single runs is partly luck{known}"
    if rivals := best["not_distinguishable_from"]:
        return f"not distinguishable from {', '.join(rivals)}{known}"
    if _is_alone(best):
        told = "distinguishable from the baseline, and " if baseline["confirmed"] else ""
        return f"{told}the only trial that was confirmed{known}"
    return f"distinguishable from all that was confirmed{known}"


def _test_score(test_bpb: float | None, baseline_bpb: float | None) -> str | None:
    """The winner's bpb on the test part, and as a part of the baseline's."""
    if test_bpb is None:
        return None
    share = f", {test_bpb / baseline_bpb:.3f} of the baseline's" if baseline_bpb else ""
    return f"{bpb_text(test_bpb)} bpb on text that the search has never seen{share}"
