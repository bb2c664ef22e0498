"""Errors that the user can put right: the command line turns them into one sentence and exit code 2."""


class UserError(Exception):
    """One sentence: what was wrong, what was found, and the way out."""


class CorpusError(UserError):
    """The text cannot be used."""
