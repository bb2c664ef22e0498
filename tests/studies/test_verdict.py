"""The winner: told from fresh runs, and no surer than they allow."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bardtune.studies.analysis.verdict import study_json, verdict_of
from bardtune.studies.records import StudyRecord, TrialRecord
from support.study_records import make_record, make_trial


def again(number: int, candidate: int, bpb: float | None) -> TrialRecord:
    ended = "finished" if bpb is not None else "crashed"
    return make_trial(number, bpb, role="confirmation", candidate=candidate, params={}, ended=ended)


def record(*runs: TrialRecord, **changes: Any) -> StudyRecord:
    """Trial 1 was the luckiest, trial 2 is the best."""
    trials = [make_trial(number, bpb) for number, bpb in enumerate((1.85, 1.78, 1.80, 1.90))]
    return make_record(*trials, other_runs=runs, **changes)


BASELINES = (make_trial(0, 2.28, role="baseline", params={}), make_trial(3, 2.29, role="baseline", params={}))
CONFIRMED = (*BASELINES, again(1, 1, 1.830), again(2, 2, 1.801), again(4, 1, 1.832), again(5, 2, 1.799))


def test_the_winner_is_the_best_on_average_over_fresh_seeds_and_not_the_luckiest() -> None:
    verdict = verdict_of(record(*CONFIRMED))
    assert verdict.raw_best is not None
    assert verdict.winner is not None
    assert verdict.confirmed is not None
    assert verdict.baseline is not None
    assert (verdict.raw_best.number, verdict.winner.number) == (1, 2)
    assert (verdict.confirmed.n, verdict.confirmed.mean) == (2, pytest.approx(1.800))
    assert verdict.confirmed.sd == pytest.approx(0.001 * math.sqrt(2))
    assert (verdict.baseline.n, verdict.baseline.mean) == (2, pytest.approx(2.285))
    assert verdict.take_home is CONFIRMED[-1]
    assert verdict.finalists == (CONFIRMED[-1], BASELINES[0])


def test_the_noise_between_seeds_is_that_of_the_candidates() -> None:
    verdict = verdict_of(record(*CONFIRMED))
    squares = 2 * 0.001**2 + 2 * 0.001**2
    assert (verdict.seed_sd, verdict.degrees) == (pytest.approx(math.sqrt(squares / 2)), 2)


def test_candidates_that_ran_once_have_the_noise_of_the_baseline() -> None:
    verdict = verdict_of(record(*BASELINES, again(1, 1, 1.80), again(2, 2, 1.81)))
    assert (verdict.seed_sd, verdict.degrees) == (pytest.approx(0.005 * math.sqrt(2)), 1)
    assert verdict.rivals == ("trial 2",)


def test_a_noisy_baseline_does_not_blur_the_candidates() -> None:
    far_apart = (again(1, 1, 1.800), again(4, 1, 1.801), again(2, 2, 1.850), again(5, 2, 1.851))
    noisy = verdict_of(
        record(*(replace(run, val_bpb=bpb) for run, bpb in zip(BASELINES, (2.0, 1.6), strict=True)), *far_apart)
    )
    assert noisy.rivals == ("the baseline",)


def test_what_lies_within_the_noise_of_the_winner_is_named() -> None:
    assert verdict_of(record(*CONFIRMED)).rivals == ()
    close = (*BASELINES, again(1, 1, 1.806), again(2, 2, 1.804), again(4, 1, 1.802), again(5, 2, 1.799))
    verdict = verdict_of(record(*close))
    assert verdict.rivals == ("trial 1",)
    assert not verdict.is_settled
    alone = verdict_of(record(BASELINES[0], again(1, 1, 1.80)))
    assert (alone.seed_sd, alone.rivals) == (None, ("the baseline",))  # one run of each can tell nothing


def test_a_confirmation_of_a_trial_that_is_not_there_is_no_end_of_the_verdict() -> None:
    verdict = verdict_of(record(*BASELINES, again(1, 99, 1.70), again(2, 99, 1.71)))
    assert verdict.winner is verdict.raw_best is not None
    assert verdict.confirmed is not None
    assert verdict.confirmed.label == "trial 99"
    shown = study_json(record(*BASELINES, again(1, 99, 1.70)))
    assert shown["best"]["trial"] == 1


def test_a_difference_is_called_one_about_as_often_as_promised() -> None:
    chance = np.random.default_rng(7)
    called = 0
    for _ in range(400):
        a, b, c, d, e, f = chance.normal(1.8, 0.005, 6)
        verdict = verdict_of(record(again(0, 1, a), again(1, 2, b), again(2, 1, c), again(3, 2, d)))
        called += not verdict.rivals
        del e, f
    assert 0.02 < called / 400 < 0.09  # 5 % of equals are told apart by mistake


def test_nothing_is_crowned_before_all_runs_are_made() -> None:
    verdict = verdict_of(record(*CONFIRMED, state="running", stop_reason=None))
    assert verdict.winner is verdict.raw_best
    assert verdict.confirmed is None
    assert verdict_of(record(*CONFIRMED, state="running", stop_reason=None), over=True).confirmed is not None


def test_without_confirmation_the_raw_best_stands_and_says_so() -> None:
    found = study_json(record())
    assert (found["best"]["trial"], found["best"]["confirmed"], found["noise"]["seed_sd"]) == (1, None, None)
    assert study_json(make_record())["best"] is None


def test_a_run_that_crashed_confirms_nothing() -> None:
    verdict = verdict_of(record(*BASELINES, again(1, 1, None), again(2, 2, 1.80)))
    assert [group.label for group in verdict.candidates] == ["trial 2"]


def test_scores_on_the_test_part_belong_to_the_weights_that_are_kept() -> None:
    final = {CONFIRMED[-1].run_id: {"test_bpb": 1.83}, BASELINES[0].run_id: {"reason": "no weights"}}
    found = study_json(record(*CONFIRMED, final=final))
    assert (found["best"]["test_bpb"], found["baseline"]["test_bpb"]) == (1.83, None)
