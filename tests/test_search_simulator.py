"""Simulated studies: the product's own loop over a world, on a virtual clock."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bardtune.data.errors import UserError
from bardtune.search.sampling.curvegp import acquisition, sampler
from bardtune.search.sampling.curvegp.candidates import KNOWN_SD
from bardtune.search.sampling.unit_cube import sides_of
from bardtune.studies.surrogate import observations
from benchmarks.search.__main__ import main, read_args, tasks_of
from benchmarks.search.arms import CONSTANTS, parse_arm
from benchmarks.search.simulator import BUDGET_S, OVERHEAD_S, displace, simulate
from benchmarks.search.summary import main as summary_main
from benchmarks.search.summary import summarize, table_lines
from benchmarks.search.truth import Truth
from benchmarks.search.world import read_world
from support.worlds import world_lines, write_world


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return Truth(read_world(write_world(tmp_path_factory.mktemp("w"), world_lines())), "gp")


def test_a_study_takes_virtual_time_alone(truth: Truth) -> None:
    outcome = simulate(truth, parse_arm("random+none"), trials=10, seed=0)
    assert outcome.minutes * 60 == pytest.approx(10 * (BUDGET_S + OVERHEAD_S), abs=5)
    assert outcome.num_pruned == 0
    assert 1.79 < outcome.true_bpb < 1.9
    assert outcome.drawn_bpb <= outcome.true_bpb


def test_the_same_seed_makes_the_same_study_and_the_default_is_one_of_the_arms(truth: Truth) -> None:
    one, same, other = (simulate(truth, parse_arm("default"), trials=12, seed=seed) for seed in (1, 1, 2))
    assert (one.true_bpb, one.said_bpb, one.num_pruned) == (same.true_bpb, same.said_bpb, same.num_pruned)
    assert (one.true_bpb, one.said_bpb) != (other.true_bpb, other.said_bpb)


def test_many_workers_take_less_virtual_time(truth: Truth) -> None:
    outcome = simulate(truth, parse_arm("random+none"), trials=20, seed=0, workers=5)
    assert outcome.minutes * 60 == pytest.approx(4 * (BUDGET_S + OVERHEAD_S), abs=400)


def test_the_sampler_may_have_to_draw_the_first_trial_itself(truth: Truth) -> None:
    known, unknown = (
        simulate(truth, parse_arm("random+none"), trials=4, seed=3, known=known) for known in (True, False)
    )
    assert known.true_bpb != unknown.true_bpb


def test_a_displaced_best_known_point_lies_as_far_away_as_was_said(truth: Truth) -> None:
    space = truth.world.space
    known, moved = (sides_of(each, each.best_known)[:2] for each in (space, displace(space, 1.0, seed=0)))
    assert np.abs(moved - known) == pytest.approx(KNOWN_SD, abs=0.05)  # of the numbers; a choice has no way between
    assert displace(space, 1.0, seed=0).best_known != displace(space, 1.0, seed=1).best_known
    near, far = (simulate(truth, parse_arm("random+none"), trials=4, seed=3, displaced=sd) for sd in (0.0, 1.0))
    assert near.true_bpb != far.true_bpb


def test_pruned_runs_save_time(truth: Truth) -> None:
    outcome = simulate(truth, parse_arm("random+halving"), trials=20, seed=0)
    assert outcome.num_pruned > 0
    assert outcome.minutes_saved > 0
    assert outcome.minutes < 20 * (BUDGET_S + OVERHEAD_S) / 60 - outcome.minutes_saved + 1


# Arms


def test_a_sampler_and_a_pruner_are_what_optuna_alone_would_do() -> None:
    assert parse_arm("tpe+median").plan == {"sampler": "tpe", "pruner": "median", "confirm": "0"}
    assert parse_arm("tpe+halving+3x2").plan["confirm"] == "3x2"
    assert parse_arm("default").plan == {}


def test_an_ablation_changes_a_constant_for_as_long_as_it_runs() -> None:
    before = observations.MIN_CURVES
    with parse_arm("without-curves").changes():
        assert observations.MIN_CURVES > 1_000
    assert before == observations.MIN_CURVES


def test_ends_alone_are_learned_for_as_long_as_the_arm_runs() -> None:
    before = observations.FINISHED_AT
    with parse_arm("ends-only").changes():
        assert observations.FINISHED_AT == ()
    assert before == observations.FINISHED_AT != ()


def test_other_constants_hold_for_as_long_as_the_arm_runs() -> None:
    before = acquisition.GOAL, sampler.AWAY_EVERY
    with parse_arm("default:GOAL=1.5:AWAY_EVERY=3").changes():
        assert (acquisition.GOAL, sampler.AWAY_EVERY) == (1.5, 3)
    assert before == (acquisition.GOAL, sampler.AWAY_EVERY)


@pytest.mark.parametrize("name", CONSTANTS)
def test_each_constant_is_where_the_arms_look_for_it_and_of_that_type(name: str) -> None:
    module, least = CONSTANTS[name]
    before = getattr(importlib.import_module(module), name)
    assert type(before) is type(least)
    with parse_arm(f"default:{name}={least}").changes():
        assert getattr(importlib.import_module(module), name) == least
    assert getattr(importlib.import_module(module), name) == before


@pytest.mark.parametrize(
    "text",
    [
        "tpe", "tpe+never", "never+none", "", "without-luck", "default:LUCK=1", "default:GOAL=x", "default:GOAL",
        "default:AWAY_EVERY=0", "default:AWAY_EVERY=2.5", "default:GOAL=nan", "default:LENGTH_SD=0",
    ],
)  # fmt: skip
def test_what_is_no_arm_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        parse_arm(text)


# The summary


def studies(arm: str, values: list[float], *, world: str = "w") -> list[dict[str, Any]]:
    rest = dict.fromkeys(("minutes", "drawn_bpb", "minutes_saved", "num_pruned", "num_pruned_good", "cpu_s"), 1.0)
    return [
        {
            "world": world, "family": "gp", "arm": arm, "seed": seed, "trials": 50, "true_bpb": value,
            "said_bpb": value - 0.01, **rest,
        }
        for seed, value in enumerate(values)
    ]  # fmt: skip


TRUTHS = [{"world": world, "family": "gp", "best_bpb": 1.8, "noise_sd": 0.004} for world in ("w", "v")]


def test_differences_are_paired_by_seed() -> None:
    luck = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]
    found = summarize([*studies("default", [1.8 + x for x in luck]), *studies("b", [1.81 + x for x in luck])], TRUTHS)
    default, other = found
    assert (default["arm"], default["difference"], default["n"]) == ("default", None, 6)
    assert other["difference"] == pytest.approx(0.01)
    assert (other["low"], other["high"]) == (pytest.approx(0.01), pytest.approx(0.01))
    assert other["optimism"] == pytest.approx(-0.01)
    assert default["within_2_noise_sd"] == pytest.approx(1 / 6)


def test_all_worlds_together_count_each_the_same() -> None:
    found = summarize(
        [
            *studies("default", [1.8] * 8), *studies("b", [1.82] * 8),
            *studies("default", [1.8] * 2, world="v"), *studies("b", [1.80] * 2, world="v"),
        ],
        TRUTHS,
    )  # fmt: skip
    total = next(row for row in found if row["world"] == "all worlds" and row["arm"] == "b")
    assert total["difference"] == pytest.approx(0.01)
    assert len(list(table_lines(found))) == len(found) + 1


def test_files_of_several_comparisons_are_read_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for world, truth in zip("wv", TRUTHS, strict=True):
        made = [*studies("default", [1.8] * 4, world=world), *studies("b", [1.82] * 4, world=world)]
        made += [{**study, "trials": 25, "true_bpb": 1.81} for study in studies("default", [1.8] * 4, world=world)]
        keyed = [{**study, "key": f"{world}{number}"} for number, study in enumerate(made)]
        (tmp_path / f"{world}.json").write_text(json.dumps({"code": "a", "studies": keyed, "truths": [truth]}))
    files = [str(tmp_path / f"{world}.json") for world in "wwv"]  # one of them twice
    assert summary_main(files) == 0
    said = capsys.readouterr().out
    assert "b after 50 less default after 25, every world the same: +0.0100 (+0.0100 to +0.0100; n=8)" in said
    assert said.count("all worlds") == 3
    (tmp_path / "v.json").write_text(json.dumps({"code": "b", "studies": [], "truths": []}))
    assert summary_main(files[-1:]) == 0
    assert summary_main(files) == 2
    assert "other code" in capsys.readouterr().err
    (tmp_path / "w.json").write_text("{}")
    assert summary_main(files) == summary_main([str(tmp_path / "nowhere.json")]) == 2


# The command


def test_studies_that_are_done_are_not_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, file = write_world(tmp_path / "w", world_lines()), tmp_path / "found.json"
    call = [str(folder), "--arms", "random+none,tpe+none", "--families", "gp", "--trials", "6", "--json", str(file)]
    assert main([*call, "--studies", "2"]) == 0
    first = json.loads(file.read_text())
    assert len(first["studies"]) == 4
    assert main([*call, "--studies", "3"]) == 0
    second = json.loads(file.read_text())
    assert second["studies"][:4] == first["studies"]
    assert len(second["studies"]) == 6
    assert "Spearman" in capsys.readouterr().out


def test_studies_that_other_code_has_searched_are_not_mixed_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = write_world(tmp_path / "w", world_lines()), tmp_path / "found.json"
    file.write_text(json.dumps({"code": "of another day", "studies": []}))
    assert main([str(folder), "--json", str(file)]) == 2
    assert "other code" in capsys.readouterr().err


def test_two_worlds_of_one_name_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(write_world(tmp_path / parent / "w", world_lines())) for parent in ("one", "two")]
    assert main(folders) == 2
    assert "same name" in capsys.readouterr().err


def test_the_arms_of_a_seed_are_side_by_side(tmp_path: Path) -> None:
    folder = write_world(tmp_path / "w", world_lines())
    tasks = tasks_of(read_args([str(folder), "--arms", "default,tpe+median", "--studies", "4", "--trials", "25"]))
    assert [(task.seed, task.family, task.arm) for task in tasks[:4]] == [
        (0, "gp", "default"), (0, "gp", "tpe+median"), (0, "trees", "default"), (0, "trees", "tpe+median"),
    ]  # fmt: skip
    assert len(tasks) == 8


@pytest.mark.parametrize(
    "wrong",
    [
        ["--workers", "0"],
        ["--processes", "0"],
        ["--json", "space.toml"],
        ["--arms", "luck"],
        ["--families", "oracle"],
        ["--trials", "51"],
        ["--trials", "x"],
        ["--studies", "0"],
    ],
)
def test_wrong_options_are_refused_in_a_sentence(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_world(tmp_path / "w", world_lines())
    monkeypatch.chdir(folder)  # where a space.toml is
    assert main([str(folder), *wrong]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main([str(tmp_path / "nowhere")]) == 2
