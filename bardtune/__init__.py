"""Search of the hyperparameters of a small byte-level GPT that trains on CPU under a wall-clock budget.

The door for notebooks and programs (the command line is ``bardtune --help``)::

    import bardtune

    study = bardtune.start_study("shakes", trials=20, seconds=20)
    study.winner, study.frame(), study.plot("parallel")

Importing this loads no library: what a name needs is imported when the name is first used.
"""

import os
import warnings
from typing import TYPE_CHECKING, Any

# In a checkout the rooms lie beside this folder; where bardtune is installed they are in it.
if not os.path.isdir(os.path.join(__path__[0], "data")):
    __path__.append(os.path.dirname(__path__[0]))

from bardtune.data.errors import UserError

if TYPE_CHECKING:
    from bardtune.search.api.door import (
        BestSettings,
        Comparison,
        Study,
        compare_studies,
        extend_study,
        list_studies,
        load_study,
        resume_study,
        start_study,
    )

    __version__: str

__all__ = [
    "BestSettings",
    "Comparison",
    "Study",
    "UserError",
    "__version__",
    "compare_studies",
    "extend_study",
    "list_studies",
    "load_study",
    "resume_study",
    "start_study",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        return version("bardtune")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook, Optuna's tqdm asks for widgets that nothing here shows
        from bardtune.search.api import door
    globals()[name] = getattr(door, name)  # so that nothing of this is done twice
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
