"""Reading, starting and resuming studies: what ``bardtune.start_study`` and its neighbours do."""

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from bardtune.data.awake import awake_s
from bardtune.search.api.comparison import Comparison
from bardtune.search.api.study import BestSettings, Study
from bardtune.search.engine import session
from bardtune.search.engine.planning import fresh_name, resolve_plan
from bardtune.search.terminal.lines import LineView, View
from bardtune.search.terminal.live import make_view, screen
from bardtune.search.terminal.notebook import NotebookView
from bardtune.studies.analysis.versus import versus
from bardtune.studies.errors import StorageError, StudyError
from bardtune.studies.store.home import data_home
from bardtune.studies.store.lock import OwnershipLostError
from bardtune.studies.store.read_only import ReadOnlyStorage
from bardtune.studies.store.reading import read_studies, read_study

__all__ = [
    "BestSettings",
    "Comparison",
    "Study",
    "compare_studies",
    "extend_study",
    "list_studies",
    "load_study",
    "resume_study",
    "start_study",
]


def list_studies(*, storage: str | None = None) -> list[Study]:
    """Read the stored studies, oldest first; one that is damaged is warned of and left out.

    Args:
        storage: database URL. [default: sqlite in the data folder, see BARDTUNE_HOME]
    """

    def warn(name: str, problem: Exception) -> None:
        warnings.warn(f"the study {name!r} is damaged and left out: {problem!r:.200}", stacklevel=3)

    if storage is None and not data_home().database.exists():
        return []
    with _as_a_library():
        return [Study(record) for record in read_studies(ReadOnlyStorage(_url(storage)), warn)]


def load_study(name: str, *, storage: str | None = None) -> Study:
    """Read a stored study, through a connection that cannot write; it may be running elsewhere.

    Raises:
        UserError: no such study, or no such database.
    """
    with _as_a_library():
        return Study(read_study(ReadOnlyStorage(_url(storage)), name))


def compare_studies(*names: str, storage: str | None = None) -> Comparison:
    """Read several stored studies and compare what they have found, as ``bardtune compare`` does.

    Args:
        names: of the studies, two to eight.
        storage: database URL. [default: sqlite in the data folder, see BARDTUNE_HOME]

    Raises:
        UserError: too few or too many, no such study, or no such database.
    """
    with _as_a_library():
        stored = ReadOnlyStorage(_url(storage))
        return Comparison(versus([read_study(stored, name) for name in names]))


def start_study(
    name: str | None = None,
    *,
    trials: int | None = None,
    seconds: float | None = None,
    hours: float | None = None,
    corpus: str | None = None,
    space: str | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    launcher: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    seed: int | None = None,
    max_crashes: int | None = None,
    confirm: str | None = None,
    repeat_starved: int | None = None,
    stop_when_settled: bool | None = None,
    target: float | None = None,
    mixed_machines: bool | None = None,
    after: str | Sequence[str] = (),
    best_known: str | Path | None = None,
    address: str | None = None,
    storage: str | None = None,
    progress: bool = True,
) -> Study:
    """Create a study and run it to its end, in worker processes.

    Ctrl-C, or a notebook's stop button, saves the runs in progress and returns the study as it stands then; a second
    one raises KeyboardInterrupt at once, without saving. Only the main thread hears them.

    Args:
        name: a new one. [default: from the time of day]
        trials: training runs of every kind, at most 50. [default: 50]
        seconds: training budget of one run. [default: 180]
        hours: active time of the study, at most 3. [default: 3]
        corpus: a file or folder of text. [default: shakespeare]
        space: a built-in name or a TOML file. [default: wide]
        sampler: draws the parameters; ``bardtune start --help`` names those there are. [default: curvegp]
        pruner: stops weak trials early; likewise. [default: chance]
        launcher: where the runs train; likewise. [default: local]
        workers: runs at a time. [default: 1]
        threads: of each run. [default: cores / workers]
        seed: decides every draw of the study. [default: 0]
        max_crashes: crashes in a row that stop a study. [default: 3]
        confirm: runs to confirm the winner: "auto", candidates x seeds such as "3x2", "0" for none. [default: auto]
        repeat_starved: times to run a trial again whose machine was busy. [default: 0]
        stop_when_settled: end the search when it promises less than seeds differ by. [default: no]
        target: end the search when a trial reaches this bpb, and confirm what leads; 0 for none. [default: 0]
        mixed_machines: train on different kinds of processor, whose runs do not compare. [default: no]
        after: a study to learn from, or several: the first one's winner is the first trial.
        best_known: a file with the settings of the first trial instead, such as an export's settings.json.
        address: of a cluster, for the launcher "ray". [default: the one that runs here, or a new one]
        storage: database URL. [default: sqlite in the data folder, see BARDTUNE_HOME]
        progress: tell what happens: a live view in a terminal, a line a run elsewhere.

    Raises:
        UserError: something that can be put right; no study has been created then, unless its database has failed.
    """
    began = awake_s()
    given = {
        "trials": trials,
        "seconds": seconds,
        "hours": hours,
        "corpus": corpus,
        "space": space,
        "sampler": sampler,
        "pruner": pruner,
        "launcher": launcher,
        "workers": workers,
        "threads": threads,
        "seed": seed,
        "max_crashes": max_crashes,
        "confirm": confirm,
        "repeat_starved": repeat_starved,
        "stop_when_settled": stop_when_settled,
        "target": target,
        "mixed_machines": mixed_machines,
    }
    plan = resolve_plan(given, {})
    name = fresh_name() if name is None else name
    with _as_a_library():
        record = session.start_study(
            _url(storage),
            name,
            plan,
            _view(progress),
            began=began,
            address=address,
            after=[after] if isinstance(after, str) else after,
            best_known=None if best_known is None else Path(best_known),
        )
        return Study(record)


