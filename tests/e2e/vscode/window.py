"""A window of VS Code in a browser: real keys go in, what its user would see comes out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Page

from e2e.vscode.code_server import CodeServer

TIMEOUT_S = 30.0  # a busy machine must not fail a test
POLL_MS = 40
STATUS = '.statusbar-item[id^="midfill.midfill"]'

Seen = TypeVar("Seen")

TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Ghost text in the line of the cursor, and its further lines below. Tokens have a span each, blanks are U+00A0.
GHOST_TEXT = """() => {
  const text = (elements) => elements.map((each) => each.textContent).join('');
  const inLine = text([...document.querySelectorAll('.view-lines [class*="ghost-text-decoration"]')]);
  const below = [...document.querySelectorAll('.suggest-preview-text .view-line, .ghost-text .view-line')];
  return [inLine, ...below.map((each) => each.textContent)].join('\\n').replace(/\\u00a0/g, ' ').replace(/\\n$/, '');
}"""


class Window:
    """One window with a file in its editor."""

    def __init__(self, page: Page, server: CodeServer, pictures: Path) -> None:
        self.page, self.server, self._pictures = page, server, pictures
        page.set_default_timeout(TIMEOUT_S * 1000)

    # Acting

    def open(self, folder: Path | None, file: Path, *, trust: bool | None = None) -> None:
        """Load the window and put the cursor at the end of the file; `trust` answers the question for it."""
        self.page.goto(self.server.url(folder, file), wait_until="domcontentloaded")
        if trust is not None:
            self.click("Yes, I trust the authors" if trust else "No, I don't trust the authors")
        self._file = file.name
        self._until_open(self._file)
        self.to_end()

    def _until_open(self, name: str) -> None:
        self.page.locator(f'.tab.active[data-resource-name="{name}"]').wait_for()

    def close(self) -> None:
        """Close what was opened over the file, and go back to it."""
        self.run("View: Close Editor")
        self._until_open(self._file)
        self.to_end()

    def to_end(self) -> None:
        self.page.locator(".editor-instance .view-lines").first.click()
        self.page.locator(".monaco-editor.focused").wait_for()
        self.press("Control+End")

    def press(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=15)

    def type_and_see_ghost_text(self, text: str, n_lines: int = 1) -> str:
        """Type and wait for ghost text of so many lines or more, which there must be."""

        def drawn() -> str:
            """The editor draws the rest of a line and the lines below it in different frames."""
            ghost = self.ghost_text()
            is_whole = len(ghost.splitlines()) >= n_lines and ghost.partition("\n")[0].strip()
            self.page.evaluate(TWO_FRAMES)
            return ghost if is_whole and ghost == self.ghost_text() else ""

        self.type(text)
        return self.until(drawn, "ghost text")

    def click(self, button: str) -> None:
        """A button of a dialog or of a notification."""
        self.page.locator(f'.monaco-button:has-text("{button}")').first.click()

    def run(self, title: str) -> None:
        """A command of the palette, by its title."""
        self.press("F1")
        box = self.page.locator(".quick-input-widget input[type=text]")
        box.wait_for(state="visible")
        box.fill(f">{title}")
        focused = self.page.locator(".quick-input-list .monaco-list-row.focused .label-name")

        def is_focused() -> bool:
            labels = [label.replace("\u00a0", " ") for label in focused.all_inner_texts()]
            if any(label == title or label.startswith(f"{title} (") for label in labels):
                return True
            self.press("ArrowDown")
            return False

        self.until(is_focused, title, timeout_s=TIMEOUT_S / 3)
        self.press("Enter")
        box.wait_for(state="hidden")

    def choose(self, entry: str) -> None:
        """An entry of the list that is open at the top."""
        self.page.locator(f'.quick-input-list .monaco-list-row:has-text("{entry}")').first.click()

    def write(self, text: str) -> None:
        """Make this the whole text of the file, with the cursor at its end."""
        self.press("Escape")
        self.press("Control+A")
        self.press("Delete")
        self.page.keyboard.insert_text(text)
        self.press("Control+End")

    def set(self, settings: Mapping[str, Any]) -> None:
        """Give the settings of this machine other values, as its user would: in their file."""
        text = json.dumps(settings)
        self.run("Preferences: Open Remote Settings (JSON)")
        self._until_open("settings.json")
        self.until(lambda: "midfill" in self.editor_text(), "the settings")
        self.to_end()
        self.write(text)
        self.see_saved(self.server.machine_settings, text)
        self.close()

    def see_saved(self, file: Path, text: str) -> None:
        """Save until the file holds this text."""

        def is_saved() -> bool:
            self.press("Control+S")
            return file.read_text(encoding="utf-8") == text

        try:
            self.until(is_saved, f"{text!r} in the file", timeout_s=TIMEOUT_S / 3)
        except AssertionError:
            assert file.read_text(encoding="utf-8") == text
            raise

    def picture(self, name: str) -> None:
        """Keep what the screen shows, for people to look at."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._pictures / f"{name}.png")

    # Seeing

    def ghost_text(self) -> str:
        """What is shown and not there; empty where nothing is."""
        text = self.page.evaluate(GHOST_TEXT)
        assert isinstance(text, str)
        return text

    def status(self) -> str:
        """The entry in the status bar, with what it says when pointed at."""
        label = self.page.locator(STATUS).first.get_attribute("aria-label")
        return label or ""

    def messages(self) -> list[str]:
        """The notifications that are on the screen."""
        return self.page.locator(".notification-list-item-message").all_inner_texts()

    def editor_text(self) -> str:
        """The lines of the editor that can be seen."""
        lines = self.page.locator(".editor-instance .view-line").all_inner_texts()
        return "\n".join(lines).replace("\u00a0", " ")

    # Waiting

    def until(self, see: Callable[[], Seen], what: str, timeout_s: float = TIMEOUT_S) -> Seen:
        """Wait until something is seen; returns it."""
        deadline = time.monotonic() + timeout_s
        while not (seen := see()):
            if time.monotonic() > deadline:
                self.picture("in-vain")
                raise AssertionError(f"waited in vain for {what}\n{self.report()}")
            self.page.wait_for_timeout(POLL_MS)
        return seen

    def until_ready(self) -> None:
        """Wait until the model can be asked."""
        self.until(lambda: "is ready" in self.status(), "the model")

    def until_message(self, pattern: str) -> str:
        """Wait for a notification; returns its text."""
        found = self.until(lambda: [each for each in self.messages() if re.search(pattern, each)], f"“{pattern}”")
        return found[0]

    def why(self) -> str:
        """What the command says of the last request."""
        self.run("midfill: Why This Suggestion, or None?")
        self._until_open("Explanation")
        self.until(lambda: "The last request" in self.editor_text(), "the explanation")
        text = self.editor_text()
        self.close()
        return text

    def report(self) -> str:
        """What may tell why something did not happen."""
        return f"{self.status()}\n{self.messages()}\n{self.editor_text()}\nlog:\n{self.server.extension_log()[-4000:]}"
