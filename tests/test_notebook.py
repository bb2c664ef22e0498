"""docs/notebook.ipynb and docs/python.md run as they stand, and a notebook's stop button loses nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.at_hand import Place
from support.paths import ROOT

nbformat = pytest.importorskip("nbformat", reason="needs nbformat: pip install 'bardtune[dev]'")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient: pip install 'bardtune[dev]'")
pytest.importorskip("ipykernel", reason="needs ipykernel: pip install 'bardtune[dev]'")
pytest.importorskip("pandas", reason="needs pandas: pip install 'bardtune[dev]'")

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
MOST_BYTES = 100_000  # of the committed notebook
SMALL = 'trials=2, seconds=0.1, corpus="text.txt", space="space.toml", threads=1, progress=False'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a home in it: kernels keep files there too."""
    for variable, value in {
        "HOME": tmp_path, "BARDTUNE_HOME": tmp_path / "home", "JUPYTER_PLATFORM_DIRS": "1", "IPYTHONDIR": tmp_path,
        "JUPYTER_RUNTIME_DIR": tmp_path / "run", "OMP_NUM_THREADS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(variable, str(value))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kernel(place: Place) -> Iterator[tuple[Any, Any]]:
    """The manager and the client of a new kernel."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(place.folder))
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_the_notebook_runs(folder: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output["data"] for output in outputs if "data" in output]
    progress = [data for data in shown if data.get("text/plain") == "the progress of a study"]
    assert "<progress" in progress[0]["text/html"]
    shown = [data for data in shown if data not in progress]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert "winner trial" in shown[1]["text/html"]
    assert "BestSettings(" in shown[2]["text/plain"]
    assert "<table" in shown[3]["text/html"]
    assert [data["application/vnd.plotly.v1+json"]["data"][0]["type"] for data in shown[4:6]] == [
        "parcoords",
        "scatter",
    ]
    assert "winner trial" in shown[-1]["text/html"]
    assert (folder / "home" / "studies.db").exists()


def test_the_notebook_is_committed_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    assert NOTEBOOK.stat().st_size < MOST_BYTES


def test_the_code_that_is_taught_runs(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "trials=20, seconds=20" in blocks[0]
    names: dict[str, Any] = {}
    for block in blocks:
        exec(re.sub(r"trials=\d\d, seconds=\d+", SMALL, block), names)
    said = capsys.readouterr().out
    assert "shakes finished" in said
    assert "did you mean 'shakes'?" in said
    assert (place.folder / "shakes.csv").read_text().count("\n") == 3
    assert "Plotly" in (place.folder / "parallel.html").read_text()


def test_every_function_and_property_that_is_offered_is_documented() -> None:
    import bardtune

    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    functions = [name for name in bardtune.__all__ if name.endswith(("_study", "_studies"))]
    assert all(f"bardtune.{name}(" in text for name in functions)
    offered = {name for name in vars(bardtune.Study) if not name.startswith("_")} - {"name", "record"}
    assert all(f"study.{name}" in text for name in offered)


def answer_to(message_id: str, client: Any) -> dict[str, Any]:
    """What the kernel has replied to a message; it may still have replies to others in store."""
    while True:
        reply: dict[str, Any] = client.get_shell_msg(timeout=60)
        if reply["parent_header"]["msg_id"] == message_id:
            return reply["content"]


def test_the_stop_button_saves_and_returns_the_study(place: Place, kernel: tuple[Any, Any]) -> None:
    manager, client = kernel
    said = 'corpus="text.txt", space="space.toml", threads=1'
    started = client.execute(f'import bardtune; study = bardtune.start_study("long", trials=4, seconds=60, {said})')
    place.wait_for("long", lambda state: state["trials"]["running"], seconds=60)
    manager.interrupt_kernel()
    assert answer_to(started, client)["status"] == "ok"
    looked = "study.state, study.stop_reason, [run['state'] for run in study.runs]"
    asked = client.execute("pass", user_expressions={"seen": looked})
    seen = answer_to(asked, client)["user_expressions"]["seen"]
    assert seen["data"]["text/plain"] == "('interrupted', 'user', ['interrupted'])"
