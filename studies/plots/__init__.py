"""Pictures of a study.

``registry`` names the kinds. A file of ``views`` says what a picture shows, as plain data; files of ``plotly`` and
``matplotlib`` draw it; ``write`` makes the files.
"""
