"""``python -m search`` is ``bardtune``."""

from search.cli import entry

entry()
