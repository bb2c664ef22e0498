"""What a study and a training script agree on: ``prepare.py``, and what a run of such a script has to say."""

from bardtune.studies.contract.source import prepare_source

__all__ = ["prepare_source"]
