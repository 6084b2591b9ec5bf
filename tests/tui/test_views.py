"""Saved views: how they are written, and the screen in which they are opened, kept and deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.errors import SettingsError, UsageError
from gridtui.settings import Dashboard as DashboardSettings
from gridtui.settings import Settings, load
from gridtui.tui.app import Dashboard
from gridtui.tui.columns import BY_NAME, SORTS
from gridtui.tui.keeping import Keeping
from gridtui.tui.metrics import BY_NAME as METRICS
from gridtui.tui.screens import looking
from gridtui.tui.screens.views import ViewLines, ViewsScreen
from gridtui.tui.views import LOOKS, View, Views, read, written

from .fake import FakeFleet, sick_fleet
from .screens import WIDE, begin, board, screen_text, table, told, until

VIEWS = st.builds(
    View,
    filter=st.text(max_size=20),
    sort=st.sampled_from(SORTS),
    descending=st.booleans(),
    group=st.sampled_from(("", "group", "state", "label:site")),
    folded=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    columns=st.lists(st.sampled_from(list(BY_NAME)), max_size=4, unique=True).map(tuple),
    look=st.sampled_from(LOOKS),
    metric=st.sampled_from(("", *METRICS)),
)


@given(VIEWS)
def test_what_is_written_is_read_again(view: View) -> None:
    assert read(written(view), "x") == view


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda one: st.lists(one, max_size=3))
    | st.dictionaries(
        st.sampled_from(("filter", "sort", "columns", "folded", "look", "x")),
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=5), max_size=2),
    )
)
def test_anything_else_is_a_settings_error(document: object) -> None:
    try:
        view = read(document, "x")
    except SettingsError:
        return
    assert written(view) == {key: (tuple(v) if isinstance(v, list) else v) for key, v in written(view).items()}


def test_the_looks_are_those_of_the_screen() -> None:
    assert LOOKS == looking.LOOKS


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"sort": "cpuu"}, "dashboard.views.x.sort: there is no `cpuu`; did you mean `cpu`?"),
        ({"sorted": "cpu"}, "dashboard.views.x.sorted is no setting of a view; did you mean `sort`?"),
        ({"columns": "cpu"}, "dashboard.views.x.columns must be a list of text"),
        ({"descending": "yes"}, "dashboard.views.x.descending must be true or false"),
        ({"look": "heat"}, "dashboard.views.x.look: there is no `heat`; one of table, map, board"),
        ("cpu", "dashboard.views.x is no table of settings"),
    ],
)
def test_bad_views_in_the_settings(document: object, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Dashboard(FakeFleet(1, settings=Settings(dashboard=DashboardSettings(views={"x": document}))))
    assert str(caught.value) == words


def test_a_view_in_the_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[dashboard.views.hot]\nfilter = "load>4"\nsort = "cpu"\ndescending = true\nlook = "map"\n')
    views = Views(load(path).dashboard.views, Keeping())
    assert views.find("hot") == View(filter="load>4", sort="cpu", descending=True, look="map")
    assert views.of_settings("hot")
    with pytest.raises(UsageError, match="did you mean `hot`"):
        views.find("hott")


async def test_kept_views_stand_before_the_settings_and_damage_is_left_out() -> None:
    keeping = Keeping()
    documents: dict[str, Any] = {"hot": {"sort": "mem"}, "broken": {"sort": 1}, "a b": {}, "": {}, "worse": "x"}
    keeping.put("views", documents)
    views = Views({"hot": {"sort": "cpu"}, "cold": {}}, keeping)
    assert views.all() == {"cold": View(), "hot": View(sort="mem")}
    views.delete("hot")
    assert views.find("hot").sort == "cpu"
    for name, match in (("hot", "from the settings file"), ("none", "no view")):
        with pytest.raises(UsageError, match=match):
            views.delete(name)
    assert set(keeping.get("views")) == {"broken", "a b", "", "worse"}  # it may be another version's
    await keeping.close()


@pytest.mark.parametrize("name", ["", "a b", "x" * 41, "a\x1bb", "tab\t"])
def test_a_name_is_one_word(name: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        Views({}, Keeping()).save(name, View())


def lines(app: Dashboard) -> ViewLines:
    return app.screen.query_one(ViewLines)


async def opened(app: Dashboard, pilot: Any) -> None:
    await pilot.press("V")
    await until(pilot, lambda: isinstance(app.screen, ViewsScreen) and "Views" in screen_text(app))


async def test_a_view_is_kept_and_opened_in_the_next_session() -> None:
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await opened(app, pilot)
        assert "none is kept yet" in screen_text(app)
        await pilot.press("enter", "d", "escape")
        screen = app.fleet_screen
        screen.command_filter("@web")
        screen.command_sort("cpu")
        screen.command_group("state")
        screen.command_columns("state,name,cpu")
        table(app).seek_group("state/up")
        await pilot.press("z", "2", "m")
        wanted = screen.view
        await opened(app, pilot)
        await pilot.press("s", *"mine", "enter")
        assert lines(app).here == "mine"
        await until(pilot, lambda: "mine is kept" in screen_text(app))
        await pilot.press("escape")
        screen.command_save("other")
        await until(pilot, lambda: "the view other is kept" in told(app))
    app = board()
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.fleet_screen.reset_columns()
        await opened(app, pilot)
        await pilot.press("enter")
        assert app.screen is app.fleet_screen
        assert app.fleet_screen.view == wanted
        assert app.fleet_screen.look == "map"
        assert 0 < len(app.fleet_screen.shown) < len(app.fleet.nodes)
        assert app.focused is app.fleet_screen.body
        app.fleet_screen.show_view(View())
        assert app.fleet_screen.view == View()
        app.fleet_screen.command_view("other")
        assert app.fleet_screen.view == wanted
        with pytest.raises(UsageError):
            app.fleet_screen.command_view("none")


async def test_deleting_is_said_twice() -> None:
    settings = Settings(dashboard=DashboardSettings(views={"zz": {"sort": "cpu"}}))
    app = board(FakeFleet(4, settings=settings))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.fleet_screen.command_save("aa")
        await opened(app, pilot)
        assert "(settings)" in screen_text(app)
        await pilot.press("d")
        await until(pilot, lambda: "d again deletes aa" in screen_text(app))
        await pilot.press("down", "up", "d")
        assert set(app.views.all()) == {"aa", "zz"}  # it was taken back by going elsewhere
        await pilot.press("d")
        assert set(app.views.all()) == {"zz"}
        await pilot.press("d", "delete")
        await until(pilot, lambda: "is from the settings file" in screen_text(app))


async def test_names_are_typed_and_wrong_ones_are_told() -> None:
    app = board()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, pilot)
        await opened(app, pilot)
        await pilot.press("s", *"a b", "enter")
        await until(pilot, lambda: "no name for a view" in screen_text(app))
        await pilot.press("escape")
        await pilot.pause()
        assert "ViewsScreen" in repr(app.screen)
        assert app.views.all() == {}
        await pilot.press("escape")
        assert app.screen is app.fleet_screen


async def test_what_a_view_names_and_is_not_there_is_told_and_left_out() -> None:
    app = board(sick_fleet(9, ticks=1))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.fleet_screen.show_view(View(filter="@gone", group="label:gone", folded=("group/gone",), sort="name"))
        assert len(app.fleet_screen.shown) == len(app.fleet.nodes)
        assert app.fleet_screen.by == ""
        await until(pilot, lambda: len(told(app)) == 2)
        assert [words.split(":")[0] for words in told(app)] == ["the view's filter", "the view's groups"]


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (200, 60)])
async def test_at_any_size(size: tuple[int, int]) -> None:
    app = board()
    async with app.run_test(size=size) as pilot:
        await begin(app, pilot)
        app.fleet_screen.command_save("mine")
        await pilot.press("V")
        await until(pilot, lambda: "mine" in screen_text(app))
        await pilot.press("s", *"2", "enter", "enter")
        assert app.screen is app.fleet_screen
