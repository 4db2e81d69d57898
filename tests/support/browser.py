"""A person's browser: headless Chromium, spoken to over two pipes, with no driver between."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

PATIENCE = 60  # seconds until a browser that is silent is taken to hang
# The browser reads what it is told from descriptor 3, and writes to 4.
_LAUNCH = "import os, sys; [os.dup2(int(sys.argv[at]), at + 2) for at in (1, 2)]; os.execv(sys.argv[3], sys.argv[3:])"


class Browser:
    """One window. `complaints` are what the console said, and every exception and request that failed."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM, "no chromium"
        self.complaints: list[str] = []
        self._number = 0
        self._loaded = False
        self._rest = b""
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
        os.close(theirs_in)
        os.close(theirs_out)
        command = [sys.executable, "-S", "-c", _LAUNCH, *map(str, ends), CHROMIUM]
        command += ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run"]
        command += [
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--disable-background-networking",
        ]
        command += [
            "--disable-component-update",
            "--no-default-browser-check",
            "--password-store=basic",
            "--no-proxy-server",
        ]
        # Neither root nor every container can have Chromium's sandbox, and it meets our own page alone.
        command.append("--no-sandbox")
        self._process = subprocess.Popen(
            [*command, "about:blank"],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in ends:
            os.close(end)
        self._in, self._out = ours_in, ours_out
        (target,) = [row["targetId"] for row in self._ask("Target.getTargets")["targetInfos"] if row["type"] == "page"]
        self._session: str | None = None
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session = None
        try:
            self._ask("Browser.close")
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        finally:
            os.close(self._in)
            os.close(self._out)

    def look(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Take a window of that size, on a desk that is light or dark."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """Go to an address, and wait until it is shown."""
        self._loading(lambda: self._ask("Page.navigate", url=url))

    def follow(self, words: str) -> None:
        """Click on the link or button with these words, unseen ones too, and wait for what it opens."""
        # By the place where a person would click: what lies under something else cannot be followed.
        place = self.js(
            """(words => {
                const all = [...document.querySelectorAll('a, button')];
                const one = all.find(e => e.textContent.replace(/\\s+/g, ' ').trim() === words);
                if (!one) return null;
                one.scrollIntoView({block: 'center'});
                const box = one.getClientRects()[0];
                return [box.x + box.width / 2, box.y + box.height / 2];
            })("""
            + json.dumps(words)
            + ")"
        )
        assert place, f"no link {words!r} in: {self.text()}"
        mouse = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}

        def click() -> None:
            self._ask("Input.dispatchMouseEvent", type="mousePressed", **mouse)
            self._ask("Input.dispatchMouseEvent", type="mouseReleased", **mouse)

        self._loading(click)

    def text(self) -> str:
        """What a person reads."""
        return str(self.js("document.body.innerText"))

    def write(self, field: str, text: str) -> None:
        """Put the caret into the field of that id, and type."""
        self.js(f"document.getElementById({json.dumps(field)}).focus()")
        self._ask("Input.insertText", text=text)

    def tab(self) -> str:
        """Press Tab, and say on what that comes to rest."""
        for kind in ("keyDown", "keyUp"):
            self._ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        return str(self.js("document.activeElement.innerText || document.activeElement.tagName"))

    def js(self, expression: str) -> Any:
        """The value of an expression."""
        told = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        taken = self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    # --- the protocol -----------------------------------------------------------------------------------------------

    def _loading(self, act: Callable[[], object]) -> None:
        self._loaded = False
        act()
        while not self._loaded:
            self._hear(self._read())

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            said = self._read()
            if said.get("id") == self._number:
                assert "error" not in said, said["error"]
                return said["result"]
            self._hear(said)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], PATIENCE)[0]:
                raise TimeoutError(f"the browser said nothing for {PATIENCE} s")
            part = os.read(self._in, 1 << 16)
            if not part:
                raise ConnectionError("the browser has gone")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(message)
        return said

    def _hear(self, said: dict[str, Any]) -> None:
        about = said.get("params", {})
        match said.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Network.loadingFailed":
                self.complaints.append(json.dumps(about))
            case "Log.entryAdded":
                self.complaints.append(str(about["entry"]["text"]))
