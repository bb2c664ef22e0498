"""Writes program text to train on: Python modules of the standard library of the Python that runs this, in one file.

    python -m benchmarks.search.program_text program.txt

The text is under the licence of the Python Software Foundation. Its SHA-256 names the version.
"""

import hashlib
import platform
import sys
import sysconfig
from pathlib import Path

PACKAGES = ("asyncio", "collections", "concurrent", "email", "html", "http", "importlib", "json", "logging")
PACKAGES += ("multiprocessing", "urllib", "wsgiref", "xml", "zoneinfo")


def program_text() -> bytes:
    """The packages' modules, by their paths."""
    library = Path(sysconfig.get_paths()["stdlib"])
    files = (file for package in PACKAGES for file in sorted((library / package).rglob("*.py")))
    return b"".join(file.read_bytes() for file in files)


def main() -> int:
    if len(sys.argv) != 2:
        print("program_text: name the file to write, such as program.txt.", file=sys.stderr)
        return 2
    text = program_text()
    Path(sys.argv[1]).write_bytes(text)
    print(f"{len(text):,} bytes of Python {platform.python_version()}, SHA-256 {hashlib.sha256(text).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
