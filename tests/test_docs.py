"""What the documents teach works: commands run, links lead somewhere, tables are those of the code."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bardtune.data.errors import UserError
from bardtune.search.cli.app import COMMANDS, main
from bardtune.search.engine.planning import resolve_plan
from bardtune.search.sampling.space import space_from
from bardtune.search.sampling.space_file import check_draws
from bardtune.studies.analysis.importance import EVALUATORS
from support import documents, module_tree
from support.fakes import text_of
from support.paths import ROOT

MADE_BY_EXPORT = "docs/shakespeare/methodology.md"  # of an older preset, and of another time
PAGES = [
    "README.md",
    *sorted(str(file.relative_to(ROOT)) for file in (ROOT / "docs").rglob("*.md")),
    *("ARCHITECTURE.md", "CONTRIBUTING.md", "LOG.md", "benchmarks/README.md"),
]
DOCUMENTS = [page for page in PAGES if page != MADE_BY_EXPORT]
LOG_DAYS = [page for page in PAGES if page.startswith("docs/log/")]
MOST_README_LINES, MOST_COLUMNS = 130, 120


def text_in(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text_in(document), re.DOTALL | re.MULTILINE)


# Commands are run as they are taught, but for their size.
RENEWED = documents.renewed()
SMALL = {"--trials": "2", "--seconds": "0.3", "--steps": "3", "--threads": "1", "--workers": "1"}
SERVES = {"dashboard"}  # until Ctrl-C: test_dashboard.py
TRAINS = {"start", "train"}
OWN_PROCESS = {"train"}  # it sets its process's threads; the others share this one, which imports torch once


def taught(program: str) -> list[str]:
    """The lines of all documents that call a program, without comments, each once."""
    lines = [line for document in DOCUMENTS for block in blocks(document, "sh") for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return list(dict.fromkeys(shlex.join(call) for call in words if call[:1] == [program]))


def made_small(line: str) -> list[str]:
    """The words of a command, at a size that takes a second or two."""
    words = shlex.split(line)
    for option, value in SMALL.items():
        if option in words:
            words[words.index(option) + 1] = value
    if words[1] == "extend":
        words[words.index("--trials") + 1] = str(int(SMALL["--trials"]) + 1)
    if words[1] in TRAINS:
        words += ["--threads", "1"] if "--threads" not in words else []
        words += ["--corpus", "small.txt"] if "--corpus" not in words else []
    if words[1] == "sample":
        words += ["--bytes", "50"]
    if words[1] == "replay":  # the text is not in an export, unless it is Shakespeare's
        words += ["--corpus", "small.txt"]
    return words


def of_one_study() -> list[str]:
    """What is taught about the study ``shakes`` and its export, as it is taught; what deletes it comes last."""
    lines = [line for line in taught("bardtune") if {"shakes", "winner"} & set(shlex.split(line))]
    return sorted(lines, key=lambda line: line.startswith("bardtune delete"))


def on_their_own() -> list[str]:
    return [line for line in taught("bardtune") if line not in of_one_study()]


def run_small(line: str, folder: Path) -> None:
    words = [str(folder / word[2:]) if word.startswith("~/") else word for word in made_small(line)]
    if words[1] not in OWN_PROCESS:
        assert main(words[1:]) == 0, line
        return
    program = [sys.executable, "-P", "-m", "bardtune"]
    done = subprocess.run([*program, *words[1:]], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("lines", [of_one_study(), on_their_own()], ids=["of one study", "on their own"])
def test_the_commands_of_the_documents_run(lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "texts").mkdir()
    for name in ("small.txt", "texts/novel.txt"):
        (tmp_path / name).write_bytes(text_of(20_000))
    monkeypatch.chdir(tmp_path)
    for name, value in {"HOME": tmp_path, "BARDTUNE_HOME": tmp_path / "home", "PYTHONPATH": ROOT}.items():
        monkeypatch.setenv(name, str(value))
    assert len(lines) >= 5
    for line in lines:
        if shlex.split(line)[1] not in SERVES:
            run_small(line, tmp_path)


def test_every_make_target_that_is_taught_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_in("Makefile"), re.MULTILINE))
    calls = taught("make")
    assert calls
    assert {shlex.split(call)[1] for call in calls} <= targets


def test_the_readme_teaches_ten_commands() -> None:
    calls = [line for block in blocks("README.md", "sh") for line in block.splitlines() if line.startswith("bardtune ")]
    assert len({call.split()[1] for call in calls}) == 10


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_toml_in_the_documents_is_a_space_or_a_plan(document: str) -> None:
    for block in blocks(document, "toml"):
        source = tomllib.loads(block)
        if "parameters" in source:
            check_draws(space_from(source))
        else:
            resolve_plan({}, source)


def test_a_toml_that_is_neither_is_found_out() -> None:
    with pytest.raises(UserError):
        resolve_plan({}, tomllib.loads('samplers = "tpe"'))


# What documents repeat of the code


@pytest.mark.parametrize("file", RENEWED, ids=lambda file: file.name)
def test_tables_and_module_tree_are_those_of_the_code(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == RENEWED[file], "renew it with: make docs"


@pytest.mark.parametrize("mark", documents.TABLES)
def test_every_table_stands_in_one_document(mark: str) -> None:
    assert [text_in(page).count(f"<!-- table: {mark} -->\n\n|") for page in DOCUMENTS].count(1) == 1


def test_the_evaluators_of_importance_are_those_there_are() -> None:
    table = text_in("docs/importance.md").partition("<!-- names: evaluators -->")[2]
    assert re.findall(r"^\| `([a-z][\w-]*)` \|", table, re.MULTILINE) == list(EVALUATORS)


# Links, names of files, and how the documents are written


def anchors(file: Path) -> set[str]:
    """What can be linked to in a Markdown file: its headings as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", PAGES)
