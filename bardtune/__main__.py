"""``python -m bardtune`` is ``bardtune``."""

from bardtune.search.cli.app import entry

entry()
