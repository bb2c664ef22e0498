"""Lines of product code by room, functions and files by size: of this checkout, or of another that is named.

``python -m support.sizes [FOLDER]`` in tests/.
"""

import ast
import statistics
import sys
from collections import Counter
from pathlib import Path

from support.paths import ROOT

ROOMS = ("bardtune", "data", "model", "studies", "search")


def sizes_text(root: Path) -> str:
    """Lines with comments and docstrings, without blank ones."""
    lines: Counter[str] = Counter()
    files: dict[str, int] = {}
    functions: dict[str, int] = {}
    for room in ROOMS:
        for file in sorted((root / room).rglob("*.py")):
            text, name = file.read_text(encoding="utf-8"), str(file.relative_to(root))
            files[name] = len(text.splitlines())
            lines[room] += sum(bool(line.strip()) for line in text.splitlines())
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                    functions[f"{name}:{node.name}"] = node.end_lineno - node.lineno + 1
    rows = [f"{room:10}{count:7,} lines" for room, count in lines.items()]
    rows.append(f"{'all':10}{lines.total():7,} lines in {len(files)} files")
    for what, sizes in (("function", functions), ("file", files)):
        largest = max(sizes, key=sizes.__getitem__)
        rows.append(f"{what}: median {statistics.median(sizes.values()):g}, largest {sizes[largest]} ({largest})")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(sizes_text(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
