"""What became of a user's script: its ending, its bpb, and how far that can be trusted.

Trust levels, the weakest first. None of them is proof against a script that wants to deceive: it runs as its user, and
could change the ruler in its own process or write into the record. They tell a slip from a measurement.

* self-reported: the script has printed this number, and nothing else speaks for it.
* measured: the last call of ``evaluate_bpb`` in the script's process gave this number. Printing it is not enough.
* checked: the script's artifact was scored outside of its process, with the study's own ruler, and this is its score,
  whatever the script has printed. The number is true of that model; how it was trained is not looked into.
"""

import json
import math
import signal
from dataclasses import dataclass, field, replace
from typing import Any, Literal

StoppedBy = Literal["limit", "user", "somebody"]  # the last: it was stopped from outside and not let go on
Trust = Literal["self-reported", "measured", "checked"]
SAME_BPB = 1e-6  # between what was printed with six decimals and what was measured
SAME_SCORE_BPB = 1e-4  # between what was printed and what was scored elsewhere, where sums are rounded otherwise
LOWEST_BPB, HIGHEST_BPB = 0.1, 16.0  # what no honest model of text is outside of; a blind guess is at 8
OVER_BUDGET_SHARE, OVER_BUDGET_S = 0.05, 1.0  # of its budget, and seconds, that a script may train longer
LINE_CHARS = 200  # of a script's output that are repeated


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildEnd:
    """How a process ended, as it was seen from outside."""

    exit_code: int  # negative: the signal
    stdout: str  # its last part
    stderr: str  # its last part
    wall_s: float
    started: float  # awake_s(), by which notes are too
    pid: int
    stopped: StoppedBy | None = None  # why we have ended it


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptEnd(ChildEnd):
    """How a script's process ended."""

    limit_s: float = 0.0
    notes: tuple[dict[str, Any], ...] = ()  # what prepare noted, in order


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnd:
    """What is stored of a script's run."""

    ending: Literal["finished", "diverged", "crashed", "interrupted"]
    reason: str | None = None
    val_bpb: float | None = None
    trust: Trust | None = None
    stats: dict[str, Any] = field(default_factory=dict)
    output: dict[str, Any] = field(default_factory=dict)  # the JSON line of a finished script
    lowest_bpb: float = LOWEST_BPB


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What came of scoring a script's artifact; one of the first three is there."""

    val_bpb: float | None = None
    problem: str | None = None  # why there is no score
    illegal: str | None = None  # what the model does that no legal model does
    wall_s: float = 0.0


def run_end_of(end: ScriptEnd, *, budget_s: float, lowest_bpb: float = LOWEST_BPB) -> RunEnd:
    """What became of a script's run; its own bpb is believed only as far as ``trust`` says.

    Args:
        end: as its process was seen.
        budget_s: seconds that it should train.
        lowest_bpb: what no honest model of the text is below.
    """
    stats = _timings(end, budget_s)
    if end.stopped == "user":
        return RunEnd(ending="interrupted", reason="stopped by the user", stats=stats)
    if end.stopped == "somebody":
        return RunEnd(ending="interrupted", reason="somebody had stopped its process, which was ended", stats=stats)
    if end.stopped == "limit":
        reason = (
            f"past its outer limit of {end.limit_s:.0f} s (budget, allowance and evaluation); its process was ended"
        )
        return RunEnd(ending="crashed", reason=reason, stats=stats)
    if end.exit_code != 0:
        return RunEnd(ending="crashed", reason=_why_it_failed(end), stats=stats)
    output = json_line(end.stdout)
    own_bpb = _number(output.get("val_bpb")) if output else None
    if output is None or own_bpb is None:
        last = _last_line(end.stdout)
        found = f"it is {last!r}" if last else "there is none"
        reason = f'its last line on standard output is not JSON with a number "val_bpb": {found}'
        return RunEnd(ending="crashed", reason=reason, stats=stats)
    stats |= _counts(output)
    if (unsound := _unsound(own_bpb, "its val_bpb", lowest_bpb)) is not None:
        ending, reason = unsound
        return RunEnd(ending=ending, reason=reason, stats=stats)
    measured = [bpb for note in _own(end, "evaluated") if (bpb := _number(note.get("val_bpb"))) is not None]
    if measured:
        stats["measured_bpb"] = measured[-1]
    same = bool(measured) and abs(measured[-1] - own_bpb) <= SAME_BPB
    trust: Trust = "measured" if same else "self-reported"
    return RunEnd(ending="finished", val_bpb=own_bpb, trust=trust, stats=stats, output=output, lowest_bpb=lowest_bpb)


