"""What a study takes from studies before it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bardtune.data.errors import UserError
from bardtune.model.training.stats import RunStats
from bardtune.search.cli.app import main
from bardtune.search.engine.coordinator import Coordinator
from bardtune.search.engine.planning import read_settings
from bardtune.search.launch.protocol import RunOrder
from bardtune.search.sampling import after
from bardtune.search.sampling.after import best_known_from, first_points, params_of, space_after, studies_before
from bardtune.search.sampling.space import SearchSpace, space_from
from bardtune.studies.errors import PlanError, StudyError
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.creating import NewStudy
from bardtune.studies.store.home import Home
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from bardtune.studies.surrogate.observations import modelled, observe
from support.command_line import complaint
from support.fakes import ScriptedLauncher, SilentView, falling_to
from support.searched import CONDITIONAL
from support.studies_at_hand import CORPUS, SPACE, make_study, run_study, space, storage_at

BEST = {"d_model": 96, "learning_rate": 0.01}
PLAN = StudyPlan(seconds=1.0, threads=1)  # as the old study's, so that their runs compare


def by_distance(order: RunOrder) -> list[float]:
    """The nearer to the best, the lower; a little noise that depends on the seed."""
    off = abs(order.settings["d_model"] - 96) / 112 + abs(order.settings["learning_rate"] - 0.01) * 5
    return falling_to(2.0 + off + order.settings["seed"] % 7 / 1_000)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return storage_at(tmp_path)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    folder = tmp_path_factory.mktemp("old")
    storage = storage_at(folder)
    make_study(storage, "old", trials=14, pruner="none")
    return run_study(storage, folder, ScriptedLauncher(by_distance), "old")


def new_study(storage: Storage, old: StudyRecord, name: str = "new", *, forget: bool = False, **changes: Any) -> None:
    plan = StudyPlan(**{"trials": 8, "seconds": 1.0, "threads": 1, "confirm": "0", "pruner": "none", **changes})
    earlier = studies_before([old], space(), plan, {})
    if forget:
        earlier = tuple(replace(each, runs=(), other_ends=()) for each in earlier)
    source = space_after(space(), earlier).source
    with StudyWriter(
        storage, name, new=NewStudy(plan=plan, space=source, corpus=CORPUS, fingerprint={}, earlier=earlier)
    ):
        pass


def run_new(storage: Storage, folder: Path, name: str = "new", **named: Any) -> StudyRecord:
    with StudyWriter(storage, name) as writer:
        launcher = ScriptedLauncher(by_distance)
        Coordinator(writer, space_from(writer.space), launcher, SilentView(), home=Home(folder), **named).run()
    return read_study(storage, name)


def test_the_winner_is_tried_first_and_what_was_learned_is_gone_on_from(
    storage: Storage, old: StudyRecord, tmp_path: Path
) -> None:
    new_study(storage, old)
    record = run_new(storage, tmp_path)
    assert old.best is not None
    assert record.search_runs[0].params == old.best.params
    (before,) = record.earlier
    assert (before.name, before.differs, before.winner) == ("old", (), old.best.params)
    assert len(before.runs) == len([run for run in old.search_runs if run.val_bpb is not None])
    make_study(storage, "without", trials=8, sampler="curvegp")
    without = run_study(storage, tmp_path, ScriptedLauncher(by_distance), "without")
    assert best_of_three(record) < best_of_three(without) - 0.05
    new_study(storage, old, "forgetful", forget=True)
    forgetful = run_new(storage, tmp_path, "forgetful")
    assert forgetful.search_runs[0].params == old.best.params
    drawn = [[trial.params for trial in each.search_runs[1:4]] for each in (record, forgetful)]
    assert drawn[0] != drawn[1]  # what the runs before have shown makes the difference


def best_of_three(record: StudyRecord) -> float:
    return min(run.val_bpb for run in record.search_runs[:3] if run.val_bpb is not None)


def test_a_broken_off_study_draws_what_an_unbroken_one_does(storage: Storage, old: StudyRecord, tmp_path: Path) -> None:
    for name in ("whole", "broken"):
        new_study(storage, old, name)
    whole = run_new(storage, tmp_path, "whole")
    ticks = iter(range(10_000))
    run_new(storage, tmp_path, "broken", interrupted=lambda: next(ticks) == 37)
    broken = run_new(storage, tmp_path, "broken")
    assert [trial.params for trial in broken.search_runs] == [trial.params for trial in whole.search_runs]


def test_in_what_the_runs_do_not_compare_is_said(old: StudyRecord) -> None:
    def differs(plan: dict[str, Any], now: dict[str, Any], was: dict[str, Any], **fixed: Any) -> tuple[str, ...]:
        made = StudyPlan(**{"seconds": 1.0, "threads": 1, **plan})
        of = space_from({**SPACE, "fixed": fixed}) if fixed else space()
        return studies_before([replace(old, fingerprint=was)], of, made, now)[0].differs

    same = {"corpus_sha256": "a", "cpu": "x", "numba": True}
    assert differs({}, same, same) == ()
    assert differs({}, {"corpus_sha256": "a"}, same) == ("processor", "numba")  # of a cluster nobody knows it yet
    assert differs({}, same, {"corpus_sha256": "b", "cpu": "y", "numba": True}) == ("text", "processor")
    assert differs({"seconds": 2.0, "threads": 2}, same, same) == ("budget", "threads")
    assert differs({}, same, same, n_layers=5) == ("settings that are not searched",)


def test_a_study_without_anything_to_learn_from_is_refused(storage: Storage, old: StudyRecord) -> None:
    make_study(storage, "empty")
    with pytest.raises(StudyError, match="no finished trial to learn from"):
        studies_before([read_study(storage, "empty")], space(), PLAN, {})
    with pytest.raises(StudyError, match="no finished trial in the space of the new one"):
        studies_before([old], narrow(0.2, 0.3), PLAN, {})
    with pytest.raises(PlanError, match="each once"):
        studies_before([old, old], space(), PLAN, {})


def narrow(lowest_rate: float, highest_rate: float, **d_model: Any) -> SearchSpace:
    table = {"type": "int", "low": 16, "high": 128, "step": 16, **d_model}
    rate = {"type": "float", "low": lowest_rate, "high": highest_rate, "log": True}
    return space_from({"preset": "reference", "parameters": {"d_model": table, "learning_rate": rate}})


def test_of_a_winner_outside_of_the_space_the_best_inside_takes_the_place(old: StudyRecord) -> None:
    assert old.best is not None
    low = old.best.params["learning_rate"] * 1.01
    (before,) = studies_before([old], narrow(low, 0.1), PLAN, {})
    inside = [run for run in old.search_runs if run.val_bpb is not None and run.params["learning_rate"] >= low]
    assert before.winner == min(inside, key=lambda run: run.val_bpb or 9.0).params
    assert {run.params["learning_rate"] >= low for run in before.runs} == {True}


def test_what_lies_between_the_steps_of_the_new_space_is_not_of_it(old: StudyRecord) -> None:
    (before,) = studies_before([old], narrow(1e-4, 0.1, low=32, step=32), PLAN, {})
    assert {run.params["d_model"] % 32 for run in before.runs} == {0}
    assert space_after(narrow(1e-4, 0.1, low=32, step=32), [before]).best_known == before.winner


def test_a_sampler_that_learns_nothing_from_runs_is_given_the_winner_alone(old: StudyRecord) -> None:
    (before,) = studies_before([old], space(), PLAN, {}, teaches=False)
    assert (before.runs, before.other_ends) == ((), ())
    assert before.winner


def test_a_long_study_is_thinned_evenly_and_diverged_runs_warn(
    old: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = old.search_runs[1]
    lost = replace(first, number=90, ending="diverged", val_bpb=None)
    monkeypatch.setattr(after, "MOST_RUNS", 4)
    (before,) = studies_before([replace(old, search_runs=(*old.search_runs, lost))], space(), PLAN, {})
    bpbs = sorted(run.val_bpb for run in old.search_runs if run.val_bpb is not None)
    assert [run.val_bpb for run in before.runs] == [*bpbs[::4], None]
    assert before.runs[-1].params == first.params


def test_settings_are_what_a_space_calls_them_or_none() -> None:
    settings = {"position": "rope", "rope_theta": 100.0, "d_model": 64}
    assert params_of(CONDITIONAL, settings) == settings
    assert params_of(CONDITIONAL, {**settings, "position": "alibi"}) == {"position": "alibi", "d_model": 64}
    assert params_of(CONDITIONAL, {**settings, "d_model": 256}) is None
    assert params_of(CONDITIONAL, {**settings, "d_model": 63}) is None
    assert params_of(CONDITIONAL, {"position": "rope"}) is None
    elsewhere = {**settings, "position": "alibi", "rope_theta": 7.0}  # makes no difference without rope
    assert params_of(CONDITIONAL, elsewhere) == {"position": "alibi", "d_model": 64}


def test_a_setting_that_is_searched_only_beside_others_has_its_fixed_value_elsewhere() -> None:
    source = {
        "preset": "reference",
        "parameters": {
            "activation": {"type": "categorical", "choices": ["gelu", "relu2"]},
            "d_ff": {"type": "int", "low": 64, "high": 512, "step": 64, "condition": {"activation": "relu2"}},
        },
    }
    of = space_from(source)
    assert params_of(of, {"activation": "relu2", "d_ff": 512}) == {"activation": "relu2", "d_ff": 512}
    assert params_of(of, {"activation": "gelu", "d_ff": 256}) == {"activation": "gelu"}
    assert params_of(of, {"activation": "gelu", "d_ff": 512}) is None  # another model than gelu's there


def test_best_known_settings_are_taken_as_far_as_they_apply() -> None:
    settings = {"position": "alibi", "rope_theta": 99_999.0, "d_model": 64}
    found, said = best_known_from(CONDITIONAL, settings, "s.json")
    assert (found.best_known, said) == ({"position": "alibi", "d_model": 64}, [])
    back, _ = best_known_from(found, {"position": "rope", "rope_theta": 20.0}, "s.json")
    assert back.best_known == {"position": "rope", "rope_theta": 20.0, "d_model": 64}


def test_ends_that_are_guessed_outside_of_the_space_teach_nothing(old: StudyRecord) -> None:
    best = min(run.val_bpb for run in old.search_runs if run.val_bpb is not None)
    (before,) = studies_before([old], space(), PLAN, {})
    record = replace(old, earlier=(replace(before, other_ends=(best - 0.5,) * 40),))
    seen = observe(record, modelled(record))
    assert seen is not None
    assert seen.scale.usual > 0
    assert np.isfinite(seen.units).all()


def test_a_study_of_several_processors_compares_with_none(old: StudyRecord) -> None:
    kinds = [RunStats(cpu="one"), RunStats(cpu="two")]
    runs = tuple(replace(run, stats=kinds[place % 2]) for place, run in enumerate(old.search_runs))
    (before,) = studies_before([replace(old, search_runs=runs)], space(), PLAN, {"cpu": runs[-1].stats.cpu})
    assert "processor" in before.differs


def test_winners_of_several_studies_are_tried_one_after_the_other(old: StudyRecord) -> None:
    before = studies_before([old, replace(old, name="older")], space(), PLAN, {})
    other = replace(before[1], winner=BEST)
    assert first_points(space_after(space(), [before[0], other]), [before[0], other]) == [before[0].winner, BEST]
    elsewhere = [replace(before[0], differs=("text",)), other]
    known = space().best_known
    assert space_after(space(), elsewhere).best_known == known
    assert first_points(space(), elsewhere) == [before[0].winner, BEST, known]
    assert first_points(space_after(space(), before), before) == [before[0].winner]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"winner": {"settings": BEST}}, indent=2),
        json.dumps({"settings": BEST}),
        "a line\n".replace("a line", json.dumps({"other": 1})) + json.dumps({"settings": BEST}) + "\n",
        json.dumps({"best": {"settings": BEST}}, indent=2),
    ],
)
def test_the_best_known_point_is_read_from_what_bardtune_writes(tmp_path: Path, content: str) -> None:
    (tmp_path / "settings.json").write_text(content)
    found, said = best_known_from(space(), read_settings(tmp_path / "settings.json"), "settings.json")
    assert (found.best_known, said) == (BEST, [])


def test_what_of_the_settings_is_moved_or_left_out_is_said() -> None:
    found, said = best_known_from(space(), {**BEST, "d_model": 90, "n_layers": 5}, "s.json")
    assert found.best_known == {**BEST, "d_model": 96}
    assert said == [
        "d_model 90 is not in the space: 96 is tried first",
        "not searched, and left as the space has them: n_layers",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read"),
        ("no json", "is no JSON"),
        ("", "is no JSON"),
        ('{"a": 1}', 'has no "settings"'),
        ('{"settings": {"rope_theta": 10.0}}', "none of the parameters of the space"),
        ('{"settings": {"learning_rate": "0.01"}}', "cannot be the best known point"),
        ('{"settings": {"learning_rate": null}}', "cannot be the best known point"),
        ('{"settings": {"d_model": NaN}}', "cannot be the best known point"),
    ],
)
def test_a_file_without_settings_is_one_sentence(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "settings.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=said):
        best_known_from(space(), read_settings(path), str(path))


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--after", "nobody"], "no studies"),
        (["--after", "a", "--best-known", "b"], "choose one of them"),
        (["--best-known", "nowhere.json"], "cannot read"),
    ],
)
def test_wrong_calls_are_one_sentence_and_leave_no_study(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = complaint(capsys, "start", "s", "--trials", "2", "--seconds", "1", *args)
    assert said in told or "nobody" in told
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
