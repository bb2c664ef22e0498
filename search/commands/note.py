"""What ``bardtune note`` does and prints."""

from bardtune.search.commands.shared import quiet_libraries, say_next, storage_url
from bardtune.studies import keys
from bardtune.studies.errors import PlanError
from bardtune.studies.store.reading import load
from bardtune.studies.store.storage import Storage

MOST_CHARS = 2_000


def note_command(name: str, text: str, storage: str | None) -> int:
    """One row of the database, which no coordinator writes: nobody is disturbed."""
    if len(text) > MOST_CHARS:
        raise PlanError(f"a note has at most {MOST_CHARS:,} characters, and this one has {len(text):,}; shorten it.")
    quiet_libraries()
    load(Storage(storage_url(storage), create=False), name).set_user_attr(keys.NOTE, text.strip())
    print(f"the note of {name} is {'kept' if text.strip() else 'gone'}.")
    say_next(f"show {name}", storage=storage)
    return 0
