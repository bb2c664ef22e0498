"""The registry of kinds: all that belongs to a kind is there, and naming the kinds loads no library."""

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from bardtune.studies.plots import views
from bardtune.studies.plots.data import PlotData
from bardtune.studies.plots.registry import DEFAULT_KINDS, KINDS, view_of
from bardtune.studies.plots.view import View
from support.whole_study import whole_study

PLOTS = "bardtune.studies.plots"
FILES = sorted(file.stem for file in Path(views.__path__[0]).glob("*.py") if file.stem != "__init__")


def modules() -> dict[str, ModuleType]:
    """Those of ``views``: a file a kind, and shapes that several kinds share."""
    return {name: import_module(f"{PLOTS}.views.{name}") for name in FILES}


def shapes() -> dict[str, type[View]]:
    """The class of views that each of these files brings, if it brings one."""
    return {
        name: found
        for name, module in modules().items()
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, View) and found.__module__ == module.__name__
    }


@pytest.fixture(scope="module")
def data() -> PlotData:
    return PlotData(whole_study())


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_a_file_with_its_heading_and_its_view(kind: str, data: PlotData) -> None:
    assert kind in FILES, f"studies/plots/views/{kind}.py is missing"
    heading = getattr(modules()[kind], "HEADING", "")
    assert heading.strip(), f"studies/plots/views/{kind}.py says no HEADING"
    view = view_of(data, kind)
    assert view.frame.title == f"{data.record.name}: {heading}"
    assert view.frame.sentence is None, "a study of 50 runs has something to show in every kind"
    assert type(view) in shapes().values()


def test_every_file_that_shows_a_study_is_registered() -> None:
    assert {name for name, module in modules().items() if hasattr(module, "view")} == set(KINDS)


def test_no_two_kinds_have_one_heading() -> None:
    assert len({modules()[kind].HEADING for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("library", ["plotly", "matplotlib"])
@pytest.mark.parametrize("shape", sorted(shapes()))
def test_each_library_has_a_file_that_draws_a_shape(library: str, shape: str) -> None:
    name = f"{PLOTS}.{library}.{shape}"
    assert find_spec(name) is not None, f"studies/plots/{library}/{shape}.py is missing"
    assert callable(import_module(name).draw)


def test_some_kinds_are_drawn_where_none_is_asked_for() -> None:
    assert DEFAULT_KINDS
    assert set(DEFAULT_KINDS) <= set(KINDS)


def test_naming_the_kinds_loads_no_library() -> None:
    heavy = "{'numpy', 'optuna', 'plotly', 'matplotlib', 'torch'}"
    code = f"import sys, {PLOTS}.registry; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


def test_the_evaluator_reaches_the_kinds_that_rest_on_importance() -> None:
    data = PlotData(whole_study(), evaluator="ped-anova")
    assert "PED-ANOVA" in view_of(data, "importance").importance.summary
    assert "PED-ANOVA" in view_of(data, "contour").frame.note
