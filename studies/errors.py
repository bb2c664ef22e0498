"""Errors about plans and stored studies that the user can put right."""

from bardtune.data.errors import UserError


class StorageError(UserError):
    """The database cannot be opened, read or written."""


class StudyError(UserError):
    """The study is not there, is taken, or does not fit."""


class PlanError(UserError):
    """A plan that no study could follow."""
