"""A real browser without a network: Debian's chromium, driven through selenium."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WANTED = "chromium and chromedriver are not installed (Debian: apt-get install chromium chromium-driver)"


class Browser:
    """A window that opens files, and what went on behind it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, *, width: int = 1600, height: int = 1000) -> None:
        self.driver.set_window_size(width, height)
        self.driver.get(path.as_uri())

    def script(self, code: str, *values: Any) -> Any:
        return self.driver.execute_script(code, *values)

    def wait(self, code: str, seconds: float = 20.0) -> Any:
        """Wait until a JavaScript expression is true, and return it."""
        from selenium.webdriver.support.wait import WebDriverWait

        return WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(
            lambda driver: driver.execute_script(f"return {code}")
        )

    def complaints(self) -> list[str]:
        """Errors on the console since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def asked_for(self) -> list[str]:
        """Addresses of everything that opened files have asked for since it was last asked; the first is the file."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [each["params"] for each in events if each["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in sent if each["documentURL"].startswith("file:")]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    binary, driver_binary = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver_binary is None:
        assert not os.environ.get("CI"), WANTED
        pytest.skip(WANTED)
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install 'bardtune[dev]'")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-unsafe-swiftshader",  # WebGL without a graphics card
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND",  # no network
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_binary))
    yield Browser(driver)
    driver.quit()
