"""``bardtune compare``: several studies side by side."""

import json
from pathlib import Path

import pytest

import bardtune
from bardtune.search.cli.app import main
from bardtune.search.launch.protocol import RunOrder
from support.command_line import complaint
from support.fakes import ScriptedLauncher, falling_to
from support.studies_at_hand import make_study, run_study, storage_at

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Studies of which one is better by a tenth; nothing here changes them."""
    home = tmp_path_factory.mktemp("two")
    for name, level in {"low": 2.0, "high": 2.1}.items():

        def bpb(order: RunOrder, level: float = level) -> list[float]:
            return falling_to(level + order.settings["seed"] % 100 / 1e4)

        make_study(storage_at(home), name, trials=12, confirm="2x2", pruner="none", sampler="random")
        run_study(storage_at(home), home, ScriptedLauncher(bpb), name)
    return home


@pytest.fixture
def two(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what is written; the studies are where the commands find them."""
    monkeypatch.setenv("BARDTUNE_HOME", str(made))
    return tmp_path


def test_what_they_found_and_which_is_better_is_said(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "low", "high"]) == 0
    said = capsys.readouterr().out
    assert "low is better than high: low is lower by 0.1" in said
    assert [line.split()[0] for line in said.splitlines()[1:8]] == [
        "state", "runs", "time", "winner", "bpb", "test", "baseline",
    ]  # fmt: skip
    assert "planned alike: trials 12, seconds 1," in said
    assert main(["compare", "high", "low", "--json"]) == 0
    pairs = json.loads(capsys.readouterr().out)["pairs"]
    assert [(pair["one"], pair["is_told_apart"], pair["lower"] < 0) for pair in pairs] == [("high", True, True)]


def test_it_stays_readable_on_a_narrow_terminal(
    two: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bardtune.search.commands.compare.table_console", lambda: _console(60))
    assert main(["compare", "low", "high"]) == 0
    table = capsys.readouterr().out.split("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 60
    assert table.splitlines()[0].split() == ["low", "high"]
    rows = {line.split()[0]: line.split() for line in table.splitlines()[1:]}
    assert rows["state"] == ["state", "finished", "finished"]
    assert [cell for cell in rows["bpb"] if len(cell) == 6] == rows["bpb"][1:2] + rows["bpb"][5:6]  # no number is torn


def _console(width: int):
    from bardtune.search.commands.output import table_console

    return table_console(width=width)


def test_the_picture_is_drawn_where_it_was_asked_for(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "low", "high", "--format", "png,html", "--out", str(two / "pictures")]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()[-2:]]
    assert [path.name for path in paths] == ["low-high-best.png", "low-high-best.html"]
    assert all(path.stat().st_size > 10_000 for path in paths)


def test_a_notebook_gets_the_same(two: Path) -> None:
    found = bardtune.compare_studies("low", "high")
    assert (found.pairs[0].is_told_apart, found.warnings) == (True, ())
    assert "low is better than high" in repr(found)
    assert "low is better than high" in found._repr_html_()
    assert len(found.plot().data) == 4


def test_what_cannot_be_compared_is_one_sentence(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "name 2 to 8 different studies" in complaint(capsys, "compare", "low")
    assert "name 2 to 8 different studies" in complaint(capsys, "compare", "low", "low")
    assert "did you mean 'high'?" in complaint(capsys, "compare", "low", "hihg")
    assert "add --format png" in complaint(capsys, "compare", "low", "high", "--out", "x")
    assert "--format 'gif' is unknown" in complaint(capsys, "compare", "low", "high", "--format", "gif")
    assert "missing argument" in complaint(capsys, "compare").lower()
