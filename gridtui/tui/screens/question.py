"""What is asked over another screen: a secret, or yes or no. Owns the two modal screens; knows nothing of what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from .. import text
from ..actions import bindings
from ..widgets.panel import Panel, Parts

Answer = TypeVar("Answer")


class Question(ModalScreen[Answer]):
    """A box in the middle. It can be taken back while another screen lies over it."""

    def __init__(self) -> None:
        super().__init__()
        self._withdrawn = False

    def withdraw(self) -> None:
        """Nobody waits for the answer any more: go away as soon as this screen is the one on top."""
        self._withdrawn = True
        if self.is_running:
            self.call_later(self._leave)

    def on_screen_resume(self) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._withdrawn and self.is_active:
            self._withdrawn = False
            self.dismiss(None)


class SecretInput(Input):
    """Shows dots, and gives nothing of them to a clipboard."""

    def action_copy(self) -> None:
        """Nothing."""

    def action_cut(self) -> None:
        """Nothing."""


class SecretScreen(Question[str | None]):
    """One line that is not shown; None when the reader gives none."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("secret")]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._words = text.plain(question).strip().removesuffix(":")

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Panel("A secret is asked for", id="words")
            yield SecretInput(password=True, id="secret")

    def on_mount(self) -> None:
        self.query_one("#words", Panel).show(
            lambda cells: [*wrapped(self._words, cells), (("Enter gives it, Esc gives none.", "dim"),)]
        )
        self.set_focus(self.query_one(SecretInput))

    @on(Input.Submitted)
    def _given(self, event: Input.Submitted) -> None:
        event.stop()
        box = self.query_one(SecretInput)
        words, box.value = box.value, ""
        if self.is_active:
            self.dismiss(words or None)

    def action_decline(self) -> None:
        if self.is_active:
            self.query_one(SecretInput).value = ""
            self.dismiss(None)


class ConfirmScreen(Question[bool | None]):
    """Yes or no; anything but yes is no."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("confirm")]

    def __init__(self, title: str, lines: Sequence[tuple[str, str]], yes: str, no: str) -> None:
        """`lines` are words with their roles; `yes` and `no` the keys as people write them."""
        super().__init__()
        self._title = title
        self._lines = lines
        self._keys: Parts = ((yes, "key"), (" yes   ", "text"), (no, "key"), (" no", "text"))

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Panel(self._title, id="words")

    def on_mount(self) -> None:
        def page(cells: int) -> list[Parts]:
            lines = [line for words, role in self._lines for line in wrapped(text.plain(words), cells, role)]
            return [*lines, (), self._keys]

        self.query_one("#words", Panel).show(page)

    def action_yes(self) -> None:
        if self.is_active:
            self.dismiss(True)

    def action_no(self) -> None:
        if self.is_active:
            self.dismiss(False)


MOST = 8
"""Lines that one statement of a question takes at most."""


def wrapped(words: str, cells: int, role: str = "text") -> list[Parts]:
    """Neutral text as lines of at most `cells` cells, cut with an ellipsis after some."""
    lines = text.fold(words, max(8, cells))
    if len(lines) > MOST:
        lines = [*lines[: MOST - 1], text.fit(lines[MOST - 1] + " …" * cells, cells)]
    return [((line, role),) for line in lines]
