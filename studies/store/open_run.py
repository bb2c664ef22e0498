"""A run in progress, as its coordinator holds it."""

from dataclasses import dataclass
from typing import Any

from optuna.trial import Trial

from bardtune.studies import keys
from bardtune.studies.records import Role, make_label, make_run_id


@dataclass(slots=True)
class OpenRun:
    """A run that has been asked for and not yet told."""

    optuna_trial: Trial
    role: Role
    bpbs: dict[int, float]  # by the percent of the budget at which they were measured
    repeats: int = 0  # how often it was trained before

    @property
    def number(self) -> int:
        return self.optuna_trial.number

    @property
    def trial_id(self) -> int:
        """Optuna's own, unique in the database."""
        return self.optuna_trial._trial_id

    @property
    def run_id(self) -> str:
        return make_run_id(self.role, self.number)

    @property
    def label(self) -> str:
        return make_label(self.role, self.number)

    @property
    def candidate(self) -> int | None:
        """Number of the search trial that this run confirms."""
        number: int | None = self.optuna_trial.user_attrs.get(keys.CANDIDATE)
        return number

    @property
    def settings(self) -> dict[str, Any] | None:
        """As stored when the run first began; None if it has not."""
        stored: dict[str, Any] | None = self.optuna_trial.user_attrs.get(keys.SETTINGS)
        return stored

    @property
    def curve(self) -> list[tuple[int, float]]:
        """What has been noted on the way, by percent of the budget."""
        return [(percent, self.bpbs[percent]) for percent in sorted(self.bpbs)]

    def report(self, percent: int, val_bpb: float) -> None:
        """Note a bpb on the way, once for each percent: a continued run may pass one again."""
        if percent not in self.bpbs:
            if self.repeats:  # Trial.report would keep the value of the first time
                self.optuna_trial.storage.set_trial_intermediate_value(self.trial_id, percent, val_bpb)
                self.optuna_trial = Trial(self.optuna_trial.study, self.trial_id)
            else:
                self.optuna_trial.report(val_bpb, step=percent)
            self.bpbs[percent] = val_bpb


def open_run(optuna_trial: Trial, role: Role) -> OpenRun:
    """Take a trial that is running now in hand."""
    frozen = optuna_trial.study.get_trials(deepcopy=False)[optuna_trial.number]
    repeats = frozen.user_attrs.get(keys.REPEATS, 0)
    return OpenRun(optuna_trial, role, {} if repeats else dict(frozen.intermediate_values), repeats)
