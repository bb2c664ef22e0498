"""``bardtune show``: one study, for people and for programs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bardtune.model.training.stats import RunStats
from bardtune.search.cli.app import main
from bardtune.search.commands.shared import print_summary
from bardtune.studies.plan import StudyPlan
from support.command_line import complaint
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at
from support.study_records import make_record, make_trial

pytestmark = pytest.mark.usefixtures("home")


def test_no_study_of_that_name_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "bardtune start" in complaint(capsys, "show", "nobody")


def test_a_study_is_told_with_a_line_for_each_run_and_the_same_as_json(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    storage = storage_at(home)
    make_study(storage, "s", trials=4)
    record = run_study(storage, home, ScriptedLauncher(lambda order: falling_to(2.0)))
    assert main(["show", "s"]) == 0
    summary, _, lines = capsys.readouterr().out.partition("\n\n")
    assert "finished" in summary.splitlines()[0]
    assert len(lines.splitlines()) == len(record.runs) == 4
    assert main(["show", "s", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], len(told["runs"])) == ("finished", 4)


@pytest.mark.parametrize("what", ["sampler", "pruner", "launcher"])
def test_a_study_that_a_newer_version_has_made_with_something_new_can_be_shown(
    what: str, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    make_study(storage_at(home), "s", **{what: "neww"})
    assert main(["show", "s"]) == 0
    assert capsys.readouterr().out.startswith("study s: interrupted")


@pytest.mark.parametrize(
    ("plan", "stop_reason", "said"),
    [
        ({}, "settled", "more of it with: bardtune extend first-folio\n"),  # as it is
        ({"trials": 9}, "trials", "more of it with: bardtune extend first-folio --trials 50\n"),
        ({"hours": 1.0, "trials": 50}, "hours", "more of it with: bardtune extend first-folio --hours 3\n"),
        ({}, "hours", None),
    ],
)
def test_how_more_of_a_study_is_had_is_said(
    plan: dict[str, float], stop_reason: Any, said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    of = replace(make_record(make_trial(0)), plan=StudyPlan(**plan), stop_reason=stop_reason, seconds_used=60.0)
    print_summary(of, None)
    out = capsys.readouterr().out
    assert ("more of it with" not in out) if said is None else (said in out)


def test_runs_on_several_kinds_of_processor_are_said_not_to_compare(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = [RunStats(cpu="one", precision="bf16", numba=True), RunStats(cpu="two", precision="fp32", numba=False)]
    trials = [replace(make_trial(number), stats=kinds[number % 2]) for number in range(3)]
    print_summary(make_record(*trials), None)
    said = "runs on 2 kinds of processor, whose bpb do not compare: one, bf16; two, fp32, without numba\n"
    assert said in capsys.readouterr().out
    print_summary(make_record(*trials[:1]), None)
    assert "kinds of processor" not in capsys.readouterr().out


def test_a_precision_that_the_settings_fix_is_no_other_kind_of_processor(capsys: pytest.CaptureFixture[str]) -> None:
    stats = {"auto": RunStats(cpu="one", precision="bf16"), "fp32": RunStats(cpu="one", precision="fp32")}
    trials = [
        replace(make_trial(number), stats=stats[asked], settings={"precision": asked})
        for number, asked in enumerate(("fp32", "auto", "auto"))
    ]
    print_summary(make_record(*trials), None)
    assert "kinds of processor" not in capsys.readouterr().out
    elsewhere = replace(trials[0], stats=RunStats(cpu="two", precision="fp32"))
    print_summary(make_record(elsewhere, *trials[1:]), None)
    assert "runs on 2 kinds of processor, whose bpb do not compare: one, bf16; two\n" in capsys.readouterr().out
    fixed = [
        replace(trial, stats=RunStats(cpu="one", precision=asked), settings={"precision": asked})
        for trial, asked in zip(trials, ("fp32", "bf16", "bf16"), strict=True)
    ]
    print_summary(make_record(*fixed), None)
    assert "kinds of processor" not in capsys.readouterr().out
