"""Importance: the planted parameter is found, and little knowledge is admitted."""

import logging
import os
import subprocess
import sys
import warnings
from dataclasses import replace

import optuna
import pytest

from bardtune.studies.analysis.comparing import comparable_bpbs
from bardtune.studies.analysis.importance import MIN_USABLE_TRIALS, Importance, importance
from bardtune.studies.errors import PlanError
from bardtune.studies.records import Parameter, StudyRecord
from support.paths import ROOT
from support.study_records import make_record, make_trial, planted_record


@pytest.fixture(scope="module")
def found() -> Importance:
    return importance(planted_record(30))


@pytest.mark.parametrize("evaluator", ["surrogate", "regression", "ped-anova"])
def test_either_evaluator_finds_the_planted_parameter(evaluator: str) -> None:
    assert importance(planted_record(30), evaluator=evaluator, resamples=10).shares[0].name == "learning_rate"


def with_position(record: StudyRecord) -> StudyRecord:
    """Adds a categorical that switches rope_theta off in every third trial, and one that never varies."""
    trials = []
    for trial in record.search_runs:
        params = {**trial.params, "position": "alibi" if trial.number % 3 == 0 else "rope", "biases": True}
        if params["position"] == "alibi":
            del params["rope_theta"]
        trials.append(replace(trial, params=params))
    new = (
        Parameter(name="position", choices=("rope", "alibi")),
        Parameter(name="biases", choices=(True, False)),
    )
    return replace(record, search_runs=tuple(trials), parameters=record.parameters + new)


def test_the_planted_parameter_comes_first(found: Importance) -> None:
    first, second = found.shares[:2]
    assert first.name == "learning_rate"
    assert first.low > second.mean


def test_shares_fall_and_make_one(found: Importance) -> None:
    means = [share.mean for share in found.shares]
    assert means == sorted(means, reverse=True)
    assert sum(means) == pytest.approx(1.0)
    assert all(0 <= share.low <= share.high <= 1 for share in found.shares)
    assert len(found.shares) == 7


def test_importance_is_the_same_on_two_calls(found: Importance) -> None:
    assert importance(planted_record(30)) == found


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_importance_is_the_same_whatever_the_hash_seed(hash_seed: str) -> None:
    code = (
        "from support.study_records import planted_record\n"
        "from bardtune.studies.analysis.importance import importance\n"
        "print(importance(planted_record(30), resamples=3))"
    )
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    env = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(importance(planted_record(30), resamples=3))


def test_the_summary_says_n_and_how_the_trials_ended(found: Importance) -> None:
    assert found.summary == "n = 28 trials (13 complete, 15 pruned), quadratic regression"


def test_importance_is_hidden_below_twenty_usable_trials() -> None:
    trials = planted_record(40).search_runs
    usable = tuple(trial for trial in trials if trial.ending != "diverged")
    assert importance(make_record(*usable[:MIN_USABLE_TRIALS]), resamples=2).reason is None
    hidden = importance(make_record(*usable[: MIN_USABLE_TRIALS - 1]))
    assert hidden.shares == ()
    assert (
        hidden.reason
        == "Too few trials to tell: importance needs at least 20 complete or pruned trials; this study has 19."
    )


def test_importance_is_hidden_when_almost_all_were_pruned() -> None:
    trials = [replace(trial, state="pruned", ending="pruned", val_bpb=None) for trial in planted_record(30).search_runs]
    reason = importance(make_record(*trials)).reason
    assert reason is not None
    assert "3 trials that spent their whole budget; this study has 0" in reason


def test_importance_is_hidden_when_all_bpb_are_equal() -> None:
    trials = [
        replace(trial, state="complete", ending="finished", val_bpb=2.3) for trial in planted_record(30).search_runs
    ]
    hidden = importance(make_record(*trials), resamples=3)
    assert hidden.shares == ()
    assert hidden.reason == "Importance is hidden: the good trials cannot be told from the others."


def test_a_parameter_that_never_varies_is_left_out_and_named() -> None:
    found = importance(with_position(planted_record(30)), resamples=5)
    assert found.constant == ("biases",)
    assert "biases" not in {share.name for share in found.shares}
    assert "position" in {share.name for share in found.shares}


