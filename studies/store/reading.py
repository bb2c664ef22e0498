"""From the database to records. Reads only; any number of readers may look while a study runs."""

import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from bardtune.data.errors import UserError
from bardtune.data.paths import shown
from bardtune.model.training.stats import stats_from
from bardtune.studies import keys
from bardtune.studies.earlier import earlier_from
from bardtune.studies.errors import StudyError
from bardtune.studies.extensions import extended, extensions_from
from bardtune.studies.plan import plan_from
from bardtune.studies.records import FINISHING_REASONS, Parameter, Role, RunState, StudyRecord, StudyState, TrialRecord
from bardtune.studies.store.lock import lock_state
from bardtune.studies.store.storage import Storage

_STATES: dict[TrialState, RunState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "interrupted",
}


def study_names(storage: Storage) -> list[str]:
    """Names of the studies that bardtune made, oldest first."""
    summaries = optuna.get_all_study_summaries(storage.rdb, include_best_trial=False)
    return [summary.study_name for summary in summaries if is_ours(summary.user_attrs)]


def is_ours(user_attrs: dict[str, Any]) -> bool:
    """Whether a study with these attributes was made, and completely made, by bardtune."""
    return keys.STUDY_ID in user_attrs and isinstance(user_attrs.get(keys.PLAN), dict)


def read_study(storage: Storage, name: str) -> StudyRecord:
    """Read one study with its runs of every role.

    Raises:
        StudyError: no such study here, or one that stock Optuna made.
    """
    return record_of(storage, load(storage, name), _sibling(storage, name))


def record_of(storage: Storage, study: optuna.Study, sibling: optuna.Study | None) -> StudyRecord:
    """What is stored of a study.

    Args:
        study: its search trials.
        sibling: its other runs; None if somebody has deleted them.
    """
    name = study.study_name
    held = lock_state(storage.engine, name)
    attrs = study.user_attrs
    extensions = extensions_from(name, attrs.get(keys.EXTENSIONS, ()))
    candidates = attrs.get(keys.of_extension(keys.CANDIDATES, len(extensions)))
    stop_reason = None if held.held else attrs.get(keys.of_extension(keys.STOP_REASON, len(extensions)))
    search = study.get_trials(deepcopy=False)
    others = [] if sibling is None else sibling.get_trials(deepcopy=False)
    return StudyRecord(
        name=name,
        plan=extended(plan_from(name, attrs[keys.PLAN]), extensions),
        state=_study_state(held.held, stop_reason),
        stop_reason=stop_reason,
        seconds_used=held.seconds_used,
        corpus=attrs[keys.CORPUS],
        parameters=_parameters(attrs.get(keys.SPACE, {}), search),
        search_runs=_records(search, "search", owned=held.held),
        other_runs=_records(others, None, owned=held.held),
        storage=storage.display_url,
        fingerprint=attrs.get(keys.FINGERPRINT, {}),
        candidates=None if candidates is None else tuple(candidates),
        final=attrs.get(keys.FINAL, {}),
        note=shown(str(attrs.get(keys.NOTE, ""))),
        extensions=extensions,
        address=attrs.get(keys.ADDRESS),
        is_moved=bool(attrs.get(keys.IS_MOVED)),
        earlier=earlier_from(name, attrs.get(keys.EARLIER, ())),
    )


def read_studies(storage: Storage, on_damaged: Callable[[str, Exception], None]) -> list[StudyRecord]:
    """Read all studies, oldest first; ``on_damaged`` is told the name of one that cannot be read, and why."""
    records = []
    for name in study_names(storage):
        try:
            records.append(read_study(storage, name))
        except (UserError, SQLAlchemyError, KeyError, TypeError) as problem:
            on_damaged(name, problem)
    return records


def _sibling(storage: Storage, name: str) -> optuna.Study | None:
    try:
        return optuna.load_study(study_name=keys.runs_name(name), storage=storage.rdb)
    except KeyError:
        return None


def load(storage: Storage, name: str) -> optuna.Study:
    """Load a study that bardtune made; StudyError names the nearest one if it is not there."""
    try:
        study = optuna.load_study(study_name=name, storage=storage.rdb)
        if is_ours(study.user_attrs):
            return study
    except KeyError:
        pass
    near = get_close_matches(name, study_names(storage), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "see what there is with: bardtune list"
    raise StudyError(f"no study {name!r} in {storage.display_url}; {hint}")


def is_run(trial: FrozenTrial) -> bool:
    """Whether this is a training run that has begun; a point that only waits in the queue is not."""
    return trial.state != TrialState.WAITING or keys.SETTINGS in trial.user_attrs


def _study_state(held: bool, stop_reason: str | None) -> StudyState:
    if held:
        return "running"
    return "finished" if stop_reason in FINISHING_REASONS else "interrupted"


def _records(trials: list[FrozenTrial], role: Role | None, *, owned: bool) -> tuple[TrialRecord, ...]:
    return tuple(_record(trial, role, owned=owned) for trial in trials if is_run(trial))


def _record(trial: FrozenTrial, role: Role | None, *, owned: bool) -> TrialRecord:
    attrs = trial.user_attrs
    state = _STATES[trial.state]
    if state == "running" and not owned:
        state = "interrupted"  # its coordinator died; the next resume continues it
    ending = attrs.get(keys.ENDING) if trial.state != TrialState.RUNNING else None
    finished = state == "complete" and ending == "finished"
    return TrialRecord(
        number=trial.number,
        role=role or attrs.get(keys.ROLE, "baseline"),
        state=state,
        ending="interrupted" if state == "interrupted" else ending,
        reason=None if attrs.get(keys.REASON) is None else shown(str(attrs[keys.REASON])),
        val_bpb=trial.value if finished else None,
        curve=tuple((step, bpb) for step, bpb in sorted(trial.intermediate_values.items()) if math.isfinite(bpb)),
        params=dict(trial.params),
        settings=attrs.get(keys.SETTINGS, {}),
        stats=stats_from(attrs.get(keys.STATS)),
        started=trial.datetime_start,
        ended=trial.datetime_complete,
        candidate=attrs.get(keys.CANDIDATE),
        repeats=attrs.get(keys.REPEATS, 0),
        script=attrs.get(keys.SCRIPT),
    )


def _parameters(space: dict[str, Any], trials: list[FrozenTrial]) -> tuple[Parameter, ...]:
    """The searched dimensions in the order of the space; those that no trial drew are left out."""
    drawn: dict[str, BaseDistribution] = {}
    for trial in trials:
        drawn.update(trial.distributions)
    tables = space.get("parameters", {})
    order = [name for name in tables if name in drawn]
    return tuple(
        parameter_of(name, drawn[name], conditional=bool(tables.get(name, {}).get("condition")))
        for name in order + sorted(set(drawn) - set(order))
    )


def parameter_of(name: str, distribution: BaseDistribution, *, conditional: bool) -> Parameter:
    """A dimension as readers see it."""
    if isinstance(distribution, CategoricalDistribution):
        return Parameter(name=name, choices=tuple(distribution.choices), conditional=conditional)
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    low, high = float(distribution.low), float(distribution.high)
    return Parameter(name=name, log=distribution.log, low=low, high=high, conditional=conditional)
