"""A real Chromium for tests: this machine's own, or what `deploy/get_chromium` unpacked."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, Response, sync_playwright

_UNPACKED = Path(__file__).parents[2] / ".tools/chromium/chromium"


@dataclass
class Watched:
    """A page, and all that went wrong in it."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"{response.status}: {response.url}")


@contextmanager
def browser_page(width: int = 1440, height: int = 1000) -> Iterator[Watched]:
    """An empty page in a new browser of the dark kind."""
    path = shutil.which("chromium") or str(_UNPACKED)
    if not Path(path).exists():
        pytest.fail("no Chromium is here; `make check` gets it, and so does deploy/get_chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        try:
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme="dark"
            )
            watched = Watched(page=page)
            watched.listen()
            yield watched
        finally:
            browser.close()
