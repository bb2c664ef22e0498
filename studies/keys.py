"""Names under which facts are stored in Optuna's attributes, spelled once."""

RUNS_SUFFIX = ":runs"  # the sibling study that holds every run which is not a search trial

# of a study
PLAN = "plan"
SPACE = "space"
CORPUS = "corpus"
FINGERPRINT = "fingerprint"
STUDY_ID = "study_id"
STOP_REASON = "stop_reason"
CANDIDATES = "candidates"  # numbers of the search trials that are confirmed; the search is over
SETTLED = "settled"  # what the search had still promised when it was ended for that
REACHED = "reached"  # the trial that has reached the target, for which the search was ended
EXTENSIONS = "extensions"  # what it was given beyond its plan, the oldest first
NOTE = "note"  # words of the user's
ADDRESS = "address"  # of the cluster that it used last
IS_MOVED = "is_moved"  # whether its runs have trained in several places, or by several numbers at a time
EARLIER = "earlier"  # studies that this one comes after, and what it has taken from them
FINAL = "final"  # of the winner's and the baseline's runs: bpb on the test part, or why there is none

# of a trial
ROLE = "role"
SETTINGS = "settings"
ENDING = "ending"
REASON = "reason"
STATS = "stats"
CANDIDATE = "candidate"  # number of the search trial that a run confirms
SCRIPT = "script"  # of a training-service run: path, sha256, source, diff, trust
REPEATS = "repeats"  # how often it was run again because its machine was busy


def of_extension(key: str, number: int) -> str:
    """What a key is called after so many extensions: each decides anew what the search has led to."""
    return f"{key}:{number}" if number else key


def runs_name(study_name: str) -> str:
    return study_name + RUNS_SUFFIX
