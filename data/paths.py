"""Paths that a user has typed."""

import re
from pathlib import Path
from unicodedata import category

from bardtune.data.errors import UserError

_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # Unicode's marks of writing direction


def user_path(text: str | Path, what: str) -> Path:
    """Return the absolute path that ``text`` means, with ``~`` filled in.

    Args:
        text: as typed.
        what: names it in the complaint, such as "the corpus".

    Raises:
        UserError: no path can be made of it: no such home folder, a loop of links, a null byte, too long a name.
    """
    try:
        path = Path(text).expanduser().resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        raise UserError(f"{what} {str(text)[:200]!r} is no usable path ({why}); give another one.") from problem
    return path


def shown(text: str) -> str:
    """``text`` as a terminal may be given it: nothing that steers the terminal, and no half of a character.

    Names of files, lines of scripts and texts of databases may hold anything. Lines and tabs stay.
    """
    return "".join("\ufffd" if _steers(char) else char for char in text)


def _steers(char: str) -> bool:
    """Whether a character is a control, a surrogate (a byte of a name that is not UTF-8), or turns the line around."""
    return char not in "\n\t" and (category(char) in ("Cc", "Cs") or char in _TURNING)


def short_name(path: str) -> str:
    """The last part of a path, or a built-in name as it is, to be shown: no place is told.

    A backslash parts the folders of a Windows path, and is a letter of a name in any other that has a slash.
    """
    is_windows = "/" not in path or re.match(r"[A-Za-z]:|\\\\", path)
    separators = r"/\\" if is_windows else "/"
    return shown(re.split(f"[{separators}]", path.rstrip("/\\" if is_windows else "/"))[-1])