def resume_study(
    name: str,
    *,
    storage: str | None = None,
    progress: bool = True,
    accept_changes: bool = False,
    corpus: str | None = None,
    launcher: str | None = None,
    workers: int | None = None,
    address: str | None = None,
) -> Study:
    """Continue a study with its stored plan, as ``start_study`` does; a finished one only has a missing score made up.

    Args:
        name: of a stored study.
        storage: database URL. [default: sqlite in the data folder, see BARDTUNE_HOME]
        progress: tell what happens.
        accept_changes: go on although library versions or the processor have changed.
        corpus: where the study's text lies now, if it was moved.
        launcher: where its runs train from now on. [default: as before]
        workers: runs at a time from now on. [default: as before]
        address: of a cluster, for the launcher "ray". [default: the one that runs here, or a new one]

    Raises:
        UserError: no such study, it is running, or what its trials depend on has changed.
    """
    began = awake_s()
    with _as_a_library():
        view = _view(progress)
        record = session.resume_study(
            _url(storage),
            name,
            view,
            began=began,
            accept_changes=accept_changes,
            corpus=corpus,
            launcher=launcher,
            workers=workers,
            address=address,
        )
        return Study(record)


def extend_study(
    name: str,
    *,
    trials: int | None = None,
    hours: float | None = None,
    storage: str | None = None,
    progress: bool = True,
    accept_changes: bool = False,
    address: str | None = None,
) -> Study:
    """Give a study more trials or hours and go on with it, as ``start_study`` does.

    Args:
        name: of a stored study, finished or not.
        trials: training runs in all, those included that were made; at most 50. [default: as planned]
        hours: active time in all, at most 3. [default: as planned]
        storage: database URL. [default: sqlite in the data folder, see BARDTUNE_HOME]
        progress: tell what happens.
        accept_changes: go on although library versions or the processor have changed.
        address: of a cluster, for the launcher "ray". [default: the one that runs here, or a new one]

    Raises:
        UserError: that is not more than it has, no such study, it is running, or what its trials depend on has changed.
    """
    began = awake_s()
    with _as_a_library():
        record = session.extend_study(
            _url(storage),
            name,
            _view(progress),
            began=began,
            trials=trials,
            hours=hours,
            accept_changes=accept_changes,
            address=address,
        )
        return Study(record)


def _url(given: str | None) -> str:
    return data_home().storage_url if given is None else given


def _view(progress: bool) -> View:
    """What the command line shows; in a notebook lines and bars."""
    if not progress:
        return LineView(Console(quiet=True))
    console = screen()
    if console.is_jupyter:
        from IPython.display import display

        return NotebookView(display)
    return make_view(console)


class _QuietOptuna:
    """Keeps Optuna's log lines back while anybody is inside, and leaves its verbosity as it was found."""

    def __init__(self) -> None:
        self.lock, self.inside, self.before = threading.Lock(), 0, optuna.logging.INFO

    def __enter__(self) -> None:
        with self.lock:
            if not self.inside:
                self.before = optuna.logging.get_verbosity()
                optuna.logging.set_verbosity(optuna.logging.ERROR)
            self.inside += 1

    def __exit__(self, *problem: object) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                optuna.logging.set_verbosity(self.before)


_quiet_optuna = _QuietOptuna()


@contextmanager
def _as_a_library() -> Iterator[None]:
    """Whatever is not a bug of ours is a UserError, and Optuna does not speak to our users."""
    try:
        with _quiet_optuna:
            yield
    except OwnershipLostError as problem:
        raise StudyError(f"{problem}; this process has stopped and left it alone.") from problem
    except (SQLAlchemyError, StorageInternalError) as problem:
        reason = str(problem).strip().split("\n")[0]
        raise StorageError(
            f"the database has failed: {reason}; what it holds is kept, put that right and resume the study."
        ) from problem
