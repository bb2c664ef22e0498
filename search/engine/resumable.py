"""What a study needs to go on here: refused in a sentence where it is not there, or not what it was."""

from typing import Any

from bardtune.data.corpus import BUILT_IN, Corpus, load_corpus
from bardtune.data.errors import CorpusError
from bardtune.data.paths import user_path
from bardtune.search.engine.planning import LIBRARIES, PROCESSOR, REGISTRIES, differences, fingerprint
from bardtune.search.launch.registry import LAUNCHERS
from bardtune.studies.errors import StudyError
from bardtune.studies.plan import StudyPlan
from bardtune.studies.records import StudyRecord
from bardtune.studies.store.reading import read_study
from bardtune.studies.store.storage import Storage
from bardtune.studies.store.writer import StudyWriter
from bardtune.studies.text import text_of

CHANGEABLE = (*LIBRARIES, *PROCESSOR)  # a resume may accept these to differ


def fingerprint_of(plan: StudyPlan, corpus: Corpus) -> dict[str, Any]:
    """What a study of this plan that is begun here and now is held to later."""
    return fingerprint(corpus, is_here=LAUNCHERS.kind(plan.launcher).is_here)


def check_resumable(
    storage: Storage, record: StudyRecord, *, accept_changes: bool, command: str, is_over: bool = False
) -> None:
    """Refuse what cannot go on here; ``command`` is what its user has called."""
    _check_known(record)
    _check_cores(record)
    check_packages(record.plan)
    _check_unchanged(storage, record, accept_changes=accept_changes, command=command, is_over=is_over)


def _check_known(record: StudyRecord) -> None:
    """Another version of bardtune may have made the study with what this one has not."""
    for registry in REGISTRIES:
        name = getattr(record.plan, registry.noun)
        if name not in registry.names:
            raise StudyError(
                f"the study {record.name!r} cannot go on: this version of bardtune has no {registry.noun} {name!r}; "
                "resume it with the version that made it, or start a new study."
            )


def _check_cores(record: StudyRecord) -> None:
    """A resumed study trains with its own thread count, or not at all."""
    needed = record.plan.workers * record.plan.threads
    cores = LAUNCHERS.kind(record.plan.launcher).num_cores()
    if needed > cores:
        raise StudyError(
            f"the study {record.name!r} trains on {needed} cores and there are {cores}; resume it where there are as "
            "many, with fewer --workers, or start a new study."
        )


def check_packages(plan: StudyPlan) -> None:
    """Refuse a plan of which some part needs a package that is not installed."""
    for registry in REGISTRIES:
        registry.check_packages(getattr(plan, registry.noun))


def _check_unchanged(
    storage: Storage, record: StudyRecord, *, accept_changes: bool, command: str, is_over: bool
) -> None:
    """Refuse what would not compare; what is accepted is what later resumes are held to, if runs follow."""
    now, stored = fingerprint_of(record.plan, text_of(record)), record.fingerprint
    if record.latest_kind is not None and "cpu" not in stored:  # of a study that began on a cluster
        stored = {**stored, **dict(zip(PROCESSOR, record.latest_kind, strict=True))}
    if record.plan.mixed_machines or not LAUNCHERS.kind(record.plan.launcher).is_here:
        stored = {name: value for name, value in stored.items() if name not in PROCESSOR}
    changed = differences(stored, now)
    if not changed:
        return
    fatal = [name for name in changed if name not in CHANGEABLE]
    if fatal or not accept_changes:
        way_out = (
            "start a new study"
            if fatal
            else f"put it back, or go on all the same with: bardtune {command} --accept-changes"
        )
        raise StudyError(f"the study {record.name!r} cannot go on: {'; '.join(changed.values())}. Way out: {way_out}.")
    if is_over:
        return
    with StudyWriter(storage, record.name) as writer:
        writer.change_fingerprint(now)


def moved(storage: Storage, record: StudyRecord, corpus: str) -> StudyRecord:
    """Note where the study's text lies now; the very same bytes."""
    place = corpus if corpus == BUILT_IN else str(user_path(corpus, "the corpus"))
    if load_corpus(place).sha256 != record.corpus["sha256"]:
        raise CorpusError(
            f"the text in {place} is not that of the study {record.name!r}, which has SHA-256 "
            f"{record.corpus['sha256'][:12]}...; name the place that its own text was moved to."
        )
    with StudyWriter(storage, record.name) as writer:
        writer.change_corpus(place)
    return read_study(storage, record.name)
