"""A study that comes after others: what it takes from them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bardtune.data.errors import UserError
from bardtune.model.settings import SETTINGS, SettingsError, settings_from
from bardtune.search.sampling.space import SearchSpace, nearest, space_from
from bardtune.search.sampling.space_file import is_drawn
from bardtune.studies.analysis.verdict import Verdict, verdict_of
from bardtune.studies.earlier import EarlierRun, EarlierStudy
from bardtune.studies.errors import PlanError, StudyError
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord, TrialRecord
from bardtune.studies.surrogate.maker import SurrogateMaker
from bardtune.studies.surrogate.observations import guessed_ends

CONDITIONS = {
    "corpus_sha256": "text",
    "metric_version": "metric",
    "trainer_version": "trainer",
    "torch": "torch",
    "cpu": "processor",
    "numba": "numba",
}  # of a fingerprint, in words
MOST_STUDIES = 5
MOST_RUNS = 60  # that have finished, of all studies before: more cost time, and say little more
IN_EFFECT = {"rope_theta": ("position", "rope"), "muon_lr_ratio": ("optimizer", "muon")}  # only with these


def studies_before(
    records: Sequence[StudyRecord],
    space: SearchSpace,
    plan: StudyPlan,
    fingerprint: Mapping[str, Any],
    *,
    teaches: bool = True,
) -> tuple[EarlierStudy, ...]:
    """What a new study takes from these, as they are now.

    Args:
        records: studies that have found something.
        space: of the new one.
        plan: of the new one.
        fingerprint: of the new one.
        teaches: whether the new one's sampler learns from runs, and not only from the winners.

    Raises:
        PlanError: too many, or one twice.
        StudyError: one of them has nothing to be learned from.
    """
    names = [record.name for record in records]
    if len(set(names)) < len(names) or len(names) > MOST_STUDIES:
        raise PlanError(f"--after takes up to {MOST_STUDIES} studies, each once; leave some out.")
    most = MOST_RUNS // max(1, len(records)) if teaches else 0
    return tuple(_study_before(record, space, plan, fingerprint, most) for record in records)


def space_after(space: SearchSpace, earlier: Sequence[EarlierStudy]) -> SearchSpace:
    """The space with the winner of the first study before as its best known point, if their runs compare.

    Where they do not, the prior stays around what the space knows: it would be wrong in what the studies differ in.
    """
    return _with_best_known(space, earlier[0].winner) if earlier and not earlier[0].differs else space


def first_points(space: SearchSpace, earlier: Sequence[EarlierStudy]) -> list[dict[str, Any]]:
    """What the first search trials try, whatever the sampler: the winners before, and the best known point."""
    points: list[dict[str, Any]] = []
    for point in [*(each.winner for each in earlier), space.best_known]:
        if point not in points:
            points.append(point)
    return points


def params_of(space: SearchSpace, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a space calls these settings; None if it never draws them."""
    values, params = {**space.fixed}, {}
    for dimension in space.dimensions:
        name, value = dimension.name, settings.get(dimension.name)
        if dimension.applies(values):
            if not is_drawn(dimension.distribution, value):
                return None
            params[name] = values[name] = value
        elif value != values.get(name) and _is_in_effect(name, settings):
            return None
    return params


def _is_in_effect(name: str, settings: Mapping[str, Any]) -> bool:
    """Whether a setting makes a difference beside the others."""
    other, value = IN_EFFECT.get(name, ("", None))
    return not other or settings.get(other) == value


def best_known_from(space: SearchSpace, settings: Mapping[str, Any], where: str) -> tuple[SearchSpace, list[str]]:
    """The space with settings from elsewhere as its best known point, and in words what could not be taken as it is.

    Raises:
        PlanError: the space lacks them, or no model is made so.
    """
    searched = [dimension.name for dimension in space.dimensions]
    if not settings.keys() & set(searched):
        raise PlanError(
            f"{where} has none of the parameters of the space ({', '.join(searched)}); give other settings."
        )
    said, known = [], {}
    values = {**space.fixed, **space.source.get("best_known", {})}
    try:
        for dimension in space.dimensions:
            name = dimension.name
            if not dimension.applies(values):
                continue
            value = settings.get(name, values[name])
            SETTINGS[name].check(name, value)
            known[name] = values[name] = nearest(dimension.distribution, value)
            if name in settings and known[name] != value:
                said.append(f"{name} {value} is not in the space: {known[name]} is tried first")
        found = space_from(_with_best_known(space, known).source)
    except (UserError, TypeError, ValueError) as problem:
        raise PlanError(f"{where} cannot be the best known point of the space: {problem}") from problem
    others = [name for name, value in settings.items() if name in space.fixed and name not in searched]
    changed = [name for name in others if settings[name] != space.fixed[name]]
    if changed:
        said.append(f"not searched, and left as the space has them: {', '.join(changed)}")
    return found, said


