"""The files that a script consists of, and what is wrong with them before a run is used up."""

from pathlib import Path

import pytest

from bardtune.search.scripts.project import MOST_BYTES, MOST_FILES, read_project
from bardtune.search.scripts.service import diff_of, script_facts
from bardtune.studies.errors import StudyError


def write(folder: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".py").write_bytes(content if isinstance(content, bytes) else content.encode())


def test_the_python_files_of_its_folder_go_along(tmp_path: Path) -> None:
    write(tmp_path, train="from model import GPT\nimport nets.deep", model="GPT = 1", nets__deep="", prepare="other")
    write(tmp_path, __pycache__=b"")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hook.py").write_text("")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    (tmp_path / "env" / "lib.py").write_text("")
    (tmp_path / "data.csv").write_text("")
    project = read_project(tmp_path / "train.py")
    assert next(iter(project.files)) == "train.py"
    assert {"train.py", "model.py", "nets/deep.py"} <= set(project.files)
    assert not {"prepare.py", ".git/hook.py", "env/lib.py", "data.csv"} & set(project.files)


def test_of_a_large_folder_what_is_imported_goes_along(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 2):
        (tmp_path / f"other{number}.py").write_text("")
    write(tmp_path, train="def f():\n    import model", model="from nets import deep", nets__deep="")
    (tmp_path / "nets" / "__init__.py").write_text("")
    assert set(read_project(tmp_path / "train.py").files) == {
        "train.py", "model.py", "nets/deep.py", "nets/__init__.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere_to_be_found", "imports nowhere_to_be_found, which is neither beside it nor installed"),
        ("from nowhere_to_be_found.deep import x", "imports nowhere_to_be_found"),
        ("def f(:", "is no Python that can be run: .* \\(line 1\\); mend it"),
        (b"# coding: klingon\n", "is no Python that can be run"),
        (b"x = '\xff'\n", "is no Python that can be run"),
        (b"x = 1\0", "is no Python that can be run"),
    ],
)
def test_what_cannot_run_is_found_before_a_run_is_used_up(source: str | bytes, said: str, tmp_path: Path) -> None:
    write(tmp_path, train=source)
    with pytest.raises(StudyError, match=said):
        read_project(tmp_path / "train.py")


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import nowhere_to_be_found\nexcept ImportError:\n    pass",
        "if False:\n    import nowhere_to_be_found",
        "import prepare, sys, torch",
        b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n",
        b"\xef\xbb\xbfx = 1\n",
    ],
)
def test_what_may_run_is_taken(source: str | bytes, tmp_path: Path) -> None:
    write(tmp_path, train=source)
    content = source if isinstance(source, bytes) else source.encode()
    assert read_project(tmp_path / "train.py").files["train.py"] == content


def test_a_source_in_another_encoding_is_stored_as_text(tmp_path: Path) -> None:
    write(tmp_path, train=b"# coding: latin-1\nname = 'caf\xe9'\n", broken=b"\xff\xfe")
    project = read_project(tmp_path / "train.py")
    assert "café" in project.source
    assert "broken.py" in project.others


def test_the_diff_tells_all_files(tmp_path: Path) -> None:
    write(tmp_path, train="import model\n", model="layers = 1\n", gone="x\n")
    before = script_facts(read_project(tmp_path / "train.py"), None)
    assert before["diff"] is None
    (tmp_path / "gone.py").unlink()
    write(tmp_path, model="layers = 2\n", new="y\n")
    diff = diff_of(read_project(tmp_path / "train.py"), before)
    assert "-layers = 1\n+layers = 2\n" in diff
    assert "-x\n" in diff
    assert "+y\n" in diff
    assert "import model" not in diff


def test_what_is_installed_for_development_counts_as_installed(tmp_path: Path) -> None:
    write(tmp_path, train="import bardtune\nimport pytest")
    assert read_project(tmp_path / "train.py").files


def test_in_a_large_folder_only_the_script_must_be_python(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    for number in range(MOST_FILES + 2):
        (tmp_path / f"other{number}.py").write_text("")
    write(tmp_path, train="import pack", pack__old="print 'two'", pack__prepare="")
    assert set(read_project(tmp_path / "train.py").files) == {"train.py", "pack/old.py", "pack/prepare.py"}
    write(tmp_path, train="def f(:")
    with pytest.raises(StudyError, match="is no Python that can be run"):
        read_project(tmp_path / "train.py")


def test_a_package_that_is_too_large_to_go_along_is_refused(tmp_path: Path) -> None:
    write(tmp_path, train="import pack", pack__large="x" * (MOST_BYTES + 1))
    with pytest.raises(StudyError, match="imports more than"):
        read_project(tmp_path / "train.py")
    write(tmp_path, train="import sys")
    assert set(read_project(tmp_path / "train.py").files) == {"train.py"}
