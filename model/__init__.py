"""One training run: settings, the GPT and its options, optimizers, schedules, ruler, clock, trainer."""

TRAINER_VERSION = 8  # raise it when equal settings would train differently; studies of different versions never mix
METRIC_VERSION = 1  # raise it when any number of the ruler could change; old studies then stop comparing
