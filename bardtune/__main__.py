"""``bardtune``, and ``python -m bardtune``: the command line, which answers Ctrl-C from its first moment on."""

import os
import signal


def run() -> None:
    """The console script."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with it ignored
    try:
        from bardtune.search.cli.app import entry

        entry()
    except KeyboardInterrupt:  # while it was being loaded, or had ended already
        os.write(2, b"bardtune: interrupted\n")
        os._exit(130)


if __name__ == "__main__":
    run()
