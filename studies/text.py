"""The text of a study, which may have been moved or changed since."""

from bardtune.data.corpus import Corpus, load_corpus
from bardtune.data.errors import CorpusError
from bardtune.studies.records import StudyRecord


def text_of(record: StudyRecord) -> Corpus:
    """Read it.

    Raises:
        CorpusError: it is not there any more, or no longer what the study was made with.
    """
    moved = f"if it lies elsewhere now: bardtune resume {record.name} --corpus PLACE"
    try:
        corpus = load_corpus(record.plan.corpus)
    except CorpusError as problem:
        if not record.has_own_text:
            raise
        raise CorpusError(
            f"{str(problem).rstrip('.')}; put the text of the study {record.name!r} back; {moved}"
        ) from problem
    if corpus.sha256 != record.corpus["sha256"]:
        raise CorpusError(
            f"the text in {record.plan.corpus} has changed since the study {record.name!r} was made: SHA-256 "
            f"{record.corpus['sha256'][:12]}... then and {corpus.sha256[:12]}... now; put the old text back; {moved}"
        )
    return corpus
