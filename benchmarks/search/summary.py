"""What simulated studies say together: means, and differences to the default that are paired by seed.

    python -m benchmarks.search.summary FILE ...

FILE: what ``python -m benchmarks.search --json FILE`` has written, such as one for each world.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from bardtune.data.errors import UserError
from bardtune.data.paths import user_path
from benchmarks.parsing import OneSentenceParser
from benchmarks.search.arms import DEFAULT

RESAMPLES = 2_000
ALL = "all worlds"
Study = dict[str, Any]


def summarize(studies: Sequence[Study], truths: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each world, length and arm, and for all worlds together.

    ``difference`` is the arm's true bpb less the default's, of equal seeds: above 0 the default is better. Its interval
    is a percentile bootstrap, within each family of each world; ``p`` is of Wilcoxon's signed rank test, with Holm's
    correction over the arms of a world.
    """
    best = {(truth["world"], truth["family"]): truth["best_bpb"] for truth in truths}
    noise = {(truth["world"], truth["family"]): truth["noise_sd"] for truth in truths}
    worlds = list(dict.fromkeys(study["world"] for study in studies))
    arms = list(dict.fromkeys(study["arm"] for study in studies))
    rows = []
    for trials in sorted({study["trials"] for study in studies}):
        for world in [*worlds, *([ALL] if len(worlds) > 1 else [])]:
            of_world = [s for s in studies if s["trials"] == trials and world in (s["world"], ALL)]
            group = [_row(world, trials, arm, of_world, best, noise) for arm in arms]
            _holm(group)
            rows += [row for row in group if row["n"]]
    return rows


def _row(
    world: str, trials: int, arm: str, studies: Sequence[Study], best: dict[Any, float], noise: dict[Any, float]
) -> dict[str, Any]:
    own = [study for study in studies if study["arm"] == arm]
    regret = np.array([study["true_bpb"] - best[study["world"], study["family"]] for study in own])
    row: dict[str, Any] = {"world": world, "trials": trials, "arm": arm, "n": len(own)}
    if not own:
        return row

    def mean(name: str) -> float:
        return float(np.mean([study[name] for study in own]))

    known = np.array([noise[study["world"], study["family"]] for study in own])
    row |= {
        "true_bpb": mean("true_bpb"),
        "sd": float(np.std([study["true_bpb"] for study in own], ddof=1)) if len(own) > 1 else None,
        "regret": float(regret.mean()),
        "regret_drawn": float(regret.mean()) - mean("true_bpb") + mean("drawn_bpb"),
        "within_2_noise_sd": float(np.mean(regret < 2 * known)),
        "optimism": mean("said_bpb") - mean("true_bpb"),
        "minutes": mean("minutes"),
        "minutes_saved": mean("minutes_saved"),
        "num_pruned": mean("num_pruned"),
        "num_pruned_good": mean("num_pruned_good"),
        "cpu_s": mean("cpu_s"),
        "difference": None,
        "low": None,
        "high": None,
        "p": None,
    }
    paired = _paired(own, studies)
    everything = np.concatenate(list(paired.values())) if paired else np.array([])
    if arm != DEFAULT and len(everything) > 1:
        row["difference"], row["low"], row["high"] = interval(paired)
        row["p"] = float(wilcoxon(everything).pvalue) if everything.any() else 1.0
    return row


def _paired(own: Sequence[Study], studies: Sequence[Study]) -> dict[tuple[str, str], np.ndarray]:
    """Differences to the default, by world and family."""
    default = {(s["world"], s["family"], s["seed"]): s["true_bpb"] for s in studies if s["arm"] == DEFAULT}
    found: dict[tuple[str, str], list[float]] = {}
    for study in own:
        key = (study["world"], study["family"], study["seed"])
        if key in default:
            found.setdefault(key[:2], []).append(study["true_bpb"] - default[key])
    return {key: np.array(values) for key, values in found.items()}


def interval(paired: dict[tuple[str, str], np.ndarray]) -> tuple[float, float, float]:
    """Mean, and the middle 95 % of the means of resamples; every world and family counts the same."""
    rng = np.random.default_rng(0)
    means = [
        values[rng.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1) for values in paired.values()
    ]
    low, high = np.quantile(np.mean(means, axis=0), [0.025, 0.975])
    return float(np.mean([values.mean() for values in paired.values()])), float(low), float(high)


