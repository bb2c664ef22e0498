"""One training run: settings, the GPT and its options, optimizers, schedules, ruler, clock, trainer.

``TRAINER_VERSION`` changes when equal settings would train differently; studies of different versions never mix.
"""

TRAINER_VERSION = 1
