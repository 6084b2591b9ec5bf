"""What all lists have in common: one click goes there, the second one chooses, whichever subclass it is."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from gridtui.tui import themes
from gridtui.tui.course import Course
from gridtui.tui.widgets.course import CourseLines
from gridtui.tui.widgets.lines import Lines, Parts


class Plain(Lines):
    HEAD = 1

    def parts(self, index: int) -> Parts:
        return ((f"line {index}", "text"),)

    def heading(self, y: int) -> Parts:
        return (("head", "header"),)


class Listing(App[None]):
    CSS = "Lines { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self.lines = lines
        self.chosen = 0
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DEFAULT

    def compose(self) -> ComposeResult:
        yield self.lines

    def on_mount(self) -> None:
        self.lines.focus()
        if isinstance(self.lines, CourseLines):
            names = [f"n{number}" for number in range(9)]
            self.lines.take(Course(names), names)
        else:
            self.lines.replaced(9)

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.chosen += 1


@pytest.mark.parametrize("kind", [Plain, CourseLines])
async def test_a_click_goes_there_and_the_second_one_chooses(kind: type[Lines]) -> None:
    lines = kind()
    app = Listing(lines)
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        await pilot.click(kind, offset=(4, 3 + lines.HEAD))
        assert (lines.cursor, app.chosen) == (3, 0)
        await pilot.click(kind, offset=(4, 3 + lines.HEAD))
        await pilot.pause()
        assert (lines.cursor, app.chosen) == (3, 1)


async def test_the_head_stays_while_lines_are_scrolled() -> None:
    app = Listing(Plain())
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        await pilot.press("G")
        await pilot.pause()
        shown = [app.lines.render_line(y).text.strip() for y in range(5)]
        assert shown == ["head", "line 5", "line 6", "line 7", "▌ line 8"]
        await pilot.click(Plain, offset=(4, 0))
        assert app.lines.cursor == 8
        await pilot.press("pageup")
        assert app.lines.cursor == 5


async def test_what_changes_by_itself_is_painted_a_few_lines_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody waits for is there at once."""
    monkeypatch.setattr(Lines, "AT_ONCE", 4)
    lines = Plain()
    said = {"word": "line"}
    monkeypatch.setattr(lines, "parts", lambda index: ((f"{said['word']} {index}", "text"),))
    app = Listing(lines)

    def seen() -> int:
        return "".join(strip.text for strip in app.screen._compositor.render_strips()).count(said["word"])

    async with app.run_test(size=(60, 12)) as pilot:
        while seen() < 9:
            await pilot.pause()
        said["word"] = "other"
        monkeypatch.setattr("gridtui.tui.widgets.lines.FRAME", 3600)  # the next frame does not come
        lines.look()
        while seen() < 4:
            await pilot.pause()
        assert seen() == 4
        said["word"] = "third"
        lines.replaced(9)
        while seen() < 9:
            await pilot.pause()
