"""The text of ``prepare.py``: that of ``model/contract/prepare.py``, with a study's corpus and budget filled in."""

import re
from importlib.resources import files
from typing import Any

from bardtune.data.paths import short_name

TEMPLATE = "prepare.py"  # in bardtune.model.contract


def prepare_source(*, corpus: dict[str, Any], budget_s: float) -> str:
    """Return a standalone ``prepare.py``, which needs numpy, torch and the text but not bardtune.

    Args:
        corpus: the study's stored facts: name, bytes, sha256. Of a path only the last part is told.
        budget_s: seconds of training.
    """
    source = files("bardtune.model.contract").joinpath(TEMPLATE).read_text(encoding="utf-8")
    budget = float(budget_s)
    for constant, value in (
        ("TIME_BUDGET", repr(int(budget) if budget.is_integer() else budget)),
        ("CORPUS_NAME", _quoted(short_name(str(corpus["name"])))),
        ("CORPUS_BYTES", f"{int(corpus['bytes']):_}"),
        ("CORPUS_SHA256", _quoted(str(corpus["sha256"]))),
    ):
        source = _filled(source, constant, value)
    return source


def _filled(source: str, constant: str, value: str) -> str:
    """Replace the one line that sets ``constant``."""
    filled, times = re.subn(rf"^{constant} = .*$", lambda _: f"{constant} = {value}", source, flags=re.MULTILINE)
    assert times == 1, f"{TEMPLATE} sets {constant} {times} times"
    return filled


def _quoted(text: str) -> str:
    """A Python literal in double quotes."""
    return '"' + ascii(text)[1:-1].replace('"', '\\"').replace("\\'", "'") + '"'
