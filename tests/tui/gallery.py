"""Every screen in a state worth looking at: what pictures are taken of, and what must withstand any size and any text.

A screen is added here once, as a scene: how it is opened, and what is waited for until it stands still.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from gridtui.model import Hush
from gridtui.playbooks.artefacts import Kept
from gridtui.settings import Guard, Settings
from gridtui.store import files
from gridtui.tui.actions import BY_NAME
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.activity import ActivityScreen
from gridtui.tui.screens.alerts import AlertsScreen
from gridtui.tui.screens.columns import ColumnsScreen
from gridtui.tui.screens.compare import CompareScreen
from gridtui.tui.screens.events import EventsScreen
from gridtui.tui.screens.exec import ExecScreen
from gridtui.tui.screens.fleet import FleetScreen
from gridtui.tui.screens.help import HelpScreen
from gridtui.tui.screens.job import JobScreen
from gridtui.tui.screens.jobs import JobsScreen
from gridtui.tui.screens.muting import MuteScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.screens.palette import Palette
from gridtui.tui.screens.playbook import PlaybookScreen
from gridtui.tui.screens.playbooks import PlaybooksScreen
from gridtui.tui.screens.posture import PostureScreen
from gridtui.tui.screens.question import ConfirmScreen, SecretScreen
from gridtui.tui.screens.runs import RunsScreen
from gridtui.tui.screens.signals import SignalScreen
from gridtui.tui.screens.transfer import TransferScreen
from gridtui.tui.screens.views import ViewsScreen
from gridtui.tui.widgets.deeds import DeedLines
from gridtui.tui.widgets.jobs import JobLines
from gridtui.tui.widgets.output import OutputLines
from gridtui.tui.widgets.playhead import Playhead
from gridtui.tui.widgets.prompt import Prompt
from gridtui.tui.widgets.whole import WholeLines

from .fake import FakeFleet, sick_fleet
from .grid import busy
from .recorded import FELL, recording
from .screens import begin, until

Scene = Callable[[Dashboard, "Pilot[int]"], Awaitable[None]]


def exhibit(fleet: FakeFleet | None = None) -> FakeFleet:
    """A fleet with something to be seen on every screen."""
    fleet = fleet or sick_fleet(settings=Settings(guard=Guard(confirm_above=1000)))
    busy(fleet.jobs, fleet.now)
    outcomes = {"web06": "changed", "web07": "failed", "web03": "locked-out"}
    fleet.kept = [
        Kept("20260921T141300-aaaa", Path("/x/1"), fleet.now - 9000, ("base",), ("db01",), True, (), None),
        Kept("20260921T141320-0f3a", Path("/x/2"), fleet.now - 60, ("ssh", "motd"), ("a", "b"), False, (), outcomes),
    ]
    return fleet


def shown(fleet: FakeFleet, theme: str = "gridtui-dark") -> Dashboard:
    """The dashboard over it, without whatever moves by itself."""
    app = Dashboard(fleet, "SIMULATED NODES", clock=lambda: fleet.now)
    app.theme = theme
    app.animation_level = "none"
    return app


async def open_scene(app: Dashboard, pilot: Pilot[int], name: str) -> None:
    """Open it, and wait until it stands still."""
    await begin(app, pilot)
    app.fleet_screen.order()  # what lies under another screen is drawn once
    await SCENES[name](app, pilot)
    await settle(app, pilot)
    assert name not in SHOWN or type(app.screen) is SHOWN[name]


async def settle(app: Dashboard, pilot: Pilot[int]) -> None:
    """Show all that is new, and let nothing blink."""
    for box in app.screen.query(Input):
        box.cursor_blink = False
    await pilot.pause()
    app.on_fresh()
    await pilot.pause()


async def act(pilot: Pilot[int], *names: str) -> None:
    """Press the keys of actions."""
    for name in names:
        await pilot.press(BY_NAME[name].key.split(",")[0])
    await pilot.pause()


# ---- the fleet ----


async def _fleet(app: Dashboard, pilot: Pilot[int]) -> None:
    app.fleet_screen.add_up()


async def _grouped(app: Dashboard, pilot: Pilot[int]) -> None:
    app.fleet_screen.add_up()
    await act(pilot, "group")


async def _marked(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "down", "mark", "mark", "mark")


async def _folded(app: Dashboard, pilot: Pilot[int]) -> None:
    app.fleet_screen.add_up()
    await act(pilot, "group", "fold_all", "fold")


async def _map(app: Dashboard, pilot: Pilot[int]) -> None:
    app.fleet_screen.add_up()
    await pilot.press("2", "right", "space", "down")


async def _map_grouped(app: Dashboard, pilot: Pilot[int]) -> None:
    app.fleet_screen.add_up()
    await pilot.press("2")
    app.fleet_screen.command_look("map rtt")
    await act(pilot, "group")


async def _board(app: Dashboard, pilot: Pilot[int]) -> None:
    app.fleet_screen.add_up()
    await pilot.press("3", "down", "space")


async def _compare(app: Dashboard, pilot: Pilot[int]) -> None:
    app.marks.set(list(app.fleet.nodes)[5:9])
    await act(pilot, "compare")
    await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.is_mounted)
    await pilot.press("right")


async def _columns(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "columns", "down", "toggle_column", "down", "later")


async def _views(app: Dashboard, pilot: Pilot[int]) -> None:
    app.fleet_screen.command_save("everything")
    app.fleet_screen.command_sort("cpu")
    app.fleet_screen.command_save("busiest")
    await act(pilot, "views")


async def _wrong_filter(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "filter")
    await pilot.press(*"@wbe")
    await until(pilot, lambda: app.fleet_screen.complaint)


async def _command(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "command_line")
    await pilot.press(*"the")


# ---- nodes, events, help, questions ----


async def _node(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "down")
    await _page(app, pilot)


async def _down(app: Dashboard, pilot: Pilot[int]) -> None:
    await _page(app, pilot)


async def _page(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "open")
    await until(pilot, lambda: isinstance(app.screen, NodeScreen))
    await until(pilot, lambda: not any(worker.group == "inquiry" for worker in app.workers))


async def _ill(app: Dashboard, pilot: Pilot[int]) -> None:
    """A node that answers, and has a unit that failed."""
    statuses = map(app.fleet.status, app.fleet.nodes)
    app.open_node(next(one.node.name for one in statuses if one.reach.up and one.verdict.reasons))
    await until(pilot, lambda: any(panel.display for panel in app.screen.query("#sheet-units")))


async def _processes(app: Dashboard, pilot: Pilot[int]) -> None:
    await _ill(app, pilot)
    await act(pilot, "processes")
    await until(pilot, lambda: app.screen.query_one(WholeLines).count > 1)


async def _signal(app: Dashboard, pilot: Pilot[int]) -> None:
    await _processes(app, pilot)
    await act(pilot, "signal")
    await until(pilot, lambda: isinstance(app.screen, SignalScreen))


async def _journal(app: Dashboard, pilot: Pilot[int]) -> None:
    await _ill(app, pilot)
    app.screen.set_focus(app.screen.query_one("#sheet-units"))
    await act(pilot, "enlarge")
    await until(pilot, lambda: app.screen.query_one(WholeLines).count)
    await act(pilot, "enlarge")
    await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.screen.within.startswith("journal"))
    await until(pilot, lambda: not any(worker.group == "inquiry" for worker in app.workers))


async def _containers(app: Dashboard, pilot: Pilot[int]) -> None:
    await _ill(app, pilot)
    await act(pilot, "containers")
    await until(pilot, lambda: app.screen.query_one(WholeLines).count > 1)


async def _events(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "events")
    await until(pilot, lambda: isinstance(app.screen, EventsScreen))


async def _alerts(app: Dashboard, pilot: Pilot[int]) -> None:
    fleet = app.fleet
    ill = [name for name in fleet.nodes if fleet.status(name).verdict.alert]
    await fleet.mute(ill[:1], Hush.ACKNOWLEDGED, why="a new disk is on its way")
    await fleet.mute(ill[1:2], Hush.SILENCED, seconds=7200, why="[b]fans[/]")
    await until(pilot, lambda: app.alarm.count == len(ill) - 2)
    await act(pilot, "alerts")
    await until(pilot, lambda: isinstance(app.screen, AlertsScreen) and app.screen.rows.count)


async def _silence(app: Dashboard, pilot: Pilot[int]) -> None:
    await _alerts(app, pilot)
    await act(pilot, "silence")
    await until(pilot, lambda: isinstance(app.screen, MuteScreen))


async def _help(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "help")
    await until(pilot, lambda: isinstance(app.screen, HelpScreen))


async def _palette(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "command_palette")
    await until(pilot, lambda: isinstance(app.screen, Palette))


async def _confirm(app: Dashboard, pilot: Pilot[int]) -> None:
    names = ", ".join(app.fleet.nodes)
    app.push_screen(ConfirmScreen("Restart?", [("systemctl restart nginx", "accent"), (names, "text")], "y", "n"))
    await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))


async def _secret(app: Dashboard, pilot: Pilot[int]) -> None:
    app.push_screen(SecretScreen("Passphrase of /home/ada/.ssh/id_ed25519:"))
    await until(pilot, lambda: isinstance(app.screen, SecretScreen))


# ---- what acts ----


async def _exec(app: Dashboard, pilot: Pilot[int]) -> None:
    fleet = app.fleet
    assert isinstance(fleet, FakeFleet)
    fleet.held = {"gpu05", "web06"}
    await _type_command(app, pilot)
    await until(pilot, lambda: fleet.ran)
    await pilot.pause()
    app.run_screen("exec").show()


async def _diff(app: Dashboard, pilot: Pilot[int]) -> None:
    await _type_command(app, pilot)
    await until(pilot, lambda: not app.run_screen("exec").running)
    await pilot.pause()
    await pilot.press("d", "down", "enter")
    app.run_screen("exec").show()


async def _type_command(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "exec")
    await until(pilot, lambda: isinstance(app.focused, Prompt))
    app.screen.query_one(Prompt).value = "cat /etc/thing"
    await pilot.press("f3", "enter")


async def _push(app: Dashboard, pilot: Pilot[int]) -> None:
    fleet = app.fleet
    assert isinstance(fleet, FakeFleet)
    fleet.held = {"gpu05", "web06"}
    await act(pilot, "push")
    await until(pilot, lambda: isinstance(app.focused, Input))
    app.screen.query_one("#sources", Input).value = "/etc/hostname"
    app.screen.query_one("#destination", Input).value = "/srv/www"
    await pilot.press("f2", "enter", "enter")
    await until(pilot, lambda: fleet.pushed)
    await pilot.pause()
    app.run_screen("push").show()


async def _activity(app: Dashboard, pilot: Pilot[int]) -> None:
    fleet = app.fleet
    assert isinstance(fleet, FakeFleet)
    app.run_command("systemctl is-active nginx", list(fleet.nodes)[:9])
    await until(pilot, lambda: not app.run_screen("exec").running)
    app.ledger.note("TERM to 4711 ([b]python[/])", ["gpu05"])
    app.ledger.note("HUP to 22 (sshd)", ["web06"], error="there is no such process any more")
    await act(pilot, "activity")
    await until(pilot, lambda: isinstance(app.screen, ActivityScreen) and app.screen.query_one(DeedLines).count > 6)


# ---- what was recorded ----


async def _replay(app: Dashboard, pilot: Pilot[int]) -> None:
    fleet = app.fleet
    assert isinstance(fleet, FakeFleet)
    fleet.recording = recording(files.folder() / "recorded.db", fleet.nodes)
    await act(pilot, "history")
    await until(pilot, lambda: app.replay)
    await act(pilot, "play")
    app.command_history("8m")
    await until(pilot, lambda: app.replay and app.screen.query(Playhead) and app.replay.time == fleet.now - 480)


async def _replay_alarm(app: Dashboard, pilot: Pilot[int]) -> None:
    await _replay(app, pilot)
    await act(pilot, "alarm_back")
    await until(pilot, lambda: app.replay and app.replay.time == FELL)
    await _page(app, pilot)


# ---- playbooks and posture ----


async def _playbooks(app: Dashboard, pilot: Pilot[int]) -> None:
    await act(pilot, "playbooks")
    await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen))
    await pilot.press("down", "down")


async def _dry_run(app: Dashboard, pilot: Pilot[int]) -> None:
    await _playbooks(app, pilot)
    await pilot.press("up", "enter")
    await _play(app, pilot, dry=True)


async def _run(app: Dashboard, pilot: Pilot[int]) -> None:
    await _playbooks(app, pilot)
    await pilot.press("r", "y")
    await _play(app, pilot)


async def _failures(app: Dashboard, pilot: Pilot[int]) -> None:
    await _run(app, pilot)
    await pilot.press("f")
    app.playbook_screen.show()


async def _play(app: Dashboard, pilot: Pilot[int], dry: bool = False) -> None:
    run, fleet = app.playbook_screen, app.fleet
    assert isinstance(fleet, FakeFleet)
    await until(pilot, lambda: fleet.played and run.course.tasks and not (run.running and dry))
    assert run.errand is not None
    run.errand.began = fleet.now - 12
    run.errand.took = None if run.running else 12.0
    await pilot.pause()
    run.show()


async def _runs(app: Dashboard, pilot: Pilot[int]) -> None:
    await _playbooks(app, pilot)
    await act(pilot, "runs")
    await until(pilot, lambda: isinstance(app.screen, RunsScreen))


async def _posture(app: Dashboard, pilot: Pilot[int]) -> None:
    fleet = app.fleet
    assert isinstance(fleet, FakeFleet)
    await act(pilot, "posture")
    await until(pilot, lambda: isinstance(app.screen, PostureScreen) and fleet.looked)


# ---- jobs ----


async def _jobs(app: Dashboard, pilot: Pilot[int]) -> None:
    fleet = app.fleet
    assert isinstance(fleet, FakeFleet)
    for step in reversed(range(120)):
        app.desk.use.look(fleet.now - 10 * step, 90.0 - abs(60 - step) / 2)
    await act(pilot, "jobs")
    await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.desk.holder)
    while app.desk.use.missing(fleet.now):
        app.desk.soon()
        app.on_fresh()
        await pilot.pause()


async def _array(app: Dashboard, pilot: Pilot[int]) -> None:
    await _jobs(app, pilot)
    await pilot.press("enter")
    await until(
        pilot,
        lambda: isinstance(app.screen, JobsScreen) and app.screen.number and app.screen.query_one(JobLines).row,
    )


async def _job(app: Dashboard, pilot: Pilot[int]) -> None:
    await _array(app, pilot)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, JobScreen) and app.screen.job())
    screen, lines = app.screen, app.screen.query_one(OutputLines)
    assert isinstance(screen, JobScreen)
    await until(
        pilot,
        lambda: (
            lines.count == 48
            and lines.is_vertical_scroll_end
            and screen._why is not None
            and screen._drawn == screen._tail.changes
        ),
    )


async def _cancel(app: Dashboard, pilot: Pilot[int]) -> None:
    await _jobs(app, pilot)
    await act(pilot, "cancel")
    await until(pilot, lambda: not isinstance(app.screen, JobsScreen))


async def _node_with_jobs(app: Dashboard, pilot: Pilot[int]) -> None:
    app.open_node("gpu05")
    await until(pilot, lambda: app.desk.on_node)


SCENES: dict[str, Scene] = {
    "fleet": _fleet,
    "fleet-grouped": _grouped,
    "fleet-marked": _marked,
    "fleet-folded": _folded,
    "map": _map,
    "map-grouped": _map_grouped,
    "board": _board,
    "compare": _compare,
    "columns": _columns,
    "views": _views,
    "fleet-wrong-filter": _wrong_filter,
    "command": _command,
    "node": _node,
    "node-down": _down,
    "node-processes": _processes,
    "node-signal": _signal,
    "node-journal": _journal,
    "node-containers": _containers,
    "node-jobs": _node_with_jobs,
    "events": _events,
    "alerts": _alerts,
    "alerts-silence": _silence,
    "help": _help,
    "palette": _palette,
    "confirm": _confirm,
    "secret": _secret,
    "exec": _exec,
    "exec-diff": _diff,
    "push": _push,
    "playbooks": _playbooks,
    "dry-run": _dry_run,
    "run": _run,
    "run-failures": _failures,
    "runs": _runs,
    "posture": _posture,
    "jobs": _jobs,
    "array": _array,
    "job": _job,
    "cancel": _cancel,
    "activity": _activity,
    "replay": _replay,
    "replay-node": _replay_alarm,
}
"""Scenes by name."""

SHOWN: dict[str, type[Screen[Any]]] = {
    "fleet": FleetScreen,
    "compare": CompareScreen,
    "columns": ColumnsScreen,
    "views": ViewsScreen,
    "node": NodeScreen,
    "node-signal": SignalScreen,
    "events": EventsScreen,
    "alerts": AlertsScreen,
    "alerts-silence": MuteScreen,
    "help": HelpScreen,
    "palette": Palette,
    "confirm": ConfirmScreen,
    "secret": SecretScreen,
    "exec": ExecScreen,
    "push": TransferScreen,
    "activity": ActivityScreen,
    "playbooks": PlaybooksScreen,
    "run": PlaybookScreen,
    "runs": RunsScreen,
    "posture": PostureScreen,
    "jobs": JobsScreen,
    "job": JobScreen,
}
"""A scene of each screen that there is."""
