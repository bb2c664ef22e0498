"""The process that scores a script's artifact: it reads an order, and prints one JSON line.

Started by ``bardtune.search.scripts.scoring``. A script's model may run code, so this process ends at once with the
one score: what that code prints stands before the line.
"""

import ctypes
import json
import math
import os
import resource
import sys
from pathlib import Path
from typing import Any

from bardtune.data.errors import UserError

MOST_MEMORY_BYTES = 8 << 30
MOST_FILE_BYTES = 64 << 20  # that it may write to any one file
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # see unshare(2)


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    leave_the_network()
    limit(resource.RLIMIT_DATA, MOST_MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, math.ceil(order["limit_s"] * order["threads"]) + 10)
    print("\n" + json.dumps(score(order)))


def leave_the_network() -> None:
    """Have no network from here on, where the kernel lets us (Linux, and what containers leave of it).

    Anybody but root may do so only as long as the process has one thread: before numpy is imported.
    """
    if sys.platform != "linux":
        return
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(CLONE_NEWNET) != 0:  # only root may do that by itself
        unshare(CLONE_NEWUSER | CLONE_NEWNET)


def limit(what: int, most: int) -> None:
    """Set a limit of this process; one that is lower stays."""
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def score(order: dict[str, Any]) -> dict[str, Any]:
    """Score as ordered; returns val_bpb, problem or illegal, as of ``bardtune.studies.contract.run_end.Check``.

    Args:
        order: kind, path, settings, corpus, corpus_sha256, threads, limit_s.
    """
    from bardtune.data.corpus import load_corpus

    try:
        corpus = load_corpus(order["corpus"])
    except UserError as problem:
        return {"problem": str(problem).rstrip(".")}
    if corpus.sha256 != order["corpus_sha256"]:
        return {"problem": "the corpus has changed since the script began"}
    limit(resource.RLIMIT_FSIZE, MOST_FILE_BYTES)  # a long text may have been joined in a file
    import torch

    from bardtune.model.measure.external import score_model, score_weights
    from bardtune.model.measure.legality import IllegalModelError

    torch.set_num_threads(order["threads"])
    try:
        path = Path(order["path"])
        if order["kind"] == "weights":
            return {"val_bpb": score_weights(path, order["settings"], corpus)}
        return {"val_bpb": score_model(path, corpus)}
    except IllegalModelError as problem:
        return {"illegal": str(problem)}
    except UserError as problem:
        return {"problem": str(problem).rstrip(".")}
    except Exception as problem:  # a file that is no good may raise anything; its script is not to fail for it
        if isinstance(problem, MemoryError) or "allocate memory" in str(problem):
            return {"problem": "scoring it takes more memory than there is (at most 8 GB)"}
        return {"problem": f"{type(problem).__name__}: {problem}"}


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # and runs nothing that the model's code has left to be run at exit