def _holm(rows: Sequence[dict[str, Any]]) -> None:
    tested = sorted((row for row in rows if row.get("p") is not None), key=lambda row: row["p"])
    largest = 0.0
    for place, row in enumerate(tested):
        largest = max(largest, min(1.0, row["p"] * (len(tested) - place)))
        row["p"] = largest


def table_lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    heads = (
        "world",
        "trials",
        "arm",
        "n",
        "true bpb",
        "sd",
        "regret",
        "drawn",
        "to default",
        "95 %",
        "p",
        "pruned",
        "min",
    )
    widths = (18, 6, 18, 4, 8, 7, 7, 7, 10, 18, 6, 6, 5)

    def line(cells: Sequence[str]) -> str:
        placed = zip(cells, widths, strict=True)
        return "  ".join(f"{cell:{'<' if width > 15 else '>'}{width}}" for cell, width in placed)

    yield line(heads)
    for row in rows:
        differs = row["difference"] is not None
        yield line(
            (
                row["world"],
                str(row["trials"]),
                row["arm"],
                str(row["n"]),
                f"{row['true_bpb']:.4f}",
                "" if row["sd"] is None else f"{row['sd']:.4f}",
                f"{row['regret']:.4f}",
                f"{row['regret_drawn']:.4f}",
                f"{row['difference']:+.4f}" if differs else "",
                f"{row['low']:+.4f} to {row['high']:+.4f}" if differs else "",
                f"{row['p']:.3f}" if differs else "",
                f"{row['num_pruned']:.1f}",
                f"{row['minutes']:.0f}",
            )
        )


def half_lines(studies: Sequence[Study]) -> Iterator[str]:
    """Where the default is in a shorter study, against every other arm in the longest one."""
    lengths = sorted({study["trials"] for study in studies})
    for trials in lengths[:-1]:
        early = [study for study in studies if study["arm"] == DEFAULT and study["trials"] == trials]
        for arm in dict.fromkeys(study["arm"] for study in studies if study["arm"] != DEFAULT):
            late = [study for study in studies if study["arm"] == arm and study["trials"] == lengths[-1]]
            paired = _paired(late, early)
            if paired:
                mean, low, high = interval(paired)
                n = sum(map(len, paired.values()))
                yield (
                    f"{arm} after {lengths[-1]} less {DEFAULT} after {trials}, every world the same: "
                    f"{mean:+.4f} ({low:+.4f} to {high:+.4f}; n={n})"
                )


def read_files(files: Sequence[str]) -> tuple[list[Study], list[dict[str, Any]]]:
    """Studies and surrogates of several comparisons, those of one seed and arm once.

    Raises:
        UserError: a file that cannot be read, or that is none of the benchmark's, or of other code than the first.
    """
    code: str | None = None
    studies: dict[str, Study] = {}
    truths: dict[tuple[str, str], dict[str, Any]] = {}
    for name in files:
        file = user_path(name, "the comparison")
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            if (code := code or found["code"]) != found["code"]:
                raise UserError(f"{file} is of studies that other code has searched than {files[0]}; name one of them.")
            studies |= {study["key"]: study for study in found["studies"]}
            truths |= {(truth["world"], truth["family"]): truth for truth in found["truths"]}
        except OSError as problem:
            raise UserError(f"cannot read the comparison {file}: {problem.strerror}; check the path.") from problem
        except (ValueError, KeyError, TypeError) as problem:
            raise UserError(
                f"{file} is no comparison of python -m benchmarks.search --json; name another."
            ) from problem
    return list(studies.values()), list(truths.values())


def main(argv: Sequence[str] | None = None) -> int:
    parser = OneSentenceParser(prog="python -m benchmarks.search.summary", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="what python -m benchmarks.search --json has written")
    try:
        studies, truths = read_files(parser.parse_args(argv).files)
    except UserError as problem:
        print(f"summary: {problem}", file=sys.stderr)
        return 2
    for line in [*table_lines(summarize(studies, truths)), *half_lines(studies)]:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
