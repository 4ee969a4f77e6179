"""Headless Chromium and a served arena for the tests of the page."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
DESKTOP, PHONE = (1440, 900), (360, 740)
PATIENCE_S = 120.0  # for a busy machine: a page that is right needs a part of a second


def open_chromium(profile: Path) -> Any:
    """Starts Chromium, or skips where there is none; in CI its absence is a failure."""
    if not (CHROMIUM.exists() and DRIVER.exists()):
        reason = "needs Chromium: apt-get install chromium chromium-driver fonts-noto-cjk"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    os.environ["SE_OFFLINE"] = "true"
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={profile}", "--window-size=1440,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.set_script_timeout(PATIENCE_S)
    return driver


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serves an application on a free port of this machine; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


class Page:
    """The arena's page as a rater uses it."""

    def __init__(self, driver: Any, url: str, screens: Path) -> None:
        self.driver, self.url, self.screens = driver, url, screens

    def size(self, size: tuple[int, int], *, dark: bool = False) -> None:
        """Sets window size and colour scheme; a narrow window is a phone."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def start(self, protocol: str, language: str, *, practised: bool = True) -> None:
        """Opens the page, agrees and begins; without practice unless asked."""
        self.driver.get(f"{self.url}/?protocol={protocol}&lang={language}&texts={language}")
        if practised:
            self.run(f"localStorage['arena.practised'] = '[\"{protocol}\"]'")
        self.wait("#agree")
        self.run(
            "document.querySelector('#agree').click(); document.querySelector('#begin').click()"
        )
        self.wait("#submit")

    def run(self, script: str, *arguments: object) -> Any:
        """Runs JavaScript in the page."""
        return self.driver.execute_script(script, *arguments)

    def intercept(self, before: str = "", after: str = "") -> None:
        """Runs JavaScript around every vote that is sent; ``state`` is an object to keep things in."""
        self.run(
            "const send = window.fetch; window.state = {}; window.fetch = async (...request) => {"
            "const votes = String(request[0]).includes('vote');"
            f"if (votes) {{ {before} }} const reply = await send(...request);"
            f"if (votes) {{ {after} }} return reply; }}"
        )

    def wait(self, selector: str, seconds: float = PATIENCE_S) -> Any:
        """Waits for an element."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if matches := self.all(selector):
                return matches[0]
            time.sleep(0.02)
        raise AssertionError(f"{selector} did not appear: {self.driver.get_log('browser')}")

    def all(self, selector: str) -> list[Any]:
        """Returns the elements that match."""
        return list(self.driver.find_elements("css selector", selector))

    def press(self, *keys: str) -> None:
        """Presses keys, whatever has the focus."""
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def tap(self, selector: str) -> None:
        """Clicks an element where a finger or mouse would, once the page has come to rest there."""
        from selenium.common import exceptions

        moving = (
            exceptions.StaleElementReferenceException,
            exceptions.ElementClickInterceptedException,
            exceptions.ElementNotInteractableException,
        )

        def clicked() -> bool:
            with contextlib.suppress(*moving):
                self.wait(selector).click()
                return True
            return False

        self.until(clicked)

    def text(self, selector: str) -> str:
        """Returns the text of an element; one that the page redraws meanwhile is looked up again."""
        from selenium.common.exceptions import StaleElementReferenceException

        while True:
            with contextlib.suppress(StaleElementReferenceException):
                return str(self.wait(selector).text)

    def until(self, holds: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        """Waits until a condition holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds} s: {self.complaints()}"
            time.sleep(0.02)

    def says(self, selector: str, words: str, seconds: float = PATIENCE_S) -> None:
        """Waits until an element shows words: a notice fades in, and has no text before it is seen."""
        end = time.monotonic() + seconds
        while words not in (shown := self.text(selector)):
            if time.monotonic() > end:
                raise AssertionError(f"{selector} says {shown!r}, not {words!r}")
            time.sleep(0.02)

    def voted(self, count: int) -> None:
        """Waits until the page counts so many votes as given, or thanks for the last."""
        shown = "return document.querySelector('.progress .count')?.textContent ?? ''"
        self.until(lambda: self.run(shown).startswith(f"{count} ") or self.all("#another"))

    def shot(self, name: str) -> None:
        """Keeps a screenshot under build/screens."""
        self.screens.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(self.screens / f"{name}.png"))

    def axe(self, root: Path, exclude: str = "") -> list[tuple[str, str]]:
        """Returns rule and first element of what axe-core finds, a part of the page left out; skips without axe."""
        script = root / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
        if not script.is_file():
            pytest.skip("needs axe-core: make axe")
        self.run(script.read_text(encoding="utf-8"))
        looked = self.driver.execute_async_script(
            "const [left, done] = arguments;"
            "axe.run(left ? {exclude: [left]} : document).then(r => done(r.violations.map(v => [v.id, v.nodes[0].html])))",
            exclude,
        )
        return [(rule, html) for rule, html in looked]

    def complaints(self) -> list[str]:
        """Returns what the browser's console complained of since last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
