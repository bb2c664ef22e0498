"""A study that comes after others: what it takes from them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bardtune.model.settings import SettingsError
from bardtune.search.sampling.space import SearchSpace, is_drawn, nearest, space_from
from bardtune.studies.analysis.verdict import verdict_of
from bardtune.studies.earlier import EarlierRun, EarlierStudy
from bardtune.studies.errors import PlanError, StudyError
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord

CONDITIONS = {
    "corpus_sha256": "text",
    "metric_version": "metric",
    "trainer_version": "trainer",
    "cpu": "processor",
}  # of a fingerprint
MOST_RUNS = 60  # of all studies before: more cost time, and say little more
NOT_OF_A_SPACE = ("budget_s", "seed")


def studies_before(
    records: Sequence[StudyRecord], space: SearchSpace, plan: StudyPlan, fingerprint: Mapping[str, Any]
) -> tuple[EarlierStudy, ...]:
    """What a new study takes from these.

    Args:
        records: studies that have found something.
        space: of the new one.
        plan: of the new one.
        fingerprint: of the new one.

    Raises:
        StudyError: one of them has nothing to be learned from.
    """
    most = MOST_RUNS // max(1, len(records))
    return tuple(_study_before(record, space, plan, fingerprint, most) for record in records)


def space_after(space: SearchSpace, earlier: Sequence[EarlierStudy]) -> SearchSpace:
    """The space with the winner of the first study before as its best known point."""
    return with_best_known(space, earlier[0].winner) if earlier else space


def with_best_known(space: SearchSpace, params: Mapping[str, Any]) -> SearchSpace:
    return replace(space, source={**space.source, "best_known": {**space.source.get("best_known", {}), **params}})


def first_points(space: SearchSpace, earlier: Sequence[EarlierStudy]) -> list[dict[str, Any]]:
    """What the first search trials try, whatever the sampler: the best known point, and the other winners before."""
    points = [space.best_known]
    for each in earlier[1:]:
        if each.winner not in points:
            points.append(each.winner)
    return points


def params_of(space: SearchSpace, settings: Mapping[str, Any], *, is_moved: bool = False) -> dict[str, Any] | None:
    """What a space calls these settings; None if it never draws them.

    Args:
        space: it.
        settings: of a run.
        is_moved: put what lies outside of the space at its edge instead.
    """
    values, params = {**space.fixed}, {}
    for dimension in space.dimensions:
        if not dimension.applies(values):
            continue
        value = settings.get(dimension.name)
        if value is None or not is_drawn(dimension.distribution, value):
            if not is_moved or value is None:
                return None
            value = nearest(dimension.distribution, value)
        params[dimension.name] = values[dimension.name] = value
    return params


def best_known_from(space: SearchSpace, settings: Mapping[str, Any], where: str) -> SearchSpace:
    """The space with settings from elsewhere as its best known point.

    Raises:
        PlanError: the space lacks them, or no model is made so.
    """
    known = {dimension.name: settings[dimension.name] for dimension in space.dimensions if dimension.name in settings}
    if not known:
        names = ", ".join(dimension.name for dimension in space.dimensions)
        raise PlanError(f"{where} has none of the parameters of the space ({names}); give other settings.")
    params = params_of(space, {**space.fixed, **known}, is_moved=True)
    try:
        return space_from(with_best_known(space, params or {}).source)
    except SettingsError as problem:
        raise PlanError(f"{where} cannot be the best known point of the space: {problem}") from problem


def _study_before(
    record: StudyRecord, space: SearchSpace, plan: StudyPlan, fingerprint: Mapping[str, Any], most: int
) -> EarlierStudy:
    verdict = verdict_of(record)
    if verdict.winner is None or verdict.bpb is None:
        raise StudyError(f"the study {record.name!r} has no finished trial to learn from; name another one.")
    winner = params_of(space, verdict.winner.settings, is_moved=True)
    finished = [run for run in (*record.search_runs, *record.other_runs) if _teaches(run.role, run.val_bpb)]
    ranked = sorted(finished, key=lambda run: (run.val_bpb, run.run_id))
    runs = [
        EarlierRun(params=params, val_bpb=run.val_bpb)
        for run in ranked
        if run.val_bpb is not None and (params := params_of(space, run.settings)) is not None
    ]
    if winner is None or not runs:
        raise StudyError(
            f"the study {record.name!r} has no run in the space of the new one: they do not share parameters or "
            "ranges; name a study of the same space, or leave it out."
        )
    every = -(-len(runs) // most)
    return EarlierStudy(
        name=record.name,
        differs=_differs(record, space, plan, fingerprint),
        winner=winner,
        winner_bpb=verdict.bpb,
        runs=tuple(runs[::every]),
    )


def _teaches(role: str, val_bpb: float | None) -> bool:
    return role in ("search", "confirmation") and val_bpb is not None


def _differs(
    record: StudyRecord, space: SearchSpace, plan: StudyPlan, fingerprint: Mapping[str, Any]
) -> tuple[str, ...]:
    """In what the study's runs do not compare with those of a new one."""
    found = [
        word
        for key, word in CONDITIONS.items()
        if key in fingerprint and key in record.fingerprint and fingerprint[key] != record.fingerprint[key]
    ]
    if record.plan.seconds != plan.seconds:
        found.append("budget")
    if record.plan.threads != plan.threads:
        found.append("threads")
    winner = verdict_of(record).winner
    searched = {dimension.name for dimension in space.dimensions}
    if winner is not None and any(
        winner.settings.get(name, value) != value for name, value in space.fixed.items() if name not in searched
    ):
        found.append("settings that are not searched")
    return tuple(found)
