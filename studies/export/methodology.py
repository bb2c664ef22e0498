"""``methodology``: what was done and found, in Markdown, told from the log and from nothing else.

Equal logs, equal text: who changes a number in one of the two is contradicted by the other.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bardtune.studies.analysis.phrases import bpb_text, earlier_text, extended_text
from bardtune.studies.analysis.verdict_phrases import phrases_of, sentences

_ROLES = {"baseline": "baseline", "confirmation": "confirmation", "search": "search"}


def methodology(log: dict[str, Any]) -> str:
    """Return the text, with a line break at its end."""
    sections = [_rule(log), _phases(log), _result(log), _best_settings(log), _mattered(log), _failed(log), _runs(log)]
    return "\n\n".join(["\n".join(section) for section in map(list, sections) if section]) + "\n"


def _rule(log: dict[str, Any]) -> Iterator[str]:
    plan, corpus, versions = log["plan"], log["corpus"], log["fingerprint"]
    yield f"# How the study {log['study']} was made"
    yield ""
    if note := log.get("note"):  # logs of older versions have none
        yield from (f"> {line}".rstrip() for line in note.splitlines())
        yield ""
    yield "## Rule"
    yield ""
    yield (
        f"At most {plan['trials']} training runs of every kind and {plan['hours']:g} hours; {plan['seconds']:g} s of "
        f"training for each on {plan['threads']} CPU thread{'s' * (plan['threads'] != 1)}, {plan['workers']} at a time."
    )
    yield (
        "Evaluation, start-up and checkpoints are not charged; counting the text, where a model does it, is. The aim "
        "is the lowest bits per byte (bpb) on the validation part of the text."
    )
    yield ""
    yield (
        f"Text: {corpus['name']}, {corpus['bytes']:,} bytes, SHA-256 `{corpus['sha256']}`. The first 90 % are trained "
        "on, the next 5 % are for validation, the last 5 % are the test part."
    )
    known = [f"{name} {versions[name]}" for name in ("torch", "numpy", "optuna") if name in versions]
    yield f"Processor: {log['winner']['cpu'] or 'not recorded'}. Versions: {', '.join(known) or 'not recorded'}."


def _phases(log: dict[str, Any]) -> Iterator[str]:
    plan, counts = log["plan"], log["counts"]
    made = {role: [run for run in log["runs"] if run["role"] == role] for role in _ROLES}
    yield "## Phases"
    yield ""
    if made["baseline"]:
        yield f"* Baseline: the reference recipe of a published manual search, {_runs_text(len(made['baseline']))}."
    yield (
        f"* Search: {_runs_text(len(made['search']))}, drawn by the sampler {plan['sampler']} (seed {plan['seed']}) "
        f"from the search space {plan['space']}, pruner {plan['pruner']}: {_endings(made['search'])}. The first trial "
        "is the best point known before."
    )
    if earlier := earlier_text([tuple(each) for each in log.get("after", ())]):  # logs of older versions have none
        yield f"* It came {earlier}: winners were tried first, and runs informed the search."
    if made["confirmation"]:
        yield (
            f"* Confirmation: {_runs_text(len(made['confirmation']))} of the best trials again, by turns and with "
            "fresh seeds. The best are chosen by a posterior mean and not by their luckiest value."
        )
    why = {
        "trials": "all runs were made",
        "hours": "the hours were over",
        "settled": "nothing more was to be gained",
        "target": "a trial had reached what was wanted",
        "user": "it was stopped",
    }
    stop = why.get(log["stop_reason"] or "", "it is not finished")
    yield f"* End: {stop}; {counts['total']} of {counts['planned']} runs, {log['seconds_used'] / 60:.1f} minutes."
    if extended := extended_text(log.get("extended_at", ())):  # logs of older versions have none
        yield f"* {extended.capitalize()}."


def _result(log: dict[str, Any]) -> Iterator[str]:
    verdict, winner = log["verdict"], log["winner"]
    best, base = verdict["best"], verdict["baseline"]
    yield "## Result"
    yield ""
    yield "| | validation bpb | n | sd | test bpb |"
    yield "| --- | --- | --- | --- | --- |"
    if best["confirmed"]:
        yield _row(f"winner, trial {best['trial']}, confirmed", best["confirmed"], best["test_bpb"])
    else:
        single = {"n": 1, "mean": best["val_bpb"], "sd": None}
        yield _row(f"best, trial {best['trial']}, not confirmed", single, best["test_bpb"])
    if base["confirmed"]:
        yield _row("baseline", base["confirmed"], base["test_bpb"])
    raw = verdict["raw_best"]
    yield f"| lowest single run of the search, trial {raw['trial']} | {bpb_text(raw['val_bpb'])} | 1 | | |"
    yield ""
    yield (
        f"The weights are those of {winner['label']}: {winner['val_bpb']:.6f} bpb after {winner['total_steps']:,} "
        "steps."
    )
    yield ""
    phrases = phrases_of(verdict)
    yield from sentences(phrases)
    if phrases.test_score is None:
        yield "The test part has not been scored."


def _best_settings(log: dict[str, Any]) -> Iterator[str]:
    searched = {each["name"] for each in log["parameters"]}
    yield "## Best configuration"
    yield ""
    yield "| setting | value | searched |"
    yield "| --- | --- | --- |"
    for name, value in log["winner"]["settings"].items():
        yield f"| {name} | {value} | {'yes' if name in searched else ''} |"


def _mattered(log: dict[str, Any]) -> Iterator[str]:
    found = log["importance"]
    yield "## What mattered"
    yield ""
    if found["reason"]:
        yield found["reason"]
    else:
        yield f"Share of each parameter in what tells the best trials from all: {found['summary']}."
        yield ""
        yield "| parameter | share | 80 % of resampled trials |"
        yield "| --- | --- | --- |"
        for share in found["shares"]:
            yield f"| {share['name']} | {share['mean']:.0%} | {share['low']:.0%} to {share['high']:.0%} |"
    for kind, why in (("conditional", "not set in every trial"), ("constant", "one value in all trials")):
        if found[kind]:
            yield ""
            yield f"Left out, {why}: {', '.join(found[kind])}."


def _failed(log: dict[str, Any]) -> Iterator[str]:
    base = log["verdict"]["baseline"]["val_bpb"]
    search = [run for run in log["runs"] if run["role"] == "search"]
    worse = [run for run in search if base is not None and run["val_bpb"] is not None and run["val_bpb"] > base]
    kinds = (
        ("Diverged: the loss stopped being a number", [run for run in search if run["ending"] == "diverged"]),
        ("Worse than the baseline", [run for run in worse if run["ending"] != "diverged"]),
        ("Crashed", [run for run in search if run["ending"] == "crashed"]),
        ("Pruned: others were better at the same part of the budget", [r for r in search if r["ending"] == "pruned"]),
    )
    yield "## Tried without success"
    if not any(runs for _, runs in kinds):
        yield ""
        yield "No trial of the search was pruned, diverged, crashed or ended worse than the baseline."
    for title, runs in kinds:
        if runs:
            yield ""
            yield f"{title}:"
            yield ""
            for run in runs:
                settings = ", ".join(f"{name} {_value(value)}" for name, value in run["params"].items())
                reason = f" ({run['reason']})" if run["ending"] == "pruned" and run["reason"] else ""
                yield f"* trial {run['number']}, {bpb_text(_last_bpb(run))} bpb: {settings}{reason}"


def _runs(log: dict[str, Any]) -> Iterator[str]:
    names = [each["name"] for each in log["parameters"]]
    yield "## All runs"
    yield ""
    yield f"| run | ending | bpb | steps | {' | '.join(names)} | seed | |"
    yield "|" + " --- |" * (len(names) + 6)
    for run in log["runs"]:
        values = [_value(run["settings"].get(name)) for name in names]
        notes = [f"trial {run['candidate']} again"] if run["candidate"] is not None else []
        notes += ["starved: the machine was busy"] if run["starved"] else []
        notes += [f"repeated {run['repeats']} times"] if run["repeats"] else []
        last = _last_bpb(run)
        bpb = bpb_text(last) + (" on the way" if run["val_bpb"] is None and last is not None else "")
        steps = "-" if run["steps"] is None else f"{run['steps']:,}"
        cells = [run["label"], run["ending"] or run["state"], bpb, steps, *values, str(run["seed"]), ", ".join(notes)]
        yield f"| {' | '.join(cells)} |"


def _row(label: str, seeds: dict[str, Any], test_bpb: float | None) -> str:
    numbers = (bpb_text(seeds["mean"]), seeds["n"], bpb_text(seeds["sd"]), bpb_text(test_bpb))
    return f"| {label} | {' | '.join(map(str, numbers))} |"


def _runs_text(number: int) -> str:
    return f"{number} run{'s' * (number != 1)}"


def _endings(runs: Sequence[dict[str, Any]]) -> str:
    endings = [str(run["ending"] or run["state"]) for run in runs]
    return ", ".join(f"{endings.count(ending)} {ending}" for ending in dict.fromkeys(endings)) or "none"


def _last_bpb(run: dict[str, Any]) -> float | None:
    if run["val_bpb"] is not None:
        return float(run["val_bpb"])
    return float(run["intermediate_values"][-1][1]) if run["intermediate_values"] else None


def _value(value: Any) -> str:
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
