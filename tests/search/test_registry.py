"""What is chosen by name: whatever the registries list is there, whole, and held to what all of its kind promise."""

import re
from pathlib import Path

import optuna
import pytest

from bardtune.data.errors import UserError
from bardtune.search.cli.app import main
from bardtune.search.engine.planning import REGISTRIES
from bardtune.search.launch.protocol import Ended
from bardtune.search.launch.registry import LAUNCHERS, Site
from bardtune.search.registry import Kind, Registry
from bardtune.search.sampling.samplers.registry import SAMPLERS, make_sampler
from bardtune.studies.errors import PlanError
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.home import Home
from support.fakes import text_of
from support.paths import ROOT
from support.study_records import make_record
from support.workers_at_hand import order, until

by_noun = pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.noun)


def folder_of(registry: Registry[Kind]) -> Path:
    return ROOT.joinpath(*registry.package.split(".")[1:])


@by_noun
def test_a_module_with_a_kind_is_listed_and_what_is_listed_has_one(registry: Registry[Kind]) -> None:
    with_kind = [path.stem for path in folder_of(registry).glob("*.py") if "\nKIND = " in path.read_text()]
    assert sorted(with_kind) == sorted(registry.names), f"{registry.package}.registry does not list what is there"
    assert registry.default in registry.names
    for name in registry.names:
        assert isinstance(registry.kind(name), Kind)


@by_noun
def test_each_has_a_summary_of_one_line_and_a_policy_at_the_head_of_its_module(registry: Registry[Kind]) -> None:
    for name, summary in registry.rows():
        assert re.fullmatch(r"[^\n.]{5,100}", summary), f"{registry.noun} {name}: {summary!r}"
        assert folder_of(registry).joinpath(f"{name}.py").read_text().startswith('"""')


@by_noun
def test_an_unknown_name_is_refused_with_the_known_ones(registry: Registry[Kind]) -> None:
    with pytest.raises(PlanError) as refused:
        registry.kind("neww")
    known = ", ".join(registry.names)
    assert str(refused.value) == f"--{registry.noun} 'neww' is unknown; choose one of {known}."


@by_noun
def test_the_help_names_each(registry: Registry[Kind], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{', '.join(registry.names)}. [default: {registry.default}]" in said


def test_a_missing_package_is_named_with_its_command_and_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind(summary="needs what nobody has", packages=("nobody_has_this",))
    monkeypatch.setattr(Registry, "kind", lambda self, name: kind)
    with pytest.raises(UserError) as refused:
        SAMPLERS.check_packages("new")
    assert str(refused.value) == (
        "the sampler 'new' needs the package nobody_has_this; install it with: pip install nobody_has_this, or choose "
        "--sampler curvegp."
    )


# Samplers


def drawn(name: str, *, seed: int, num_trials: int = 13) -> list[dict[str, float]]:
    """The parameters of some trials, each by a sampler of its own; more than any sampler's start-up has."""
    study = optuna.create_study()
    for number in range(num_trials):
        study.sampler = make_sampler(name, seed=seed, number=number)
        trial = study.ask()
        x, y = trial.suggest_float("x", 0.0, 1.0), trial.suggest_int("y", 1, 64, log=True)
        study.tell(trial, (x - 0.3) ** 2 + y / 64)
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("name", [name for name in SAMPLERS.names if not SAMPLERS.kind(name).has_surrogate])
def test_a_seed_decides_every_draw_of_a_sampler_and_another_seed_makes_others(name: str) -> None:
    SAMPLERS.check_packages(name)
    assert drawn(name, seed=1) == drawn(name, seed=1)
    assert drawn(name, seed=1, num_trials=2) != drawn(name, seed=2, num_trials=2)


# Launchers


@pytest.mark.parametrize("name", [name for name in LAUNCHERS.names if LAUNCHERS.kind(name).is_here])
def test_a_launcher_trains_a_run_and_ends_it_once(name: str, tmp_path: Path) -> None:
    kind = LAUNCHERS.kind(name)
    assert kind.num_cores() >= 1
    text = tmp_path / "text.txt"
    text.write_bytes(text_of(20_000))
    launcher = kind.make(Site(record=make_record(plan=StudyPlan(workers=1, threads=1)), home=Home(tmp_path)))
    try:
        assert launcher.capacity == 1
        launcher.start(order(text, "one", 0.3))
        events = until(launcher, Ended)
        (ended,) = [event for event in events if isinstance(event, Ended)]
        assert (ended.run_id, ended.ending) == ("one", "finished"), ended.reason
        assert (tmp_path / "one.safetensors").exists()
        assert launcher.events(0.0) == []
    finally:
        launcher.close()
