"""The report in a real browser: it opens quietly and alone, its axes can be brushed and its table sorted."""

from pathlib import Path
from typing import Any

import pytest

from bardtune.studies.plots.plotly.page import page
from bardtune.studies.plots.registry import KINDS
from bardtune.studies.report import Sample, report_html
from support.study_records import planted_record
from support.views import view_of_record

BRUSHED = "learning_rate"
PLOT = "document.querySelector('.plot#plot-parallel')"
LINES = f"{PLOT}.data[0]"
AXIS = f"{LINES}.dimensions.find((each) => each.label === '{BRUSHED}')"
SELECTED = f"{LINES}.dimensions.flatMap((each) => each.constraintrange ?? [])"
# Pixels with a line on the canvas of the lines that the brushes have left.
INKED = """
const canvas = [...document.querySelectorAll('#plot-parallel canvas')].find((each) => each.className.includes('focus'));
const copy = document.createElement('canvas');
[copy.width, copy.height] = [canvas.width, canvas.height];
const context = copy.getContext('2d');
context.drawImage(canvas, 0, 0);
const pixels = context.getImageData(0, 0, copy.width, copy.height).data;
"""
INK = f"""{INKED}
let inked = 0;
for (let place = 3; place < pixels.length; place += 4) inked += pixels[place] > 0;
return inked;
"""
# Where in the window the first inked pixel of a line is, looking from the upper left of the middle of the first gap.
TOUCH = f"""{INKED}
const box = canvas.getBoundingClientRect();
const column = Math.round(canvas.width / 16);
for (let row = 20; row < canvas.height; row++) {{
  if (pixels[4 * (row * canvas.width + column) + 3] > 200) {{
    return [box.left + column * box.width / canvas.width, box.top + row * box.height / canvas.height];
  }}
}}
return null;
"""


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The browser with the report of 50 trials, opened once: the tests go on where the one before has left it."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    sample = Sample(text="Enter a GHOST.", note="14 bytes")
    path.write_text(report_html(planted_record(50), sample=sample), encoding="utf-8")
    browser.open(path)
    return browser


def trials(browser: Any) -> list[str]:
    return list(
        browser.script("return [...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent)")
    )


def shown_runs(browser: Any) -> list[str]:
    rows = "[...document.querySelectorAll('tbody tr')].filter((row) => row.checkVisibility())"
    return sorted(browser.script(f"return {rows}.map((row) => row.dataset.run)"))


def told(browser: Any) -> str:
    said = "document.getElementById('left')"
    return str(browser.script(f"return {said}.hidden ? '' : {said}.innerText"))


def column(browser: Any, heading: str) -> list[str]:
    return list(
        browser.script(
            "const head = [...document.querySelectorAll('th')].findIndex((each) => each.textContent === arguments[0]);"
            "return [...document.querySelectorAll('tbody tr')].map((row) => row.cells[head].textContent)",
            heading,
        )
    )