def test_every_link_leads_somewhere(document: str) -> None:
    file = ROOT / document
    for target in re.findall(r"\]\(([^)\s]+)\)", text_in(document)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            assert (file.parent / path).exists(), f"{document} links to {target}"
            assert not anchor or anchor in anchors(file if not path else file.parent / path), f"{document}: {target}"


@pytest.mark.parametrize("document", [page for page in DOCUMENTS if page not in (*LOG_DAYS, "LOG.md")])
def test_every_file_that_is_named_exists(document: str) -> None:
    folders = "data|model|studies|search|tests|benchmarks|bardtune"
    for name in re.findall(rf"(?<![\w./])((?:{folders})/[\w./]*\w\.(?:py|toml|js|css|html))", text_in(document)):
        assert "NAME" in name or (ROOT / name).exists(), f"{document} names {name}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_lines_are_wrapped_but_for_tables_and_links(document: str) -> None:
    is_recorded = False  # what commands have said
    for number, line in enumerate(text_in(document).splitlines(), start=1):
        is_recorded = line == "```console" or (is_recorded and line != "```")
        cannot_be = is_recorded or line.startswith("|") or re.fullmatch(r"\s*([*-] )?!?\[.*\]\(.*\)", line)
        assert len(line) <= MOST_COLUMNS or cannot_be, f"{document}:{number} has {len(line)} columns"


def test_the_readme_is_short() -> None:
    assert len(text_in("README.md").splitlines()) <= MOST_README_LINES


def test_every_page_of_the_manual_is_in_its_index() -> None:
    index = text_in("docs/README.md")
    for file in (ROOT / "docs").glob("*.md"):
        assert file.name == "README.md" or f"]({file.name})" in index, f"docs/README.md does not list {file.name}"


@pytest.mark.parametrize("room", module_tree.ROOMS)
def test_every_module_says_what_it_is_for(room: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        assert module_tree.first_line(file), f"{file} has no docstring"


# The log


def entries(day: str) -> list[tuple[str, str]]:
    """Heading and text of each entry."""
    parts = re.split(r"^## (.+)\n", text_in(day), flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def test_the_index_of_the_log_is_that_of_its_entries() -> None:
    listed = re.findall(r"^\* \[(.+)\]\((docs/log/[^#)]+)#", text_in("LOG.md"), re.MULTILINE)
    assert listed == [(title, day) for day in LOG_DAYS for title, _ in entries(day)]


@pytest.mark.parametrize("day", LOG_DAYS)
def test_every_entry_of_the_log_has_the_fixed_form(day: str) -> None:
    for title, text in entries(day):
        fields = re.findall(r"^\*\*(\w+)\.\*\* ", text, re.MULTILINE)
        assert fields[:4] == ["Question", "Change", "Result", "Decision"], f"{day}: {title}"
        assert fields[4:] in ([], ["Note"]), f"{day}: {title}"


# Help


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([command, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_ends_with_examples_whose_options_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(command, capsys)
    _, heading, examples = text.partition("Example")
    calls = re.findall(r"bardtune ([a-z]+)([^|\n]*)", examples)
    assert heading
    assert command in [name for name, _ in calls]
    for name, rest in calls:
        for option in re.findall(r"(--[a-z-]+)", rest):
            assert option in help_of(name, capsys).partition("Example")[0], f"{command}: {name} has no {option}"
