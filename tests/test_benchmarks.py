"""The parts of the benchmarks that do not depend on the machine: what is typed, whose turn it is, what is summed up."""

import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bardtune.data.corpus import Corpus
from bardtune.data.errors import UserError
from bardtune.model.presets import PRESETS, preset
from bardtune.model.settings import TrialSettings
from bardtune.model.training.budget import step_budget
from bardtune.model.training.trainer import TrainingRun
from benchmarks import compare, loops, matmul, profile_step, steps
from benchmarks.compare import Plan, Run
from benchmarks.pairs import paired_differences, paired_ratios, spread, turns
from benchmarks.parsing import Candidate, parse_candidate
from support.fakes import text_of

# Candidates


def test_a_preset_is_a_candidate() -> None:
    candidate = parse_candidate("reference")
    assert candidate.settings(budget_s=5.0, seed=3) == preset("reference", budget_s=5.0, seed=3)


def test_a_preset_is_changed_after_a_colon_and_by_further_words() -> None:
    candidate = parse_candidate("reference:d_model=96,norm=rmsnorm,biases=false,position=alibi", ["batch_size=4"])
    changes = {"d_model": 96, "norm": "rmsnorm", "biases": False, "position": "alibi", "batch_size": 4}
    assert candidate.values == {**PRESETS["reference"], **changes}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.toml", 'preset = "reference"\nd_model = 96\n'),
        ("own.json", '{"preset": "reference", "d_model": 96}'),
        ("result.json", json.dumps({"val_bpb": 2.0, "settings": {**PRESETS["reference"], "d_model": 96, "seed": 7}})),
        ("whole.json", json.dumps({**PRESETS["reference"], "d_model": 96, "budget_s": 60.0})),
    ],
)
def test_a_file_of_settings_is_a_candidate(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    candidate = parse_candidate(str(tmp_path / name))
    assert candidate.settings(budget_s=5.0, seed=0) == preset("reference", budget_s=5.0, seed=0, d_model=96)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("antique", "give a preset"),
        ("reference:d_model", "write name=value"),
        ("reference:d_modle=96", "did you mean 'd_model'"),
        ("reference:d_model=33", "try d_model"),
        ("reference:seed=3", "the benchmark gives it"),
        ("nowhere.toml", "check the path"),
        ("torn.json", "not JSON"),
        ("torn.toml", "not TOML"),
        ("list.json", "no names and values"),
        ("antique.toml", "unknown preset 'antique'"),
        ("few.toml", "missing"),
    ],
)
def test_what_is_no_candidate_is_refused_in_a_sentence(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("torn.json").write_text('{"d_model": ')
    Path("torn.toml").write_text("d_model = ")
    Path("list.json").write_text("[1, 2]")
    Path("antique.toml").write_text('preset = "antique"')
    Path("few.toml").write_text("d_model = 96")
    with pytest.raises(UserError, match=said):
        parse_candidate(text)


# Turns and sums


def test_the_sides_take_turns_at_beginning_a_pair() -> None:
    assert list(turns(3)) == [(0, "A"), (0, "B"), (1, "B"), (1, "A"), (2, "A"), (2, "B")]


def test_several_values_in_short() -> None:
    short = spread([1.0, 2.0, 6.0])
    assert short is not None
    sd = pytest.approx(math.sqrt(7))
    assert asdict(short) == {"n": 3, "mean": 3.0, "sd": sd, "min": 1.0, "max": 6.0, "diverged": 0}


def test_one_value_has_no_sd_and_none_is_not_told() -> None:
    assert str(spread([2.0])) == "2.0000 (no sd; 2.0000 to 2.0000; n=1)"
    assert spread([]) is None
    assert spread([None]) is None
    assert str(spread([None, 2.0])) == "2.0000 (no sd; 2.0000 to 2.0000; n=1, 1 more diverged)"


def test_differences_are_taken_seed_by_seed_and_one_of_a_run_that_diverged_has_no_value() -> None:
    assert paired_differences({1: 2.0, 2: None, 3: 2.0}, {3: 1.5, 2: 1.0, 4: 1.0}) == [-0.5, None]


def test_a_pair_of_which_one_diverged_has_no_ratio() -> None:
    assert paired_ratios([2.0, None, 4.0, 5.0], [1.0, 3.0, None, 10.0]) == [0.5, 2.0]


# Comparing


def plan_of(num_pairs: int) -> Plan:
    candidates = {side: Candidate(name=f"the {side}", values=PRESETS["reference"]) for side in "AB"}
    return Plan(
        candidates=candidates, num_pairs=num_pairs, seconds=180.0, num_steps=None, threads=2, corpus="t", json_file=None
    )


def result(side: str, seed: int) -> dict[str, Any]:
    """B is a tenth better and twice as fast; it diverges with seed 2."""
    return {
        "val_bpb": {"A": 2.0 + seed, "B": None if seed == 2 else 0.9 * (2.0 + seed)}[side],
        "bytes_per_s": {"A": 1000, "B": 2000}[side],
        "total_steps": 10,
        "cpu_ratio": 1.9,
        "peak_memory_bytes": 2**29,
        "build_s": 0.5,
        "seconds": {"setup": 1.5, "train": 180.0, "evaluate": 2.0, "checkpoint": 0.0},
    }


def runs_by_turns(num_pairs: int) -> list[Run]:
    return list(compare.runs_of(plan_of(num_pairs), lambda plan, side, seed: result(side, seed)))


def test_both_of_a_pair_have_the_same_seed() -> None:
    assert [(run.side, run.seed) for run in runs_by_turns(2)] == [("A", 0), ("B", 0), ("B", 1), ("A", 1)]


def test_the_summary_compares_whole_pairs() -> None:
    summary = compare.summarize(runs_by_turns(4)[:-1])  # interrupted in the fourth pair, before A
    bpb, speed = summary["B/A"]["val_bpb"], summary["B/A"]["bytes_per_s"]
    assert bpb is not None and speed is not None
    assert (bpb.n, bpb.mean) == (2, pytest.approx(0.9))
    assert (speed.n, speed.mean, speed.sd) == (3, 2.0, 0.0)
    means = {side: short.mean for side in "AB" if (short := summary[side]["peak_memory_mb"])}
    assert means == {"A": 512.0, "B": 512.0}


def test_the_table_tells_of_runs_that_diverged_or_starved() -> None:
    lines = [compare.run_line(run, threads=2) for run in runs_by_turns(3)]
    assert ["diverged" in line for line in lines] == [False] * 5 + [True]
    assert "starved" in compare.run_line(runs_by_turns(1)[0], threads=4)


def test_a_comparison_prints_its_runs_and_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    runs = compare.compare(plan_of(3), lambda plan, side, seed: result(side, seed))
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in said[4:10]] == [
        ["A", "seed", "0"], ["B", "seed", "0"], ["B", "seed", "1"], ["A", "seed", "1"], ["A", "seed", "2"],
        ["B", "seed", "2"],
    ]  # fmt: skip
    assert said[-2] == "B/A val_bpb  0.9000 (sd 0.0000; 0.9000 to 0.9000; n=2)"
    assert said[-1] == "B/A bytes/s  2.0000 (sd 0.0000; 2.0000 to 2.0000; n=3)"
    assert len(json.loads(json.dumps(compare.as_json(plan_of(3), runs)))["runs"]) == 6


