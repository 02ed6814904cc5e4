"""A real headless Chromium, driven by its own protocol."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """A page in headless Chromium, driven by its own protocol."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(
            address, timeout=30, suppress_origin=True, http_no_proxy=["127.0.0.1"]
        )
        self._number = 0
        self.requests: list[str] = []
        self.problems: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif event.get("method") == "Page.javascriptDialogOpening":
            self.problems.append("dialog")
        elif event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(event["params"]))
        elif event.get("method") == "Log.entryAdded":
            self.problems.append(str(event["params"]["entry"]["text"]))

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """Calls the browser and returns its answer."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": values}))
        while True:
            event = json.loads(self._socket.recv())
            if event.get("id") == self._number:
                assert "error" not in event, event
                return dict(event["result"])
            self._note(event)

    def renew(self) -> None:
        """Forgets everything about the pages before."""
        self.call("Network.clearBrowserCookies")
        self.call("Emulation.clearDeviceMetricsOverride")
        self.open("about:blank")
        self.requests.clear()
        self.problems.clear()

    def resize(self, width: int, height: int) -> None:
        """Shows pages as a screen of this size does; a phone below 600 pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def run(self, script: str) -> Any:
        """Runs a script in the page and returns its value."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get(
            "value"
        )

    def wait(self, script: str, seconds: float = 20) -> Any:
        """Waits until a script gives something true, and returns it."""
        end = time.monotonic() + seconds
        while True:
            found = self.run(script)
            if found:
                return found
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)

    def open(self, address: str) -> None:
        """Goes to an address and waits until the page is there."""
        self.run("window.left = true")
        self.call("Page.navigate", url=address)
        self.wait("window.left === undefined && document.readyState === 'complete'")

    def press(self, key: str) -> None:
        """Presses a key and waits for the page that follows."""
        self.run("window.left = true")
        code = {"Enter": 13, "Escape": 27}.get(key)
        more: dict[str, Any] = {"windowsVirtualKeyCode": code} if code else {"text": key}
        if key == "Enter":
            more["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def press_and_follow(self, key: str) -> None:
        """Presses a key that leads to another page."""
        self.press(key)
        self.wait("window.left === undefined && document.readyState === 'complete'")

    def text(self) -> str:
        """Returns what the page shows."""
        return str(self.run("document.body.innerText"))


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Starts a browser with a profile below a folder."""
    if CHROMIUM is None:
        pytest.fail("chromium is needed for these tests: apt-get install chromium")
    process = subprocess.Popen(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--remote-debugging-port=0",
            f"--user-data-dir={folder / 'profile'}",
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        note = folder / "profile" / "DevToolsActivePort"
        end = time.monotonic() + 60
        while not (note.exists() and len(note.read_text().splitlines()) == 2):
            assert time.monotonic() < end, "chromium did not start"
            assert process.poll() is None, "chromium ended"
            time.sleep(0.05)
        port = note.read_text().splitlines()[0]
        local = requests.Session()
        local.trust_env = False
        pages = local.get(f"http://127.0.0.1:{port}/json", timeout=20).json()
        page = next(page for page in pages if page["type"] == "page")
        yield Browser(page["webSocketDebuggerUrl"])
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def running_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium; starting it takes longer than most tests."""
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def browser(running_browser: Browser) -> Browser:
    """The browser like a new one: no cookies, no notes, the usual size."""
    running_browser.renew()
    return running_browser
