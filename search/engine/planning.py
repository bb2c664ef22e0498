"""From flags and file to a plan: defaults < file < flags, refused once, here."""

import json
import time
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bardtune.data.corpus import BUILT_IN, Corpus
from bardtune.data.host import cpu_kind, usual_cores
from bardtune.data.paths import user_path
from bardtune.data.toml_files import read_toml
from bardtune.model import METRIC_VERSION, TRAINER_VERSION
from bardtune.search.launch.registry import LAUNCHERS
from bardtune.search.sampling.pruners.registry import PRUNERS
from bardtune.search.sampling.samplers.registry import SAMPLERS
from bardtune.search.sampling.spaces.registry import space_names
from bardtune.studies.errors import PlanError
from bardtune.studies.plan import PLAN_DEFAULTS, StudyPlan

LIBRARIES = ("torch", "optuna", "numpy")
PROCESSOR = ("cpu", "numba")  # studies of older versions do not know them
REGISTRIES = (SAMPLERS, PRUNERS, LAUNCHERS)  # each is asked for the field of the plan that is called as its noun


def resolve_plan(flags: Mapping[str, Any], file: Mapping[str, Any]) -> StudyPlan:
    """Flag beats file beats default; ``None`` means "not given".

    Raises:
        PlanError: an unknown key, or a value that no study could follow.
    """
    for key in file:
        if key not in PLAN_DEFAULTS:
            near = get_close_matches(key, PLAN_DEFAULTS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(PLAN_DEFAULTS)}."
            raise PlanError(f"the config file has an unknown key {key!r}; {hint}")
    given = {**file, **{key: value for key, value in flags.items() if value is not None}}
    for registry in REGISTRIES:
        registry.kind(given.get(registry.noun, registry.default))
    launcher = LAUNCHERS.kind(given.get("launcher", LAUNCHERS.default))
    cores = launcher.num_cores()
    if launcher.is_here and isinstance(workers := given.get("workers", 1), int) and workers > 0:
        given.setdefault("threads", max(1, min(cores, usual_cores()) // workers))
    for key, built_in in (("corpus", (BUILT_IN,)), ("space", space_names())):
        if isinstance(given.get(key), str) and given[key] not in ("", *built_in):
            given[key] = str(user_path(given[key], f"the {key}"))
    plan = StudyPlan(**given)
    plan.check_cores(cores)
    return plan


def read_plan_file(path: Path | None) -> dict[str, Any]:
    """Read a TOML file whose keys are those of the plan; an empty plan if ``path`` is None."""
    if path is None:
        return {}
    path = user_path(path, "the config file")
    return read_toml(path, "the config file", way_out="give a TOML file with lines such as: trials = 20")


def read_settings(path: Path) -> dict[str, Any]:
    """Settings from the settings.json of an export, the log of one, or what ``train`` or ``show --json`` printed.

    Raises:
        PlanError: no such file, or no settings in it.
    """
    path = user_path(path, "the file with settings")
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as problem:
        raise PlanError(f"cannot read {path}: {problem.strerror}; give a file with settings.") from problem
    except ValueError as problem:
        raise PlanError(f"{path} is no text: {problem}; give the settings.json of an export.") from problem
    try:
        found = json.loads(text)
    except ValueError:
        try:  # what a command has printed: its last line
            found = json.loads(text.rpartition("\n")[2])
        except ValueError as problem:
            raise PlanError(f"{path} is no JSON: {problem}; give the settings.json of an export.") from problem
    for keys in ((), ("winner",), ("best",)):
        inner = found
        for key in (*keys, "settings"):
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            return inner
    raise PlanError(f'{path} has no "settings"; give the settings.json of an export, or a line of bardtune train.')


def fresh_name() -> str:
    """A study name from the time of day, for those who do not choose one."""
    return time.strftime("study-%Y%m%d-%H%M%S")


def fingerprint(corpus: Corpus, *, is_here: bool = True) -> dict[str, Any]:
    """What must not change within a study, for its trials to be comparable.

    Args:
        corpus: its text.
        is_here: whether its runs train on this machine; otherwise its processor does not matter.
    """
    facts = {
        "corpus_sha256": corpus.sha256,
        "metric_version": METRIC_VERSION,
        "trainer_version": TRAINER_VERSION,
        **{library: version(library) for library in LIBRARIES},
    }
    if is_here:
        facts["cpu"] = cpu_kind()  # decides, with torch's version, what the precision "auto" means
        facts["numba"] = find_spec("numba") is not None
    return facts


def differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """What differs, each with its old and new value in words."""
    known = [name for name in {**stored, **now} if name in stored or name not in PROCESSOR]
    return {
        name: _difference(name, stored.get(name), now.get(name)) for name in known if stored.get(name) != now.get(name)
    }


def _difference(name: str, was: object, now: object) -> str:
    if name == "numba":
        return f"numba was {'there' if was else 'missing'} and is {'there' if now else 'missing'}"
    return f"{'the processor' if name == 'cpu' else name} was {was} and is {now}"
