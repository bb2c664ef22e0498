"""Registries: what a plan chooses by name and anybody may add, in a module each.

The module NAME in a registry's folder holds one ``KIND``, and the registry lists the names. Help, the Tab key,
refusals, tables in the documents and tests ask the registry.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Generic, TypeVar

from bardtune.data.errors import UserError
from bardtune.studies.errors import PlanError
from bardtune.studies.plan import PLAN_DEFAULTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What is said of everything in a registry; how it is made is for each registry's own kind."""

    summary: str  # one line, for people who choose
    packages: tuple[str, ...] = ()  # that it imports once a study runs, or that do not come with bardtune


K = TypeVar("K", bound=Kind)


@dataclass(frozen=True, kw_only=True)
class Registry(Generic[K]):
    """Kinds by name; a kind's module is imported when it is asked for."""

    noun: str  # what they are, which is also the plan's field and the option
    package: str  # where their modules are
    names: tuple[str, ...]  # in the order in which they are listed

    @property
    def default(self) -> str:
        """What a plan has that does not say."""
        return str(PLAN_DEFAULTS[self.noun])

    def kind(self, name: str) -> K:
        """Raises PlanError if there is none of that name."""
        if name not in self.names:
            raise PlanError(f"--{self.noun} {name!r} is unknown; choose one of {', '.join(self.names)}.")
        kind: K = import_module(f"{self.package}.{name}").KIND
        return kind

    def check_packages(self, name: str) -> None:
        """Look for what the kind will import; raises UserError, so that it is known before the first run."""
        for package in self.kind(name).packages:
            if find_spec(package) is None:
                raise UserError(
                    f"the {self.noun} {name!r} needs the package {package}; install it with: pip install {package}, "
                    f"or choose --{self.noun} {self.default}."
                )

    def rows(self) -> list[tuple[str, str]]:
        """Each name with its summary: what the Tab key shows, and a table in the documents."""
        return [(name, self.kind(name).summary) for name in self.names]
