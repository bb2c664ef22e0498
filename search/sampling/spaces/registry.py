"""The built-in search spaces: each TOML file of this folder is one, and its first line is a comment that says which."""

from importlib import resources

from bardtune.studies.plan import PLAN_DEFAULTS

_FOLDER = resources.files("bardtune.search.sampling.spaces")


def space_names() -> tuple[str, ...]:
    """The names of the files, the default first."""
    names = [file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")]
    return tuple(sorted(names, key=lambda name: (name != PLAN_DEFAULTS["space"], name)))


def space_text(name: str) -> str:
    """The TOML of a built-in space."""
    return _FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8")


def space_rows() -> list[tuple[str, str]]:
    """Each name with its summary, as those of a registry."""
    return [(name, space_text(name).partition("\n")[0].lstrip("# ")) for name in space_names()]
