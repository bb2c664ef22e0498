"""What is typed after a benchmark's name."""

import argparse
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from bardtune.data.errors import UserError
from bardtune.data.paths import user_path
from bardtune.model.presets import PRESETS
from bardtune.model.settings import SettingsError, TrialSettings, check_setting_name, settings_from

OF_THE_RUN = ("budget_s", "seed")  # a benchmark gives these itself


class OneSentenceParser(argparse.ArgumentParser):
    """Complains by an exception instead of usage and exit."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see --help.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Settings to be measured, less the budget and the seed."""

    name: str  # as typed
    values: Mapping[str, Any]

    def settings(self, *, budget_s: float, seed: int) -> TrialSettings:
        return settings_from({**self.values, "budget_s": budget_s, "seed": seed})


def parse_candidate(text: str, changes: Sequence[str] = ()) -> Candidate:
    """Understand a candidate.

    Args:
        text: ``PRESET``, ``PRESET:name=value,name=value``, or the path of a .toml or .json file of settings. A file
            may name a ``preset`` to begin with, or hold its settings under ``settings``, as the result of a run does.
        changes: further ``name=value``.

    Raises:
        UserError: no such preset or file, or settings that cannot work.
    """
    head, _, tail = text.partition(":")
    if head in PRESETS:
        changes = [*filter(None, tail.split(",")), *changes]
        values = dict(PRESETS[head])
    elif Path(text).suffix in (".toml", ".json"):
        values = _settings_in(user_path(text, "the settings"))
    else:
        raise UserError(
            f"{text!r} is no candidate; give a preset ({', '.join(PRESETS)}), PRESET:name=value,name=value, "
            "or a .toml or .json file of settings."
        )
    candidate = Candidate(name=text, values={**values, **parse_values(changes)})
    try:
        candidate.settings(budget_s=1.0, seed=0)
    except SettingsError as problem:
        raise UserError(f"{text}: {problem}") from problem
    return candidate


def parse_values(changes: Sequence[str]) -> dict[str, Any]:
    """``["d_model=96", "norm=rmsnorm"]`` to values; numbers, true and false are understood, the rest is text."""
    values: dict[str, Any] = {}
    for change in changes:
        name, equals, text = (part.strip() for part in change.partition("="))
        if not equals:
            raise UserError(f"{change!r} has no value; write name=value, such as d_model=96.")
        check_setting_name(name)
        if name in OF_THE_RUN:
            raise UserError(f"{name} is not a candidate's; the benchmark gives it to all alike.")
        try:
            values[name] = json.loads(text)
        except ValueError:  # not a number, true or false
            values[name] = text
    return values


def _settings_in(path: Path) -> dict[str, Any]:
    try:
        content = path.read_text(encoding="utf-8")
        held = tomllib.loads(content) if path.suffix == ".toml" else json.loads(content)
    except OSError as problem:
        raise UserError(f"cannot read the settings {path}: {problem.strerror}; check the path.") from problem
    except ValueError as problem:
        raise UserError(f"the settings {path} are not {path.suffix[1:].upper()}: {problem}.") from problem
    if isinstance(held, dict):
        held = held.get("settings", held)
    if not isinstance(held, dict):
        raise UserError(f"the settings {path} hold no names and values; write such as d_model = 96.")
    values = {name: value for name, value in held.items() if name not in OF_THE_RUN}
    base = values.pop("preset", None)
    if base is not None and base not in PRESETS:
        raise UserError(f"the settings {path} begin with the unknown preset {base!r}; known: {', '.join(PRESETS)}.")
    return {**PRESETS.get(base, {}), **values}
