"""From flags and file to a plan."""

from pathlib import Path

import pytest

from bardtune.data.errors import UserError
from bardtune.data.host import available_cores
from bardtune.search.engine.planning import differences, fingerprint, read_plan_file, resolve_plan
from bardtune.studies.errors import PlanError
from bardtune.studies.plan import MAX_TRIALS, StudyPlan, check_study_name


def test_a_flag_beats_the_file_and_the_file_beats_the_default() -> None:
    plan = resolve_plan({"trials": 7, "seconds": None}, {"trials": 9, "seconds": 11.0})
    assert (plan.trials, plan.seconds, plan.hours) == (7, 11.0, 3.0)


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        ({"trials": 51}, "--trials 50"),
        ({"trials": 0}, "--trials 50"),
        ({"hours": 3.01}, "--hours 3"),
        ({"hours": 0.0}, "--hours 3"),
        ({"hours": float("nan")}, "give a number"),
        ({"seconds": 0.0}, "--seconds 180"),
        ({"hours": 0.01}, "--hours 2.71"),
        ({"seconds": 10.0, "trials": 10, "hours": 0.001}, r"--hours 0\.0\d"),
        ({"sampler": "grid"}, "curvegp, tpe, gp, random, cmaes"),
        ({"pruner": "hyperband"}, "chance, halving, median, none"),
        ({"launcher": "moon"}, "--launcher 'moon' is unknown; choose one of local"),
        ({"sampler": 3}, "--sampler 3 is unknown"),
        ({"workers": 64}, "--workers"),
        ({"threads": 0}, "at least 1"),
        ({"seed": -1}, "--seed 0"),
        ({"target": -0.1}, "--target 1.8"),
        ({"target": 8.1}, "--target 1.8"),
        ({"trials": "many"}, "a whole number"),
        ({"trials": True}, "a whole number"),
        ({"corpus": 3}, "a text"),
    ],
)
def test_a_value_no_study_could_follow_is_refused_with_one_it_could(said: dict[str, object], way_out: str) -> None:
    with pytest.raises(PlanError, match=way_out):
        resolve_plan({}, said)


def test_the_way_out_of_too_few_hours_is_itself_a_plan() -> None:
    with pytest.raises(PlanError) as refused:
        resolve_plan({"seconds": 10.0, "trials": 10, "hours": 0.001}, {})
    hours = float(str(refused.value).rpartition("--hours ")[2].rstrip("."))
    assert resolve_plan({"seconds": 10.0, "trials": 10, "hours": hours}, {}).trials == 10


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(PlanError, match="did you mean 'trials'"):
        resolve_plan({}, {"trails": 9})


def test_the_default_plan_is_the_published_rule() -> None:
    plan = resolve_plan({}, {})
    assert (plan.trials, plan.seconds, plan.hours) == (50, 180.0, 3.0)
    assert (plan.corpus, plan.space, plan.sampler, plan.pruner) == ("shakespeare", "wide", "curvegp", "chance")
    assert plan.threads == available_cores()
    assert plan.trials == MAX_TRIALS


def test_paths_are_stored_so_that_a_resume_finds_them_from_anywhere(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = resolve_plan({"corpus": "my.txt", "space": "my.toml"}, {})
    assert (plan.corpus, plan.space) == (str(tmp_path / "my.txt"), str(tmp_path / "my.toml"))


def test_a_plan_survives_its_storage() -> None:
    plan = resolve_plan({"trials": 7}, {})
    assert StudyPlan(**plan.as_dict()) == plan


def test_a_config_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("trials = = 3")
    with pytest.raises(UserError, match="is not TOML"):
        read_plan_file(tmp_path / "bad.toml")
    with pytest.raises(UserError, match="cannot read"):
        read_plan_file(tmp_path / "none.toml")
    assert read_plan_file(None) == {}


@pytest.mark.parametrize("name", ["", "a:runs", "../x", "-x", "two words", "x" * 101])
def test_a_study_is_not_given_a_name_that_could_be_mistaken(name: str) -> None:
    with pytest.raises(PlanError, match="cannot name a study"):
        check_study_name(name)


def test_a_fingerprint_tells_what_has_changed(tiny_corpus) -> None:
    stored = fingerprint(tiny_corpus)
    now = {**stored, "torch": "2.14.0", "metric_version": 2}
    assert differences(stored, stored) == {}
    assert set(differences(stored, now)) == {"torch", "metric_version"}
    assert "torch was 2.13.0" in differences(stored, now)["torch"]