def test_it_opens_within_two_seconds_without_errors_and_without_a_network(opened: Any) -> None:
    loaded_ms = opened.wait("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert loaded_ms < 2_000
    for kind in KINDS:  # each is drawn when it is looked at
        opened.script(f"document.getElementById('{kind}').scrollIntoView()")
        opened.wait(f"document.querySelector('#plot-{kind} .main-svg, #{kind} .sentence') !== null")
    assert opened.script("return document.querySelectorAll('.no-webgl').length") == 0
    assert opened.complaints() == []
    asked = opened.asked_for()
    assert asked
    assert {address.split(":")[0] for address in asked} <= {"file", "data", "blob"}


def look_at_the_axes(browser: Any) -> None:
    browser.script(f"{PLOT}.scrollIntoView({{block: 'center'}})")
    browser.wait("document.querySelectorAll('#plot-parallel .axis-brush').length > 0")


def drag(browser: Any, *, down_from: float, down_to: float) -> None:
    """Drag along the brushed axis, as a hand would; a click if both ends are the same.

    Args:
        down_from, down_to: 0 at the top of the axis, 1 at its bottom.
    """
    from selenium.webdriver import ActionChains

    look_at_the_axes(browser)
    index = browser.script(f"return {LINES}.dimensions.indexOf({AXIS})")
    axis = browser.script("return document.querySelectorAll('#plot-parallel .axis-brush')[arguments[0]]", index)
    height = int(axis.rect["height"])
    places = [round((part - 0.5) * height) for part in (down_from, down_to)]
    half = (places[1] - places[0]) // 2
    actions = ActionChains(browser.driver, duration=30).move_to_element_with_offset(axis, 0, places[0])
    actions.click_and_hold()
    if half:
        actions.move_by_offset(0, half).move_by_offset(0, half)
    actions.release().perform()


def test_brushing_an_axis_leaves_fewer_lines_and_only_their_rows(opened: Any) -> None:
    look_at_the_axes(opened)
    before = opened.wait(f"(() => {{{INK}}})()")
    drag(opened, down_from=0.75, down_to=0.25)
    low, high = opened.wait(f"{AXIS}.constraintrange")
    ids, values = opened.script(f"return [{LINES}.ids, Array.from({AXIS}.values)]")
    highlighted = sorted(run for run, value in zip(ids, values, strict=True) if low <= value <= high)
    assert 0 < len(highlighted) < len(values)
    assert 0 < opened.script(INK) < 0.9 * before
    assert shown_runs(opened) == highlighted
    assert told(opened).startswith(f"{len(highlighted)} of 51 runs are left")


def test_a_selection_ends_nearly_where_the_hand_stops_and_a_click_takes_it_away(opened: Any) -> None:
    drag(opened, down_from=0.2, down_to=0.2)
    opened.wait(f"{SELECTED}.length === 0")
    drag(opened, down_from=0.5, down_to=0.44)  # no labelled tick is between them
    low, high = opened.wait(f"{AXIS}.constraintrange")
    bottom, top = opened.script(f"return {AXIS}.range")
    assert (low - bottom) / (top - bottom) == pytest.approx(0.5, abs=0.02)
    assert (high - bottom) / (top - bottom) == pytest.approx(0.56, abs=0.02)
    drag(opened, down_from=0.2, down_to=0.2)
    opened.wait(f"{SELECTED}.length === 0")
    assert len(shown_runs(opened)) == 51
    assert told(opened) == ""


def press(browser: Any, label: str) -> None:
    """Press a button above the axes."""
    look_at_the_axes(browser)
    buttons = "[...document.querySelectorAll('#plot-parallel .updatemenu-button')]"
    browser.script(f"return {buttons}.find((each) => each.textContent === arguments[0])", label).click()


def test_the_buttons_leave_the_finished_or_the_best_lines_and_their_rows(opened: Any) -> None:
    record = planted_record(50)
    finished = sorted(
        (trial for trial in record.search_runs if trial.val_bpb is not None), key=lambda t: t.val_bpb or 0.0
    )
    inks = []
    for label, left in (("finished only", finished), ("best 10", finished[:10]), ("best 5", finished[:5])):
        press(opened, label)
        opened.wait(f"{LINES}.ids.length === {len(left)}")
        assert opened.script(f"return [{LINES}.line.color.length, {AXIS}.values.length]") == [len(left)] * 2
        assert shown_runs(opened) == sorted(trial.run_id for trial in left)
        inks.append(opened.script(INK))
    assert sorted(inks, reverse=True) == inks
    assert inks[-1] > 0
    press(opened, "all trials")
    opened.wait(f"{LINES}.ids.length > {len(finished)}")
    assert len(shown_runs(opened)) == 51


def test_a_pressed_run_is_picked_out_and_all_come_back(opened: Any) -> None:
    look_at_the_axes(opened)
    colours = opened.script(f"return {LINES}.line.color")
    opened.script("return document.querySelector('tr[data-run=search-0002] button')").click()
    strong, faint = opened.script(f"return [{LINES}.meta.picked, {LINES}.meta.faint]")
    opened.wait(f"{LINES}.line.color.includes({strong})")
    ids, painted = opened.script(f"return [{LINES}.ids, {LINES}.line.color]")
    assert dict(zip(ids, painted, strict=True)) == {run: strong if run == "search-0002" else faint for run in ids}
    pressed = "return [...document.querySelectorAll('tr [aria-pressed=true]')].map((each) => each.innerText)"
    assert opened.script(pressed) == ["trial 2"]
    opened.script("return document.querySelector('#left button')").click()
    opened.wait(f"!{LINES}.line.color.includes({strong})")
    assert opened.script(f"return {LINES}.line.color") == colours
    assert opened.script(pressed) == []
    assert opened.complaints() == []


def test_a_line_under_the_mouse_says_its_settings_and_is_picked_by_a_click(opened: Any) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    look_at_the_axes(opened)
    x, y = opened.script(TOUCH)
    for below in (0, 1, -1, 2, -2):  # a line is thin, and where it lies between two pixels the browser decides
        mouse = ActionBuilder(opened.driver, duration=30)
        mouse.pointer_action.move_to_location(round(x) - 1, round(y) + below)
        mouse.pointer_action.move_to_location(round(x), round(y) + below)
        mouse.perform()
        if opened.script("return !document.querySelector('.tip').hidden"):
            break
    opened.wait("!document.querySelector('.tip').hidden")
    head, *lines = opened.script("return document.querySelector('.tip').textContent").split("\n")
    assert any(line.startswith(f"{BRUSHED} ") for line in lines)
    ActionChains(opened.driver).click().perform()
    opened.wait("document.querySelector('tr.picked') !== null")
    assert opened.script("return document.querySelector('tr.picked').cells[0].innerText").startswith(head)
    opened.script("return document.querySelector('#left button')").click()


def test_the_table_sorts_by_mouse_and_by_keyboard(opened: Any) -> None:
    from selenium.webdriver import Keys
    from selenium.webdriver.common.by import By

    heads = {head.text.strip(): head for head in opened.driver.find_elements(By.CSS_SELECTOR, "th button")}
    heads["bpb"].click()
    values = [float(value) for value in column(opened, "bpb") if value]
    assert values == sorted(values)
    assert column(opened, "bpb")[-1] == ""  # those without a bpb stand last, whichever way
    heads["bpb"].send_keys(Keys.ENTER)
    values = [float(value) for value in column(opened, "bpb") if value]
    assert values == sorted(values, reverse=True)
    assert column(opened, "bpb")[-1] == ""
    heads["ended"].click()
    assert column(opened, "ended") == sorted(column(opened, "ended"), key=lambda text: text.split(" at ")[0])
    assert opened.script("return [...document.querySelectorAll('[aria-sort]')].length") == 1
    heads["run"].click()
    assert trials(opened)[:2] == ["baseline", "trial 0"]
    assert opened.complaints() == []


@pytest.mark.parametrize("width", [800, 1600])
def test_the_page_never_scrolls_sideways(opened: Any, width: int) -> None:
    opened.driver.set_window_size(width, 1000)
    wide, inner = opened.script("return [document.documentElement.scrollWidth, innerWidth]")
    assert wide <= inner


def test_the_picture_alone_lists_the_runs_that_are_left(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "parallel.html"
    path.write_text(page(view_of_record(planted_record(50), "parallel")), encoding="utf-8")
    browser.open(path)
    browser.wait("document.querySelector('#left')?.textContent")
    lines = browser.script("return document.querySelector('#picture').data[0].ids.length")
    assert told(browser).startswith(f"All {lines} are left: trial ")
    assert told(browser).endswith(f" and {lines - 12} more.")
    browser.script("Plotly.restyle('picture', {'dimensions[0].constraintrange': [[-0.3, 1.3]]}, [0])")
    browser.wait("document.querySelector('#left').textContent.startsWith('2 of')")
    first, second = (planted_record(50).search_runs[number] for number in (0, 1))
    best = sorted((first, second), key=lambda trial: trial.last_bpb or 0.0)
    listed = ", ".join(f"{trial.label} ({trial.last_bpb:.4f})" for trial in best)
    assert told(browser) == f"2 of {lines} are left: {listed}."
    assert browser.complaints() == []
