"""What can be set, read from the settings themselves: tests that go through it cover an option that is added."""

from bardtune.model.settings import SETTINGS, Choice, Number, Switch

NUMBERS: dict[str, Number] = {name: each for name, each in SETTINGS.items() if isinstance(each, Number)}
CHOICES: dict[str, tuple[str, ...]] = {name: each.names for name, each in SETTINGS.items() if isinstance(each, Choice)}
SWITCHES: list[str] = [name for name, each in SETTINGS.items() if isinstance(each, Switch)]
