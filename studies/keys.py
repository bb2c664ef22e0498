"""Names under which facts are stored in Optuna's attributes, spelled once."""

RUNS_SUFFIX = ":runs"  # the sibling study that holds every run which is not a search trial

# of a study
PLAN = "plan"
SPACE = "space"
CORPUS = "corpus"
FINGERPRINT = "fingerprint"
STUDY_ID = "study_id"
STOP_REASON = "stop_reason"

# of a trial
ROLE = "role"
SETTINGS = "settings"
ENDING = "ending"
REASON = "reason"
STATS = "stats"


def runs_name(study_name: str) -> str:
    return study_name + RUNS_SUFFIX
