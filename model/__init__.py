"""One training run: settings, the GPT and its options, optimizers, schedules, ruler, clock, trainer.

Most of these modules are also the source of the one file ``train.py`` that ``bardtune export`` writes: every module
that ``contract/program.py`` imports, and all that they import in turn. They are cut at their top-level statements and
joined, so in them

* the top level holds definitions and assertions only;
* nothing of bardtune is imported under a second name, nor as a whole module;
* no two of them define the same top-level name.

``studies/export/sources.py`` does the cutting and names the rule and the file that breaks it;
``tests/studies/test_sources.py`` holds every exported module against the rules.
"""

TRAINER_VERSION = 8  # raise it when equal settings would train differently; studies of different versions never mix
METRIC_VERSION = 1  # raise it when any number of the ruler could change; old studies then stop comparing
