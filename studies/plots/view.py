"""What every view has: the words around its picture."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What stands around a picture."""

    title: str
    subtitle: str  # corpus, number of trials, budget
    note: str = ""  # how to read the picture
    sentence: str | None = None  # said in place of the picture when there is nothing to draw


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a picture shows, as plain data drawn alike by every library; this one shows a sentence and no more."""

    frame: Frame
