"""What ``bardtune doctor`` looks at and prints. Whatever is broken is a line of its own, never a traceback."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from bardtune.data.errors import UserError
from bardtune.search.commands.output import print_json
from bardtune.studies.store.health import Finding

MIN_MEMORY_BYTES = 3 * 1024**3  # one worker process that counts the built-in corpus for the modern preset
GOOD_MEMORY_BYTES = 4 * 1024**3
BUSY_SHARE = 0.5  # of the cores taken by others; trials beside them are starved


def doctor_command(storage: str | None, *, as_json: bool) -> int:
    """Returns 0 if there is no problem, 1 if there is one."""
    findings = [finding for name, check in _checks(storage) for finding in examine(name, check)]
    levels = Counter(finding.level for finding in findings)
    if as_json:
        print_json(
            {"problems": levels["problem"], "warnings": levels["warning"], "checks": list(map(asdict, findings))}
        )
    else:
        for finding in findings:
            print(f"{finding.level:8} {finding.check:12} {finding.found}")
            if finding.advice is not None:
                print(f"{'':21} -> {finding.advice}")
        print(f"problems: {levels['problem']}, warnings: {levels['warning']}")
    return 1 if levels["problem"] else 0


def examine(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """All that a check finds; one that fails has found a problem itself."""
    found: list[Finding] = []
    try:
        for finding in check():
            found.append(finding)  # noqa: PERF402  (what it has found before it fails is kept)
    except UserError as problem:  # says the way out, too
        found.append(Finding(check=name, level="problem", found=str(problem)))
    except Exception as problem:  # a doctor has to outlive whatever is wrong with the patient
        why = " ".join(str(problem).split())[:200]
        found.append(
            Finding(
                check=name,
                level="problem",
                found=f"could not be checked: {type(problem).__name__}: {why}",
                advice="put that right and look again; if it stays, report it with this line",
            )
        )
    return found


def _checks(storage: str | None) -> Iterator[tuple[str, Callable[[], Iterable[Finding]]]]:
    yield "libraries", check_libraries
    yield "cores", check_cores
    yield "memory", check_memory
    yield "bf16", check_bfloat16
    yield "corpus", check_corpus
    yield "data folder", check_data_folder
    yield "storage", lambda: check_the_storage(storage)


def check_libraries() -> Iterator[Finding]:
    """Versions, and whether they are those that this version was made for."""
    import platform
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    yield Finding(check="python", level="ok", found=f"{platform.python_version()} on {platform.system()}")
    for name in ("torch", "optuna"):
        yield Finding(check=name, level="ok", found=version(name))
    try:
        needed = [Requirement(text) for text in requires("bardtune") or []]
    except PackageNotFoundError:  # run from a checkout that is not installed
        return
    for each in needed:
        if each.marker is not None and not each.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(each.name)
        except PackageNotFoundError:
            found = "missing"
        if found == "missing" or not each.specifier.contains(found, prereleases=True):
            yield Finding(
                check=each.name,
                level="problem",
                found=f"{found}; {each.specifier} is needed",
                advice=f"pip install '{each.name}{each.specifier}'",
            )


def check_cores() -> Iterator[Finding]:
    """Cores, a container's limit on them, and whether somebody else is using them."""
    import psutil

    from bardtune.data.host import available_cores, cpu_limit, load, usual_cores

    cores, limit = available_cores(), cpu_limit()
    found = f"{cores} of {psutil.cpu_count()} may be used; a run has {usual_cores()} threads with --workers 1"
    if limit is not None and limit < cores:
        yield Finding(
            check="cores",
            level="warning",
            found=f"{found}, but this container gets the time of {limit:g} cores",
            advice="give the container whole cores: a run that waits for its share trains less",
        )
    else:
        yield Finding(check="cores", level="ok", found=found)
    busy = load()
    if busy > BUSY_SHARE * cores:
        yield Finding(
            check="load",
            level="warning",
            found=f"{busy:.1f} processes wanted the {cores} cores in the last minute",
            advice="end what else is running: trials beside it are several times slower",
        )
    else:
        yield Finding(check="load", level="ok", found=f"{busy:.1f} processes in the last minute")


def check_memory() -> Iterator[Finding]:
    from bardtune.data.host import available_memory_bytes

    free = available_memory_bytes()
    level = "ok" if free >= GOOD_MEMORY_BYTES else "warning" if free >= MIN_MEMORY_BYTES else "problem"
    yield Finding(
        check="memory",
        level=level,  # type: ignore[arg-type]
        found=f"{free / 1e9:.1f} GB available",
        advice=None
        if level == "ok"
        else "close other programs; use --workers 1; the system kills trials that want more",
    )


def check_bfloat16() -> Iterator[Finding]:
    from bardtune.model.precision import uses_bfloat16

    faster = uses_bfloat16("auto")
    found = "faster than fp32 here, used" if faster else "not faster than fp32 on this CPU, which is used instead"
    yield Finding(check="bf16", level="ok", found=found)


def check_corpus() -> Iterator[Finding]:
    from bardtune.data.corpus import BUILT_IN, load_corpus

    corpus = load_corpus(BUILT_IN)
    found = f"{corpus.name}, {corpus.num_bytes:,} bytes, SHA-256 {corpus.sha256[:12]}... as it should be"
    yield Finding(check="corpus", level="ok", found=found)


def check_data_folder() -> Iterator[Finding]:
    from bardtune.studies.store.health import check_folder
    from bardtune.studies.store.home import data_home

    yield from check_folder(data_home())


def check_the_storage(given: str | None) -> Iterator[Finding]:
    from bardtune.search.commands.shared import quiet_libraries, storage_url
    from bardtune.studies.store.health import check_storage

    quiet_libraries()
    yield from check_storage(storage_url(given), may_be_absent=given is None)
