"""From flags and file to a plan: defaults < file < flags, refused once, here."""

import time
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bardtune.data.corpus import BUILT_IN, Corpus
from bardtune.data.paths import user_path
from bardtune.model import METRIC_VERSION, TRAINER_VERSION
from bardtune.search.launch.registry import LAUNCHERS
from bardtune.search.sampling.pruners.registry import PRUNERS
from bardtune.search.sampling.samplers.registry import SAMPLERS
from bardtune.search.sampling.spaces.registry import space_names
from bardtune.studies.errors import PlanError
from bardtune.studies.plan import PLAN_DEFAULTS, StudyPlan

LIBRARIES = ("torch", "optuna", "numpy")
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
    cores = LAUNCHERS.kind(given.get("launcher", LAUNCHERS.default)).num_cores()
    if isinstance(workers := given.get("workers", 1), int) and workers > 0:
        given.setdefault("threads", max(1, cores // workers))
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
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as problem:
        raise PlanError(f"the config file {path} is not UTF-8 text; check the path.") from problem
    except ValueError as problem:  # not TOML, or a number of thousands of digits
        raise PlanError(f"the config file {path} is not TOML: {problem}; write lines such as: trials = 20") from problem
    except OSError as problem:
        raise PlanError(f"cannot read the config file {path}: {problem.strerror}; check the path.") from problem


def fresh_name() -> str:
    """A study name from the time of day, for those who do not choose one."""
    return time.strftime("study-%Y%m%d-%H%M%S")


def fingerprint(corpus: Corpus) -> dict[str, Any]:
    """What must not change within a study, for its trials to be comparable."""
    return {
        "corpus_sha256": corpus.sha256,
        "metric_version": METRIC_VERSION,
        "trainer_version": TRAINER_VERSION,
        **{library: version(library) for library in LIBRARIES},
    }


def differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """What differs, each with its old and new value in words."""
    return {
        name: f"{name} was {stored.get(name)} and is {now.get(name)}"
        for name in {**stored, **now}
        if stored.get(name) != now.get(name)
    }
