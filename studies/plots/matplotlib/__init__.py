"""Pictures as PNG and SVG: a file for each shape of a view. They are drawn on no screen."""

import os
import sys

try:
    import matplotlib
except ValueError:  # MPLBACKEND names a screen that is not installed here, and none is needed
    _backend = os.environ.pop("MPLBACKEND")
    for _name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[_name]  # half loaded
    import matplotlib

    os.environ["MPLBACKEND"] = _backend

__all__ = ["matplotlib"]
