"""Importance against a known truth: one parameter matters, one a little, five do not; weak trials are pruned."""

import logging
import warnings
from collections.abc import Callable, Iterator

import optuna
import pytest

from bardtune.studies.analysis.importance import EVALUATORS, Importance, importance
from bardtune.studies.plots.matplotlib.picture import figure
from support.known_truth import (
    MATTERS,
    first_excludes_the_five,
    known_study,
    one_excludes_all_others,
    one_of_two_excludes_the_other,
)
from support.views import view_of_record

LOG = logging.getLogger(__name__)  # see the percentages with: pytest -m long -o log_cli=true


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
    optuna.logging.set_verbosity(verbosity)


@pytest.mark.parametrize(("sampler", "num_studies"), [("random", 6), ("tpe", 3)])
def test_at_fifty_trials_the_interval_of_what_matters_excludes_those_of_what_does_not(
    sampler: str, num_studies: int
) -> None:
    studies = [known_study(50, seed=seed, sampler=sampler) for seed in range(num_studies)]
    told = [first_excludes_the_five(importance(study, resamples=20)) for study in studies]
    assert sum(told) >= num_studies - 1


@pytest.mark.parametrize("truth", ["tent", "cliff", "valley"])
def test_what_matters_is_told_apart_whatever_the_shape_of_its_effect(truth: str) -> None:
    studies = [known_study(50, seed=seed, sampler="tpe", truth=truth) for seed in range(2)]
    assert any(first_excludes_the_five(importance(study, resamples=20)) for study in studies)


def test_where_nothing_matters_no_parameter_is_said_to_matter_more_than_all_others() -> None:
    found = importance(known_study(50, seed=0, sampler="tpe", truth="none"), resamples=20)
    assert len(found.shares) == 7
    assert not one_excludes_all_others(found)


def test_at_twenty_trials_what_matters_comes_first_and_the_intervals_are_wide() -> None:
    found = importance(known_study(20, seed=0), resamples=20)
    assert found.shares[0].name == MATTERS
    assert found.shares[0].high - found.shares[0].low > 0.1


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_with_eight_trials_the_plot_says_that_it_cannot_tell(evaluator: str) -> None:
    view = view_of_record(known_study(8, seed=0), "importance", evaluator=evaluator)
    said = "Too few trials to tell: importance needs at least 20 complete or pruned trials; this study has 8."
    assert view.frame.sentence == said
    assert [text.get_text().replace("\n", " ") for text in figure(view).texts].count(said) == 1


def test_fanova_finds_what_matters() -> None:
    pytest.importorskip("sklearn")
    found = importance(known_study(50, seed=0), evaluator="fanova", resamples=10)
    assert found.evaluator == "fANOVA"
    assert first_excludes_the_five(found)


@pytest.mark.long
@pytest.mark.parametrize(
    ("evaluator", "least"),
    [
        ("surrogate", {"random": 0.9, "tpe": 0.9}),
        ("regression", {"random": 0.9, "tpe": 0.9}),
        ("ped-anova", {"random": 0.9}),
        ("fanova", {"random": 0.9}),
    ],
)
def test_over_fifty_seeds_the_interval_of_what_matters_excludes_those_of_what_does_not(
    evaluator: str, least: dict[str, float]
) -> None:
    for sampler in ("random", "tpe"):
        for num_trials in (20, 50):
            found = [
                importance(known_study(num_trials, seed=seed, sampler=sampler), evaluator=evaluator)
                for seed in range(50)
            ]
            apart = sum(map(first_excludes_the_five, found)) / len(found)
            first = sum(bool(each.shares) and each.shares[0].name == MATTERS for each in found) / len(found)
            LOG.warning(
                "%s, %s, %d trials: apart %.0f %%, first %.0f %%",
                evaluator,
                sampler,
                num_trials,
                100 * apart,
                100 * first,
            )
            if num_trials == 50:
                assert apart >= least.get(sampler, 0.0)


@pytest.mark.long
@pytest.mark.parametrize("truth", ["tent", "cliff", "valley"])
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_other_truths_are_told_apart_over_fifty_seeds(truth: str, sampler: str) -> None:
    found = [importance(known_study(50, seed=seed, sampler=sampler, truth=truth)) for seed in range(50)]
    apart = sum(map(first_excludes_the_five, found)) / len(found)
    LOG.warning("%s, %s: apart %.0f %%", truth, sampler, 100 * apart)
    assert apart >= (0.8 if truth == "valley" else 0.9)


@pytest.mark.long
@pytest.mark.parametrize(
    ("truth", "claims"), [("none", one_excludes_all_others), ("two", one_of_two_excludes_the_other)]
)
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_other_truths_make_few_false_claims_over_fifty_seeds(
    truth: str, claims: Callable[[Importance], bool], sampler: str
) -> None:
    """Two alike share one sum: 80 % intervals of theirs lie apart as often as one misses one half, in 20 %."""
    found = [importance(known_study(50, seed=seed, sampler=sampler, truth=truth)) for seed in range(50)]
    false = sum(map(claims, found)) / len(found)
    LOG.warning("%s, %s: false claims %.0f %%", truth, sampler, 100 * false)
    assert false <= (0.1 if truth == "none" else 0.3)
