"""Reports and exports are sent to others: they tell no host, no user and no place on a disk."""

import re
from collections.abc import Iterable
from pathlib import Path

from bardtune.data.paths import short_name
from bardtune.studies.records import StudyRecord

_ADDRESS = re.compile(r"\b[\w+.-]+://[^\s'\"<>]+")
_QUOTED = re.compile(r"(['\"])((?:~[\w.-]*)?/|[A-Za-z]:[\\/]|\\\\)([^'\"]*)\1")
_PATH = re.compile(r"(?<![\w./\\~])(?:~[\w.-]*/|/(?=[\w.~-])|[A-Za-z]:[\\/]|\\\\)[^\s'\"<>:,;()\[\]]*")
_HIDDEN = "…"


class Redactor:
    """Takes places and names out of texts of a study.

    Args:
        record: its hosts and folders are known.
        names: further words that nobody need know, such as the user's.
    """

    def __init__(self, record: StudyRecord, names: Iterable[str] = ()) -> None:
        hosts = {run.stats.host for run in record.runs if run.stats.host}
        folders = {str(Path(path).parent) for path in (record.plan.corpus, record.plan.space) if "/" in path}
        self.folders = sorted(folders - {"/"}, key=len, reverse=True)
        words = {word for word in (*hosts, *names) if len(word) > 2}
        self.words = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, words)) + r")(?!\w)") if words else None

    def __call__(self, text: str) -> str:
        """``text`` with paths reduced to their last part, and addresses and names left out."""
        for folder in self.folders:
            text = text.replace(f"{folder}/", "")
        text = _ADDRESS.sub(_HIDDEN, text)
        text = _QUOTED.sub(lambda found: found[1] + _last(found[2] + found[3]) + found[1], text)
        text = _PATH.sub(lambda found: _last(found[0]), text)
        return self.words.sub(_HIDDEN, text) if self.words else text


def _last(path: str) -> str:
    """The last part of a path; nothing of a home folder, whose name is a user's, or of a root."""
    name = short_name(path)
    return _HIDDEN if not name or name.startswith("~") or name.endswith(":") else name
