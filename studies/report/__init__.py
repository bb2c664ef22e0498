"""One page about a study, to send to somebody.

``facts`` says what stands on it, ``command`` how the winner is trained again, ``privacy`` what is taken out of texts,
and ``make`` puts it together with ``page.html``, ``page.css`` and ``page.js``.
"""

from bardtune.studies.report.make import Sample, report_html

__all__ = ["Sample", "report_html"]
