"""The dashboard's peer: the same data in Textual's stock `DataTable`, as its documentation shows it."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from gridtui.model import Status
from gridtui.tui import text
from gridtui.tui.bridge import Bridge, Fresh, Source

_COLUMNS = ("state", "node", "rtt", "loss", "load", "cpu", "mem", "disk", "net.rx", "net.tx", "temp", "uptime")
_METRICS = {
    "load": text.number,
    "cpu": text.percent,
    "mem": text.percent,
    "disk": text.percent,
    "net.rx": text.amount,
    "net.tx": text.amount,
    "temp": text.degrees,
    "uptime": text.age,
}


class StockApp(App[None]):
    """`everything`: update the cells of all rows, not only of visible ones."""

    def __init__(self, fleet: Source, everything: bool) -> None:
        super().__init__()
        self.bridge = Bridge(fleet, self.post_message)
        self._everything = everything
        self._shown: dict[str, Status] = {}

    def compose(self) -> ComposeResult:
        yield DataTable(id="table", cursor_type="row")

    def on_mount(self) -> None:
        table: DataTable[str] = self.query_one("#table", DataTable)
        for name in _COLUMNS:
            table.add_column(name, key=name, width=10)
        for name in self.bridge.fleet.nodes:
            table.add_row("pending", name, *[text.UNKNOWN] * 10, key=name)
        self.call_after_refresh(lambda: self.run_worker(self.bridge.run()))

    def on_fresh(self, event: Fresh) -> None:
        table: DataTable[str] = self.query_one("#table", DataTable)
        names = list(self.bridge.fleet.nodes)
        if not self._everything:
            first = int(table.scroll_y)
            names = names[first : first + self.size.height]
        with self.batch_update():
            for name in names:
                status = self.bridge.status(name)
                if status.sample is None or self._shown.get(name) is status:
                    continue
                self._shown[name] = status
                table.update_cell(name, "state", "up")
                table.update_cell(name, "rtt", text.seconds(status.trips.last))
                table.update_cell(name, "loss", text.percent(status.trips.loss))
                for metric, form in _METRICS.items():
                    table.update_cell(name, metric, form(status.sample.metrics.get(metric)))
