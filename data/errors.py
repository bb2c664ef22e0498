"""What the user can put right. The command line turns these into one sentence and exit code 2."""


class UserError(Exception):
    """One sentence: what was wrong, what was found, and the way out."""


class CorpusError(UserError):
    """The text cannot be used."""