def test_an_interrupted_comparison_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    def train(plan: Plan, side: str, seed: int) -> dict[str, Any]:
        if seed == 1:
            raise KeyboardInterrupt
        return result(side, seed)

    assert len(compare.compare(plan_of(3), train)) == 2
    assert "n=1" in capsys.readouterr().out.splitlines()[-1]


def test_a_candidate_is_trained_with_all_its_settings(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    candidate = parse_candidate("modern:d_model=16,d_ff=16,count_max_order=3,position=alibi")
    plan = replace(plan_of(1), candidates={"A": candidate}, num_steps=2, threads=1, corpus=str(tmp_path / "text.txt"))
    result = compare.train_in_a_fresh_process(plan, "A", 3)
    assert result["settings"] == candidate.settings(budget_s=180.0, seed=3).as_dict()
    assert (result["total_steps"], result["threads"]) == (2, 1)
    assert compare.run_of(result, side="A", seed=3).measured.keys() == compare.COLUMNS.keys()


def test_what_a_run_refuses_is_told_as_it_says_it() -> None:
    with pytest.raises(UserError, match="no corpus at"):
        compare.train_in_a_fresh_process(replace(plan_of(1), corpus="/nowhere.txt"), "A", 0)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["reference"], "the following arguments are required: B"),
        (["reference", "antique"], "give a preset"),
        (["reference", "modern", "--runs", "0"], "give 1 or more"),
        (["reference", "modern", "--runs", "few"], "--runs"),
        (["reference", "modern", "--seconds", "9", "--steps", "9"], "give one of them"),
        (["reference", "modern", "--seconds", "0"], "budget_s"),
        (["reference", "modern", "--steps", "0"], "give 1 to"),
        (["reference", "modern", "--threads", "999"], "choose --threads"),
        (["reference", "modern", "--corpus", "nowhere.txt"], "no corpus at"),
        (["reference", "modern", "--json", "nowhere/x.json"], "name a file in a folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main(args) == 2
    heard = capsys.readouterr()
    assert (heard.out, heard.err.count("\n")) == ("", 1)
    assert said in heard.err


@pytest.mark.parametrize(
    ("benchmark", "args"),
    [
        (profile_step, ["antique"]),
        (matmul, ["--large", "0"]),
        (steps, ["modern", "antique"]),
        (steps, ["modern", "modern", "--pairs", "0"]),
    ],
)
def test_the_other_benchmarks_complain_alike(
    benchmark: Any, args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmark.main(args) == 2
    heard = capsys.readouterr()
    assert (heard.out, heard.err.count("\n")) == ("", 1)


# Profiles and products


@pytest.mark.parametrize("ensemble_size", [1, 2])
def test_every_phase_of_a_step_is_found_and_the_run_is_left_as_it_was(
    ensemble_size: int, tiny_corpus: Corpus, tiny_settings: Any
) -> None:
    settings = tiny_settings(ensemble_size=ensemble_size)
    run = TrainingRun(settings, tiny_corpus, budget=step_budget(num_steps=1000))
    with profile_step.stopwatch(run) as seconds:
        profile_step.make_steps(run, 2)
    assert run.steps == 2
    assert all(seconds[phase] > 0 for phase in profile_step.PHASES)
    assert sum(seconds.values()) <= run.clock.spent_s
    before = dict(seconds)
    profile_step.make_steps(run, 1)
    assert seconds == before


def test_the_products_of_a_step_have_the_shapes_of_the_model(tiny_settings: Any) -> None:
    settings: TrialSettings = tiny_settings(batch_size=2, d_model=16, d_ff=32)
    shapes = {product.name: (product.m, product.k, product.n) for product in matmul.products(settings)}
    assert shapes["expand forward"] == (512, 16, 32)
    assert shapes["expand input grad"] == (512, 32, 16)
    assert shapes["expand weight grad"] == (32, 512, 16)
    for product in matmul.products(settings):
        left, right = product.operands(matmul.DTYPES["bf16"])
        assert (left @ right).shape == (product.m, product.n)


CPUINFO = "processor\t: 0\nmodel name\t: A Processor 9\nflags\t\t: fpu avx2 avx512f avx512_bf16\n"


def test_the_processor_is_named_with_what_it_can_do() -> None:
    assert matmul.cpu_name(CPUINFO) == "A Processor 9"
    assert matmul.cpu_features(CPUINFO) == {"avx2": True, "avx512": True, "avx512_bf16": True, "amx": False}
    assert matmul.cpu_features("") is None


# Steps of two settings


def test_the_steps_of_two_settings_are_timed_by_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    taken = []

    def step_of_fixed_length(run: TrainingRun, num_steps: int) -> float:
        taken.append(run.settings.batch_size)
        return num_steps * (0.010 if run.settings.batch_size == 2 else 0.005)

    monkeypatch.setattr(steps, "make_steps", step_of_fixed_length)
    small = "reference:d_model=16,n_layers=1,d_ff=16,batch_size="
    sizes = ["--pairs", "2", "--steps", "3", "--threads", "1", "--corpus", str(tmp_path / "text.txt")]
    assert steps.main([f"{small}2", f"{small}4", *sizes]) == 0
    assert taken == [2, 4, 2, 4, 4, 2]  # warm-up of each, then A B, then B A
    _, _, of_a, _, of_b, ratio = capsys.readouterr().out.splitlines()
    assert re.match(r"A +10.00 ms a step, +51,200 bytes/s", of_a)
    assert re.match(r"B +5.00 ms a step, +204,800 bytes/s", of_b)
    assert re.match(r"B/A bytes/s  4.0000 \(sd 0.0000; .*n=2\)", ratio)


# The compiled loops


def test_the_loops_are_timed_against_the_operations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("numba")
    (tmp_path / "text.txt").write_bytes(text_of(20_000))
    sizes = ["--pairs", "2", "--steps", "1", "--counting-pairs", "1", "--threads", "1"]
    monkeypatch.setattr("sys.argv", ["loops", *sizes, "--corpus", str(tmp_path / "text.txt")])
    loops.main()
    _, counting, steps = capsys.readouterr().out.splitlines()
    assert re.match(r"counting +operations +[\d.]+ ms, loops +[\d.]+ ms, ratio [\d.]+ .*n=1 pairs", counting)
    assert re.match(r"1 steps +operations +[\d.]+ ms, loops +[\d.]+ ms, ratio [\d.]+ .*n=2 pairs", steps)