def with_check(end: RunEnd, check: Check) -> RunEnd:
    """What is stored of a finished script once it is known what its model is worth: our number, not the script's.

    Where there is no score, the script's number stays, with the trust that it had, and the reason says why.
    """
    seconds = end.stats["seconds"]
    stats = {**end.stats, "seconds": {**seconds, "evaluate": seconds["evaluate"] + check.wall_s}}
    if check.problem is not None:
        return replace(end, reason=f"not checked: {check.problem}", stats=stats)
    own_bpb = end.val_bpb
    assert own_bpb is not None
    stats["said_bpb"] = own_bpb
    if check.illegal is not None:
        return RunEnd(ending="crashed", reason=f"the model that it handed back {check.illegal}", stats=stats)
    assert check.val_bpb is not None
    if (unsound := _unsound(check.val_bpb, "the bpb of what it handed back", end.lowest_bpb)) is not None:
        ending, reason = unsound
        return RunEnd(ending=ending, reason=reason, stats=stats)
    differs = abs(check.val_bpb - own_bpb) > SAME_SCORE_BPB
    return replace(
        end,
        val_bpb=check.val_bpb,
        trust="checked",
        reason=f"the script reported {own_bpb:.6f}" if differs else None,
        stats=stats,
    )


def _unsound(bpb: float, name: str, lowest_bpb: float) -> tuple[Literal["diverged", "crashed"], str] | None:
    """The ending and the reason of a run whose bpb no model of text can have; None for a possible one."""
    if not math.isfinite(bpb):
        return "diverged", f"{name} is {bpb}"
    if lowest_bpb <= bpb <= HIGHEST_BPB:
        return None
    side = f"below {lowest_bpb:g}" if bpb < lowest_bpb else f"above {HIGHEST_BPB:g}"
    return "crashed", f"{name} {bpb:g} is {side}, which no sound model of text reaches"


def _why_it_failed(end: ScriptEnd) -> str:
    if end.exit_code < 0:
        number = -end.exit_code
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        memory = "; out of memory?" if number == signal.SIGKILL else ""
        return f"its process was killed ({name}{memory})"
    last = _last_line(end.stderr)
    if last.startswith(("ModuleNotFoundError", "ImportError")):
        return f"import error: {last.partition(': ')[2]}"
    return f"it exited with code {end.exit_code}" + (f": {last}" if last else "")


def json_line(stdout: str) -> dict[str, Any] | None:
    """The object that a process's last line is; None if it is none. Only a line feed ends a line."""
    try:
        value = json.loads(stdout.strip().rpartition("\n")[2] or "null")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return "".join(char if char.isprintable() else "?" for char in lines[-1][:LINE_CHARS]) if lines else ""


def _number(value: object) -> float | None:
    """``value`` as a float, if it is a number of any size."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _counts(output: dict[str, Any]) -> dict[str, Any]:
    """Steps and parameters, where the script gives them as numbers."""
    counts: dict[str, Any] = {}
    for key, name, factor in (("total_steps", "steps", 1), ("num_params_M", "num_params", 1e6)):
        value = _number(output.get(key))
        if value is not None and abs(value) < 1e12:
            counts[name] = round(value * factor)
    return counts


def _own(end: ScriptEnd, event: str) -> list[dict[str, Any]]:
    """What the script's own process noted; its children's notes do not count."""
    return [note for note in end.notes if note.get("event") == event and note.get("pid") == end.pid]


def _timings(end: ScriptEnd, budget_s: float) -> dict[str, Any]:
    """Seconds by phase. Training lasts from the first batch to the beginning of the last evaluation, evaluations
    between them left out; without a batch it begins when prepare was imported, without an evaluation it ends last."""
    finish = end.started + end.wall_s
    began = [note["at"] for note in (*_own(end, "first batch")[:1], *_own(end, "imported")[:1])]
    evaluations = _evaluations(end, finish)
    start = began[0] if began else end.started
    stop = evaluations[-1][0] if evaluations else finish
    between_s = sum(to - since for since, to in evaluations[:-1] if since >= start)
    train_s = max(0.0, stop - start - between_s)
    return {
        "seconds": {
            "setup": start - end.started,
            "train": train_s,
            "evaluate": sum(to - since for since, to in evaluations),
        },
        "wall_s": end.wall_s,
        "over_budget": train_s > budget_s * (1 + OVER_BUDGET_SHARE) + OVER_BUDGET_S,
    }


def _evaluations(end: ScriptEnd, finish: float) -> list[tuple[float, float]]:
    """When each began and ended; the last one may have been cut off."""
    began = [note["at"] for note in _own(end, "evaluation began")]
    ended = [note["at"] for note in _own(end, "evaluated")]
    return [(since, ended[index] if index < len(ended) else finish) for index, since in enumerate(began)]
