"""The words in a picture."""

import pytest

from bardtune.studies.records import StudyRecord
from support.study_records import PARAMETERS, planted_record
from support.views import view_of_record


@pytest.fixture(scope="module")
def record() -> StudyRecord:
    return planted_record(30)


def test_hover_text_is_short_and_tells_no_path(record: StudyRecord) -> None:
    for items in (
        view_of_record(record, "history").dots,
        view_of_record(record, "curves").curves,
        view_of_record(record, "parallel").lines,
    ):
        for item in items:
            assert item.hover[0].startswith("trial ")
            assert len(item.hover) <= 2 + len(PARAMETERS)
            assert not any("/" in line or "host" in line for line in item.hover)