@pytest.mark.parametrize("evaluator", ["surrogate", "regression", "ped-anova"])
def test_a_conditional_parameter_is_judged_where_it_is_set_and_named(evaluator: str) -> None:
    found = importance(with_position(planted_record(30)), evaluator=evaluator, resamples=5)
    assert (found.partly, found.conditional) == (("rope_theta",), ())
    assert "rope_theta" in {share.name for share in found.shares}


def test_a_conditional_parameter_that_is_seldom_set_is_left_out() -> None:
    record = with_position(planted_record(40))
    trials = tuple(
        replace(trial, params={name: value for name, value in trial.params.items() if name != "rope_theta"})
        if trial.number > 8
        else trial
        for trial in record.search_runs
    )
    assert importance(replace(record, search_runs=trials), resamples=2).conditional == ("rope_theta",)


def test_fanova_leaves_conditional_parameters_out_and_names_them() -> None:
    pytest.importorskip("sklearn")
    found = importance(with_position(planted_record(40)), evaluator="fanova", resamples=2)
    assert found.conditional == ("rope_theta",)
    assert found.shares[0].name == "learning_rate"


def test_runs_of_other_roles_change_nothing(found: Importance) -> None:
    record = planted_record(30)
    others = [make_trial(n, 1.0, role="confirmation", candidate=3, params={"learning_rate": 0.02}) for n in range(30)]
    assert importance(replace(record, other_runs=(*record.other_runs, *others))) == found


def test_a_pruned_trial_counts_with_its_bpb_where_it_was_last_heard_with_finished_ones() -> None:
    done = make_trial(0, 2.0, curve=((20, 2.6), (40, 2.3), (100, 2.1)))
    early = make_trial(1, 2.0, ended="pruned", curve=((20, 2.7), (30, 2.5)))  # 30 % is nobody else's
    stranger = make_trial(2, 2.0, ended="pruned", curve=((7, 3.0),))
    lost = make_trial(3, 1.0, ended="diverged", curve=((20, 0.5),))
    assert comparable_bpbs([done, early, stranger, lost]) == pytest.approx([2.0, 2.1, 3.0, 3.0])


def test_an_unknown_evaluator_and_a_missing_package_name_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanError, match=r"'shap' is unknown; choose from surrogate, regression, ped-anova, fanova"):
        importance(planted_record(3), evaluator="shap")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(PlanError, match=r"scikit-learn; install it with: pip install 'bardtune\[fanova\]', or choose"):
        importance(planted_record(3), evaluator="fanova")


def test_a_study_whose_parameters_never_vary_says_so() -> None:
    found = importance(make_record(*(make_trial(number) for number in range(25))))
    assert found.constant == ("learning_rate",)
    assert found.reason is not None
    assert "2 parameters that vary" in found.reason


def test_an_empty_study_has_no_importance_and_no_error() -> None:
    assert importance(make_record()).reason is not None


@pytest.mark.parametrize("evaluator", ["regression", "ped-anova"])
def test_values_outside_the_stored_range_widen_it(evaluator: str) -> None:
    record = planted_record(30)
    narrow = tuple(replace(p, low=100.0, high=101.0) if p.name == "d_model" else p for p in record.parameters)
    unknown = tuple(replace(p, choices=(4,)) if p.name == "batch_size" else p for p in narrow)
    assert importance(replace(record, parameters=unknown), evaluator=evaluator, resamples=2).reason is None


def test_a_diverged_trial_counts_as_the_worst_however_low_its_last_bpb() -> None:
    record = planted_record(30)
    worst = max(trial.last_bpb or 0.0 for trial in record.search_runs)
    low, high = (
        replace(
            record,
            search_runs=tuple(
                replace(trial, curve=((30, bpb),)) if trial.ending == "diverged" else trial
                for trial in record.search_runs
            ),
        )
        for bpb in (0.5, worst)
    )
    assert importance(low, resamples=3) == importance(high, resamples=3)
    assert importance(low, resamples=3).num_diverged == 2


@pytest.mark.parametrize("evaluator", ["regression", "ped-anova"])
def test_importance_is_quiet_and_leaves_optunas_logging_as_it_was(
    evaluator: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.INFO)
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            importance(planted_record(30), evaluator=evaluator, resamples=2)
        assert (heard, capfd.readouterr().err) == ([], "")
        assert optuna.logging.get_verbosity() == logging.INFO
    finally:
        optuna.logging.set_verbosity(before)
