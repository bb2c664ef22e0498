"""The command line that trains a run of a study again."""

import json
import shlex
from typing import Any

from bardtune.data.errors import UserError
from bardtune.data.paths import short_name
from bardtune.model.presets import PRESETS, preset
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import TrialRecord

_OWN_OPTIONS = ("budget_s", "seed")


def train_command(run: TrialRecord, plan: StudyPlan) -> str | None:
    """``bardtune train`` with the run's settings, over the preset that needs the fewest changes; on several lines.

    The corpus is named without its folder. None if the settings are of a version that knows others.
    """
    settings = run.settings
    try:
        changes = {name: _changes(name, settings) for name in PRESETS}
    except (KeyError, UserError):
        return None
    nearest = min(changes, key=lambda name: len(changes[name]))
    parts = [f"bardtune train --preset {nearest}"]
    parts.append(f"--seconds {settings['budget_s']:g} --seed {settings['seed']} --threads {plan.threads}")
    if (corpus := short_name(plan.corpus)) != "shakespeare":
        parts.append(f"--corpus {shlex.quote(corpus)}")
    parts += [f"--set {shlex.quote(f'{name}={_text(value)}')}" for name, value in changes[nearest].items()]
    return " \\\n  ".join(parts)


def _changes(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What differs from a preset.

    Raises:
        KeyError: settings that this version does not know.
        UserError: values that it refuses.
    """
    known = preset(name, budget_s=settings["budget_s"], seed=settings["seed"]).as_dict()
    differing = {key: value for key, value in settings.items() if known[key] != value}
    preset(name, budget_s=settings["budget_s"], seed=settings["seed"], **differing)
    return {key: value for key, value in differing.items() if key not in _OWN_OPTIONS}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
