"""One readable file out of many modules: what a program needs of them, in the order in which it is needed.

The text is the modules' own, comments and docstrings included, cut at top-level statements and nowhere else. What
nothing refers to is left out, imports of each other are dropped, and all other imports are gathered at the top.
That asks of the modules what ``model/__init__.py`` says; an AssertionError names the file and the rule that it breaks.
"""

import ast
import importlib.util
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

LINE_LENGTH = 120
DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Assert)


@dataclass(frozen=True, slots=True)
class Statement:
    """A top-level statement with the comments above it."""

    text: str
    names: frozenset[str]  # that it defines
    refers_to: frozenset[str]


@dataclass(frozen=True, slots=True)
class External:
    """One name that comes from another package."""

    name: str  # as the code calls it
    module: str
    member: str | None  # None: the module itself


@dataclass(frozen=True, slots=True)
class Module:
    """A module cut to pieces."""

    name: str
    doc: str
    statements: tuple[Statement, ...]
    imports: tuple[External, ...]
    uses: tuple[tuple[str, str], ...]  # module and name of what it imports of the others

    @property
    def names(self) -> frozenset[str]:
        """What it defines at its top level."""
        return frozenset().union(*(statement.names for statement in self.statements))


def read_modules(root: str, *, internal: str, stand_ins: Collection[str]) -> list[Module]:
    """Cut a module and all that it leads to, without importing them; each comes after those that it uses.

    Args:
        root: dotted.
        internal: the package whose modules are followed, since their code will stand in the same file.
        stand_ins: modules of it that are not, since the program has their names from somewhere else.
    """
    found: dict[str, Module] = {}

    def visit(name: str) -> None:
        if name in found or name in stand_ins:
            return
        module = read_module(name, internal=internal)
        for used, member in module.uses:
            visit(used)
            assert used in stand_ins or member in found[used].names, (
                f"{_file(name)}: {member} is no top-level name of {_file(used)}; import names of modules"
            )
        found[name] = module

    visit(root)
    return list(found.values())


