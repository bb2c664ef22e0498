"""Colours and sizes that the interactive and the static pictures share."""

INK = "#1f2933"
MUTED = "#66717e"
GRID = "#e7eaee"
EDGE = "#c3cad2"
PAPER = "#ffffff"

FINISHED = "#225ea8"
PRUNED = "#a9b3bf"
LOST = "#c92a2a"
BEST = "#e8590c"
BASELINE = "#6741d9"
PICKED = "#d6006f"

# ColorBrewer's YlGnBu from its dark end, cut before it gets too light for thin lines: low bpb is dark.
SCALE = ("#081d58", "#253494", "#225ea8", "#1d91c0", "#41b6c4", "#7fcdbb", "#99d6b8")

# Of several studies in one picture: Okabe and Ito's colours, told apart by the colour-blind, the lightest left out.
STUDIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6741d9", "#1f2933")


def node_colour(node: int) -> str:
    """Of a node of a cluster; 0: of none."""
    return STUDIES[(node - 1) % len(STUDIES)] if node else PRUNED


FONTS = "DejaVu Sans, Verdana, Segoe UI, Helvetica, Arial, sans-serif"
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 15, 11, 9.5

PHASE_COLOURS = {"setup": "#56b4e9", "train": FINISHED, "evaluate": "#e69f00", "checkpoint": "#7b3294", "other": PRUNED}
