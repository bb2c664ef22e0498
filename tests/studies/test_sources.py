"""One file out of many modules: what is taken, and the rules that the modules of the trainer keep for it."""

from pathlib import Path

import pytest

from bardtune.studies.export.program import LAST_MODULE, ROOTS, STAND_INS
from bardtune.studies.export.sources import Module, cut, join, read_modules


def test_every_module_of_the_trainer_keeps_the_rules_of_what_is_exported() -> None:
    modules = read_modules(LAST_MODULE, internal="bardtune", stand_ins=STAND_INS)
    names = [module.name for module in modules]
    assert names[-1] == LAST_MODULE
    assert "bardtune.model.network.layers" in names
    for place, module in enumerate(modules):
        used = {name for name, _ in module.uses} - set(STAND_INS)
        assert used <= set(names[:place]), f"{module.name} comes before what it uses"
    imports, body = join(modules, roots=ROOTS)
    assert "bardtune" not in imports
    assert set(ROOTS) <= set().union(*(module.names for module in modules))
    assert body.endswith("\n")


def module(source: str, name: str = "house.room.file") -> Module:
    return cut(name, source, internal="house")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("print(1)", "the top level may hold definitions and assertions only"),
        ("if True:\n    x = 1", "the top level may hold definitions and assertions only"),
        ("for x in (1, 2): pass", "the top level may hold definitions and assertions only"),
        (
            "from house.room import thing as other",
            "a name is imported under a second name, which is lost; import it without 'as'",
        ),
        ("import house.room", "a module of house is imported; import names of it"),
        ("import house.room as r", "a module of house is imported; import names of it"),
        (
            "def f():\n    from house.room import thing",
            "house is imported inside a definition; import it at the top level",
        ),
    ],
)
def test_a_broken_rule_is_named_with_the_file_and_the_line(line: str, rule: str) -> None:
    with pytest.raises(AssertionError) as broken:
        module(f'"""Doc."""\n\n{line}\n')
    assert str(broken.value) == f"room/file.py, line 3: {rule}"


def test_two_modules_may_not_define_the_same_name() -> None:
    modules = [module("x = 1\n", f"house.{name}") for name in ("a", "b")]
    with pytest.raises(AssertionError) as broken:
        join(modules, roots=["x"])
    assert str(broken.value) == "b.py: a.py has the top-level name x too"


def test_a_module_that_is_imported_like_a_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "__init__.py").write_text("")
    (tmp_path / "house" / "a.py").write_text("ONE = 1\n")
    (tmp_path / "house" / "b.py").write_text("from house import a\n\nTWO = a.ONE + 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AssertionError) as broken:
        read_modules("house.b", internal="house", stand_ins=())
    assert str(broken.value) == "b.py: a is no top-level name of house.py; import names of modules"


def test_only_what_the_program_needs_is_taken_with_its_comments_and_imports() -> None:
    first = module('"""Doc."""\nimport os\nimport sys\n\n# why\nONE = 1\nTWO = 2\n', "house.a")
    second = module("from house.a import ONE\n\n\ndef f() -> int:\n    return ONE if sys else 0  # yes\n", "house.b")
    imports, body = join([first, second], roots=["f"])
    assert "# why\nONE = 1" in body
    assert "TWO" not in body
    assert "from house" not in body
    assert "return ONE if sys else 0  # yes" in body
    assert imports == "\n"  # the second module never imported sys