def read_module(name: str, *, internal: str) -> Module:
    """Cut a module at its top-level statements, without importing it; see ``read_modules``."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    return cut(name, Path(spec.origin).read_text(encoding="utf-8"), internal=internal)


def cut(name: str, source: str, *, internal: str) -> Module:
    """Cut the source of a module; see ``read_modules``."""
    tree = ast.parse(source)
    doc, lines, end = ast.get_docstring(tree) or "", source.splitlines(), 0
    statements: list[Statement] = []
    imports: list[External] = []
    uses: list[tuple[str, str]] = []
    for node in tree.body:
        text = "\n".join(lines[end : node.end_lineno]).strip("\n")
        end = node.end_lineno or end
        broken = _broken_rule(node, internal)
        assert broken is None, f"{_file(name)}, line {node.lineno}: {broken}"
        if isinstance(node, ast.ImportFrom) and _package(node.module) == internal:
            uses += [(str(node.module), alias.name) for alias in node.names]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports += _externals(node)
        elif not _is_docstring(node):
            statements.append(Statement(text, _defined(node), _referred(node)))
    return Module(name, doc, tuple(statements), tuple(imports), tuple(uses))


def _broken_rule(node: ast.stmt, internal: str) -> str | None:
    """Which rule of ``model/__init__.py`` a top-level statement breaks."""
    if isinstance(node, ast.Import):
        whole = any(_package(alias.name) == internal for alias in node.names)
        return f"a module of {internal} is imported; import names of it" if whole else None
    if isinstance(node, ast.ImportFrom):
        renamed = _package(node.module) == internal and any(alias.asname for alias in node.names)
        return "a name is imported under a second name, which is lost; import it without 'as'" if renamed else None
    if not (_is_docstring(node) or isinstance(node, DEFINITIONS)):
        return "the top level may hold definitions and assertions only"
    late = any(_package(part.module) == internal for part in ast.walk(node) if isinstance(part, ast.ImportFrom))
    return f"{internal} is imported inside a definition; import it at the top level" if late else None


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def join(modules: Sequence[Module], *, roots: Iterable[str]) -> tuple[str, str]:
    """Return the imports and the body of a program that uses the names ``roots``.

    Args:
        modules: a module comes after those whose names it uses.
    """
    needed = _reachable(modules, roots)
    blocks, used = [], set()
    for module in modules:
        kept = [statement for statement in module.statements if _is_needed(statement, needed)]
        if not kept:
            continue
        blocks.append("\n".join(f"# {line}".rstrip() for line in ("-" * 100, *module.doc.splitlines())))
        blocks.append(_spaced(kept))
        mentioned = {name for statement in kept for name in statement.refers_to}
        used |= {each for each in module.imports if each.name in mentioned}
    return import_block(used), "\n\n\n".join(blocks) + "\n"


def import_block(used: Iterable[External]) -> str:
    """Import statements as ruff sorts them: the standard library, then the others."""
    sections = []
    for is_standard in (True, False):
        here = [each for each in used if (each.module.split(".")[0] in sys.stdlib_module_names) is is_standard]
        plain = sorted(each for each in map(_plain_import, here) if each)
        from_modules = sorted({each.module for each in here if not _plain_import(each)})
        froms = [
            _from_import(module, sorted({str(each.member) for each in here if each.module == module and each.member}))
            for module in from_modules
        ]
        froms = [line for line in froms if line]
        if plain or froms:
            sections.append("\n".join(plain + froms))
    return "\n\n".join(sections) + "\n"


def _plain_import(each: External) -> str | None:
    """The statement that imports a module under a name, if that is what is wanted."""
    if each.member is not None:
        return None
    return f"import {each.module}" + ("" if each.name == each.module else f" as {each.name}")


def _from_import(module: str, members: list[str]) -> str:
    def kind(member: str) -> tuple[int, str]:
        return (0 if member.isupper() and len(member) > 1 else 1 if member[0].isupper() else 2), member

    ordered = sorted(members, key=kind)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {member}," for member in ordered), ")"])


def _file(module: str) -> str:
    return "/".join(module.split(".")[1:] or [module]) + ".py"


def _package(module: str | None) -> str:
    """The top-level package of a module; that of a relative import is unknown."""
    return (module or "").split(".")[0]


def _externals(node: ast.Import | ast.ImportFrom) -> list[External]:
    if isinstance(node, ast.Import):
        return [External(alias.asname or alias.name, alias.name, None) for alias in node.names]
    assert node.module is not None and node.level == 0
    assert all(alias.asname in (None, alias.name) for alias in node.names)
    return [External(alias.name, node.module, alias.name) for alias in node.names]


def _defined(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return frozenset([node.name])
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return frozenset(part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))
    return frozenset()


def _referred(node: ast.stmt) -> frozenset[str]:
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _reachable(modules: Sequence[Module], roots: Iterable[str]) -> set[str]:
    """All names of the modules that the roots lead to."""
    by_name: dict[str, Statement] = {}
    homes: dict[str, str] = {}
    for module in modules:
        for statement in module.statements:
            for name in statement.names:
                home = homes.setdefault(name, module.name)
                assert home == module.name, f"{_file(module.name)}: {_file(home)} has the top-level name {name} too"
                by_name[name] = statement
    needed: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in needed and name in by_name:
            needed.add(name)
            waiting += by_name[name].refers_to
    return needed


def _is_needed(statement: Statement, needed: set[str]) -> bool:
    if statement.names:
        return bool(statement.names & needed)
    return any(name in needed for name in statement.refers_to)  # an assertion about what is there


def _spaced(statements: Sequence[Statement]) -> str:
    """Statements with the blank lines that Python's style wants: two around definitions, none between values."""
    text = statements[0].text
    for before, after in pairwise(statements):
        is_block = any(_is_block(each) for each in (before, after))
        text += ("\n\n\n" if is_block else "\n") + after.text
    return text


def _is_block(statement: Statement) -> bool:
    code = [line for line in statement.text.splitlines() if not line.startswith("#")]
    return code[0].startswith(("def ", "class ", "@"))
