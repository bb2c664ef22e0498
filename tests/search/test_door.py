"""The Python door: light to import, typed like the plan, and in notebooks and threads as on the command line."""

import asyncio
import inspect
import io
import subprocess
import sys
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError

import bardtune
from bardtune.search.api import door
from bardtune.search.engine import session
from bardtune.studies import keys
from bardtune.studies.plan import StudyPlan
from bardtune.studies.store.lock import OwnershipLostError
from support.at_hand import Place
from support.studies_at_hand import make_study, storage_at

LIBRARIES = {"torch", "optuna", "numpy", "plotly", "matplotlib", "pandas", "scipy", "sqlalchemy", "rich", "typer"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BARDTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh process has loaded after ``code``."""
    code = f"{code}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_importing_bardtune_loads_no_library() -> None:
    looked = "import bardtune; bardtune.__version__; bardtune.UserError; dir(bardtune)"
    assert not loaded_by(looked) & LIBRARIES


def test_reading_a_study_loads_neither_torch_nor_a_library_that_draws() -> None:
    assert not loaded_by("import bardtune; bardtune.list_studies()") & {"torch", "plotly", "matplotlib"}


def test_all_that_is_offered_is_there() -> None:
    for name in bardtune.__all__:
        assert getattr(bardtune, name) is not None
        assert name in dir(bardtune)
    assert bardtune.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="has no attribute 'start_studies'"):
        _ = bardtune.start_studies


def test_a_study_is_started_with_the_fields_of_its_plan() -> None:
    parameters = inspect.signature(bardtune.start_study).parameters
    plan = {field.name: field.type | None for field in fields(StudyPlan)}  # type: ignore[operator]
    assert {name: parameters[name].annotation for name in plan} == plan
    assert set(parameters) - set(plan) == {"name", "storage", "progress", "address", "after", "best_known"}
    assert all(f"\n        {name}: " in (bardtune.start_study.__doc__ or "") for name in parameters)


# Errors


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bardtune.load_study("nobody"), "bardtune start"),
        (lambda: bardtune.resume_study("nobody"), "bardtune start"),
        (lambda: bardtune.load_study("s", storage="what?"), "is not a storage URL"),
        (lambda: bardtune.start_study("a:b"), "cannot name a study"),
        (lambda: bardtune.start_study("s", trials=51), "50"),
        (lambda: bardtune.start_study("s", corpus="nowhere.txt"), "no corpus at"),
    ],
)
def test_what_can_be_put_right_is_a_user_error_in_a_sentence(call: Any, said: str, home: Path) -> None:
    with pytest.raises(bardtune.UserError, match=said.replace("?", r"\?")):
        call()
    assert not (home / "studies.db").exists()


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (OwnershipLostError("another process runs the study 's'"), "this process has stopped"),
        (OperationalError("SELECT 1", None, Exception("disk full")), "the database has failed"),
        (StorageInternalError("gone"), "the database has failed: gone; what it holds is kept"),
    ],
)
def test_what_happens_to_a_study_on_its_way_is_a_user_error_too(
    problem: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **named: object) -> None:
        raise problem

    monkeypatch.setattr(session, "start_study", fail)
    with pytest.raises(bardtune.UserError, match=said):
        bardtune.start_study("s", trials=2)


# Reading


def test_there_are_no_studies_before_the_first_and_looking_makes_nothing(home: Path) -> None:
    assert bardtune.list_studies() == []
    assert not home.exists()


def test_studies_are_listed_oldest_first_from_where_they_are_said_to_be(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (tmp_path / "elsewhere").mkdir()
    make_study(storage_at(home), "romeo")
    make_study(storage_at(home), "juliet")
    make_study(storage_at(tmp_path / "elsewhere"), "yorick")
    url = f"sqlite:///{tmp_path / 'elsewhere' / 'studies.db'}"
    assert [study.name for study in bardtune.list_studies()] == ["romeo", "juliet"]
    assert [study.name for study in bardtune.list_studies(storage=url)] == ["yorick"]
    assert bardtune.load_study("yorick", storage=url).state == "interrupted"
    with pytest.raises(bardtune.UserError, match="did you mean 'romeo'"):
        bardtune.load_study("rome")


def test_a_damaged_study_is_warned_of_and_left_out(home: Path) -> None:
    home.mkdir()
    storage = storage_at(home)
    make_study(storage, "sound")
    make_study(storage, "broken")
    optuna.load_study(study_name="broken", storage=storage.rdb).set_user_attr(keys.PLAN, {"colour": "red"})
    with pytest.warns(UserWarning, match="the study 'broken' is damaged"):
        assert [study.name for study in bardtune.list_studies()] == ["sound"]


def test_optunas_log_lines_are_back_when_the_last_call_has_ended() -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    with door._as_a_library():
        with door._as_a_library():
            assert optuna.logging.get_verbosity() == optuna.logging.ERROR
        assert optuna.logging.get_verbosity() == optuna.logging.ERROR
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


# Running


def test_a_study_runs_in_a_thread_beside_an_event_loop(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    said: dict[str, Any] = {"corpus": "text.txt", "space": "space.toml", "threads": 1, "confirm": "0"}

    async def begin() -> bardtune.Study:
        return await asyncio.to_thread(bardtune.start_study, "s", trials=2, seconds=0.1, progress=False, **said)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # torch's own, of what GPyTorch does when it is imported
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
        study = asyncio.run(begin())
    assert (study.name, study.state, study.stop_reason) == ("s", "finished", "trials")
    assert [run["ending"] for run in study.runs] == ["finished"] * 2
    assert study.winner is not None
    assert study.winner.test_bpb is not None
    assert capfd.readouterr() == ("", "")
    assert bardtune.resume_study("s", progress=False) == bardtune.load_study("s") == study


def test_progress_in_a_notebook_is_plain_text_on_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as ipykernel has it
    monkeypatch.setattr(sys, "stdout", said := io.StringIO())
    door._view(True).say("a <line>", style="green")  # type: ignore[attr-defined]
    assert said.getvalue() == "a <line>\n"
