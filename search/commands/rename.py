"""What ``bardtune rename`` does and prints."""

from bardtune.search.commands.shared import quiet_libraries, say_next, storage_url
from bardtune.studies.store.home import data_home
from bardtune.studies.store.renaming import rename_study
from bardtune.studies.store.storage import Storage


def rename_command(name: str, new_name: str, storage: str | None) -> int:
    quiet_libraries()
    rename_study(Storage(storage_url(storage), create=False), data_home(), name, new_name)
    print(f"the study {name} is called {new_name} now.")
    say_next(f"show {new_name}", storage=storage)
    return 0
