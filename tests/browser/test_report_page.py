"""The report in a real browser: it opens quietly and alone, its axes can be brushed and its table sorted."""

from typing import Any

import pytest
from study_records import planted_record

from studies.plots import KINDS
from studies.report import report_html

BRUSHED = "learning_rate"
PARCOORDS = "document.getElementById('plot-parallel')"
# Pixels with a line on the canvas of the lines that the brushes have left.
INK = """
const canvas = [...document.querySelectorAll('#plot-parallel canvas')].find((each) => each.className.includes('focus'));
const copy = document.createElement('canvas');
[copy.width, copy.height] = [canvas.width, canvas.height];
const context = copy.getContext('2d');
context.drawImage(canvas, 0, 0);
const pixels = context.getImageData(0, 0, copy.width, copy.height).data;
let inked = 0;
for (let place = 3; place < pixels.length; place += 4) inked += pixels[place] > 0;
return inked;
"""


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The browser with the report of 50 trials, opened once: the tests go on where the one before has left it."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_html(planted_record(50), sample="Enter a GHOST."), encoding="utf-8")
    browser.open(path)
    return browser


def trials(browser: Any) -> list[str]:
    return list(
        browser.script("return [...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent)")
    )


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


def brush(browser: Any) -> None:
    """Drag along the middle of the brushed axis, as a hand would."""
    from selenium.webdriver import ActionChains

    browser.script(f"{PARCOORDS}.scrollIntoView({{block: 'center'}})")
    browser.wait("document.querySelectorAll('#plot-parallel .axis-brush').length > 0")
    index = browser.script(
        f"return {PARCOORDS}.data.find((each) => each.type === 'parcoords').dimensions"
        ".findIndex((each) => each.label === arguments[0])",
        BRUSHED,
    )
    axis = browser.script("return document.querySelectorAll('#plot-parallel .axis-brush')[arguments[0]]", index)
    quarter = int(axis.rect["height"]) // 4
    actions = ActionChains(browser.driver, duration=30).move_to_element_with_offset(axis, 0, quarter)
    actions.click_and_hold().move_by_offset(0, -quarter).move_by_offset(0, -quarter).release().perform()


def test_brushing_an_axis_leaves_fewer_lines(opened: Any) -> None:
    opened.script(f"{PARCOORDS}.scrollIntoView({{block: 'center'}})")
    opened.wait("document.querySelectorAll('#plot-parallel .axis-brush').length > 0")
    before = opened.wait(f"(() => {{{INK}}})()")
    brush(opened)
    selected = opened.wait(
        f"{PARCOORDS}.data.find((each) => each.type === 'parcoords').dimensions"
        f".find((each) => each.label === '{BRUSHED}').constraintrange"
    )
    values = opened.script(
        f"return Array.from({PARCOORDS}._fullData.find((each) => each.type === 'parcoords').dimensions"
        f".find((each) => each.label === '{BRUSHED}').values)"
    )
    low, high = selected
    highlighted = [value for value in values if low <= value <= high]
    assert 0 < len(highlighted) < len(values)
    assert 0 < opened.script(INK) < 0.9 * before


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