def _with_best_known(space: SearchSpace, params: Mapping[str, Any]) -> SearchSpace:
    """The space with these for its best known point: a value for each of its parameters that applies beside them."""
    searched = {dimension.name for dimension in space.dimensions}
    others = {name: value for name, value in space.source.get("best_known", {}).items() if name not in searched}
    return replace(space, source={**space.source, "best_known": {**others, **params}})


def _study_before(
    record: StudyRecord, space: SearchSpace, plan: StudyPlan, fingerprint: Mapping[str, Any], most: int
) -> EarlierStudy:
    verdict = verdict_of(record)
    if verdict.winner is None:
        raise StudyError(f"the study {record.name!r} has no finished trial to learn from; name another one.")
    candidates = (*record.search_runs, *(run for run in record.other_runs if run.role == "confirmation"))
    known = [(run, found) for run in candidates if (found := _known(run)) is not None]
    inside = [
        (run, settings, params) for run, settings in known if (params := _valid_params(space, settings)) is not None
    ]
    finished = [(run, params) for run, _, params in inside if run.val_bpb is not None and run.role == "search"]
    if not finished:
        raise StudyError(
            f"the study {record.name!r} has no finished trial in the space of the new one: they share no parameters "
            "or ranges; name a study of the same space, or leave it out."
        )
    best, winner = min(finished, key=lambda each: (each[0] is not verdict.winner, each[0].val_bpb, each[0].number))
    ranked = sorted(
        (EarlierRun(params=params, val_bpb=run.val_bpb) for run, _, params in inside if run.val_bpb is not None),
        key=lambda run: run.val_bpb or 0.0,
    )
    failed = [EarlierRun(params=params, val_bpb=None) for run, _, params in inside if run.ending == "diverged"]
    every = -(-len(ranked) // most) if most else 1
    ends = guessed_ends(record) if most else {}
    return EarlierStudy(
        name=record.name,
        differs=_differs(record, [settings for _, settings, _ in inside], space, plan, fingerprint),
        winner=winner,
        winner_bpb=_expected_bpb(record, verdict, best, fits=bool(most)),
        runs=tuple(ranked[::every] + failed[:most]) if most else (),
        other_ends=tuple(ends[run.run_id] for run, _, _ in inside if run.run_id in ends),
    )


def _known(run: TrialRecord) -> dict[str, Any] | None:
    """All settings of a run as this version understands them; None of those that it does not."""
    with suppress(UserError, KeyError, TypeError):
        return settings_from({"budget_s": 1.0, "seed": 0, **run.settings}).as_dict()
    return None


def _valid_params(space: SearchSpace, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the space calls them, if it draws them and a model is made of them there."""
    params = params_of(space, settings)
    if params is None:
        return None
    with suppress(SettingsError):
        settings_from({**space.fixed, **params, "budget_s": 1.0, "seed": 0})
        return params
    return None


def _expected_bpb(record: StudyRecord, verdict: Verdict, best: TrialRecord, *, fits: bool) -> float:
    """What the settings of a trial reach on average: not the luck of the lowest of many single runs.

    Where no surrogate ``fits`` what was never confirmed, it is that luck: nothing is learned from it then.
    """
    for each in verdict.candidates:
        if each.runs[0].candidate == best.number:
            return each.mean
    assert best.val_bpb is not None
    surrogate = SurrogateMaker().make(record) if fits else None
    if surrogate is None:
        return best.val_bpb
    return surrogate.seen.scale.bpb(float(surrogate.worth([best.params])[0][0]))


def _differs(
    record: StudyRecord,
    settings: Sequence[Mapping[str, Any]],
    space: SearchSpace,
    plan: StudyPlan,
    fingerprint: Mapping[str, Any],
) -> tuple[str, ...]:
    """In what the study's runs do not compare with those of a new one, or nobody knows whether they do."""
    then = dict(record.fingerprint)
    if record.latest_kind is not None:
        then["cpu"], then["numba"] = record.latest_kind
    found = [word for key, word in CONDITIONS.items() if then.get(key) != fingerprint.get(key)]
    if len(record.kinds_of_processor) > 1 and CONDITIONS["cpu"] not in found:
        found.append(CONDITIONS["cpu"])
    if record.plan.seconds != plan.seconds:
        found.append("budget")
    if record.plan.threads != plan.threads:
        found.append("threads")
    searched = {dimension.name for dimension in space.dimensions}
    unsearched = {name: value for name, value in space.fixed.items() if name not in searched}
    if any(each.get(name) != value for each in settings for name, value in unsearched.items()):
        found.append("settings that are not searched")
    return tuple(found)
