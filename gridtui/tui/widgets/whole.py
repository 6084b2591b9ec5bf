"""A panel that has the whole page: its rows as a list with a cursor, narrowed by words. Draws what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from .. import text
from ..sheets import Row, Sheet, View, having, place
from ..typed import Typed
from .bars import TextLine
from .completing import Completing
from .lines import Lines, Parts


class WholeLines(Lines):
    """The rows."""

    class Resized(Message):
        """There is another number of cells for a row."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: Sequence[Row] = ()

    def take(self, rows: Sequence[Row], follow: bool) -> None:
        """Show these rows; the cursor stays on what it is on, but for the first line, or goes to the end with `follow`."""
        before = self.key
        self.rows = rows
        cursor = None
        if follow:
            cursor = len(rows) - 1
        elif self.cursor and before:
            cursor = place(rows, before)
        self.replaced(len(rows), cursor)
        # How far it can be scrolled is known once the new number of lines was laid out.
        self.call_after_refresh(self._show_cursor)

    def parts(self, index: int) -> Parts:
        return self.rows[index].parts

    @property
    def key(self) -> str:
        """What the row under the cursor is of."""
        return self.rows[self.cursor].key if self.cursor < len(self.rows) else ""

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.post_message(self.Resized())


class Whole(Vertical):
    """One sheet at a time. `open` says which, `tell` what there is."""

    class Closed(Message):
        """The words are typed; the list wants the focus again."""

    def __init__(self, typed: Callable[[], Typed], *, id: str | None = None) -> None:
        """`typed`: what was typed before to narrow a list."""
        super().__init__(id=id)
        self._typed = typed
        self.sheet: Sheet | None = None
        self._words: tuple[str, ...] = ()
        self._since: object = None
        self._view: View | None = None
        self._fresh = False

    def compose(self) -> ComposeResult:
        yield TextLine("base", id="whole-title")
        yield TextLine("base", id="whole-head")
        yield WholeLines(id="whole-lines")
        yield Completing(
            lambda text: (), self._done, self.widen, self._typed, "lines that have all of these words", id="narrow"
        )

    @property
    def lines(self) -> WholeLines:
        return self.query_one(WholeLines)

    @property
    def narrowed(self) -> bool:
        """Whether words choose among the rows."""
        return bool(self._words)

    def open(self, sheet: Sheet, view: View) -> None:
        """Show this sheet from now on."""
        self.sheet, self._words, self._since, self._fresh = sheet, (), None, True
        self.query_one(Input).display = False
        self.lines.rows = ()
        self.lines.replaced(0)
        self.tell(view)
        self.screen.set_focus(self.lines)

    def tell(self, view: View) -> None:
        """Show what is new in it."""
        self._view = view
        sheet, cells = self.sheet, self.lines.size.width - 2
        if sheet is None or cells <= 0:
            return
        since = sheet.since(view), view.status.node.name, cells, self._words
        if since == self._since:
            return
        self._since = since
        every = sheet.rows(view, cells)
        shown = having(every, self._words)
        title = f"Journal of {text.plain(view.unit)}" if sheet.name == "journal" else sheet.title
        count = f"{len(shown):,} of {len(every):,} have {' '.join(self._words)}" if self._words else ""
        self.query_one("#whole-title", TextLine).show(
            (
                [((title, "title"),), ((text.plain(count), "accent"),)],
                [((f"{len(every):,}" if sheet.counted and every and every[0].key else "", "dim"),)],
            )
        )
        head = sheet.head(view, cells) if sheet.head else ()
        line = self.query_one("#whole-head", TextLine)
        line.display = bool(head)
        line.show(([((" ", "text"), *head)], ()))
        # A journal is read from its end, like a log that is followed.
        follow = sheet.name == "journal" and (self._fresh or self.lines.cursor >= self.lines.count - 1)
        self._fresh = self._fresh and not (view.journal and view.journal.value)
        self.lines.take(shown, follow)

    @on(WholeLines.Resized)
    def _again(self) -> None:
        if self._view is not None:
            self.tell(self._view)

    # ---- words ----

    def narrow(self) -> None:
        """Type words."""
        box = self.query_one(Completing)
        box.display = True
        self.screen.set_focus(box)  # at once: what is typed on quickly would be taken for keys
        box.start(" ".join(self._words))

    def widen(self) -> None:
        """All rows again."""
        self._choose("")
        self._close()

    @on(Input.Changed, "#narrow")
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        self._choose(event.value)

    def _done(self, words: str) -> None:
        # What is looked for in a journal may be what nobody else should read.
        self.query_one(Completing).typed.remember(words, kept=False)
        self._choose(words)
        self._close()

    def _choose(self, value: str) -> None:
        self._words = tuple(value.lower().split())
        if self._view is not None:
            self.tell(self._view)

    def _close(self) -> None:
        self.query_one(Input).display = False
        self.screen.set_focus(self.lines)
