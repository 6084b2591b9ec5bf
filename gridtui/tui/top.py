"""The lines at the top of a screen, as chunks. Owns their words; pure, knows no widget."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ..model import PingMethod
from . import text
from .arrange import Group
from .states import GLYPHS, ROLES, WORDS, Kind
from .widgets.bars import Chunk

METHODS = {
    PingMethod.ICMP: ("icmp", "unprivileged socket"),
    PingMethod.RAW: ("icmp raw", "as root or with CAP_NET_RAW"),
    PingMethod.TCP: ("tcp connect", "this system permits no ICMP"),
    PingMethod.SSH: ("over ssh", "behind a jump host"),
    PingMethod.LOCAL: ("none", "only this machine"),
}
"""What each is called, and why it is taken."""


def right(banner: str, now: float, cells: int, alerts: int = 0, read_only: bool = False) -> list[Chunk]:
    """That nothing may be changed, the demo's banner, if any, how many alerts nobody has acknowledged, and the clock. The first one never falls, but may be cut to a third of the line."""
    chunks: list[Chunk] = []
    if read_only:
        chunks.append(((" read-only ", "banner"),))
    if banner:
        room = max(16, cells // 3)
        chunks.append(((f" {banner if text.width(banner) <= room else text.fit(banner, room)} ", "banner"),))
    if alerts:
        chunks.append(((f"{alerts} alert{'' if alerts == 1 else 's'}", "critical"),))
    return [*chunks, ((time.strftime("%H:%M:%S", time.localtime(now)), "dim"),)]


def counts(total: Mapping[Kind, int], nodes: int) -> list[Chunk]:
    """`40 nodes  ● 38 up  ✖ 1 down  ▲ 1 warning`."""
    chunks: list[Chunk] = [((f"{nodes} node{'' if nodes == 1 else 's'}", "strong"),)]
    for kind in (Kind.UP, *(kind for kind in Kind if kind is not Kind.UP)):
        if number := total.get(kind, 0):
            chunks += [((f"{GLYPHS[kind]} {number} {WORDS[kind]}", ROLES[kind]),)]
    return chunks


def together(total: Group, wide: bool = True) -> list[Chunk]:
    """The fleet's means and sums."""
    chunks: list[Chunk] = []
    if "cpu" in total.means:
        chunks.append((("cpu ", "dim"), (text.percent(total.means["cpu"]), "text")))
    if total.sums.get("mem.total"):
        share = 100 * total.sums.get("mem.used", 0.0) / total.sums["mem.total"]
        more = f" of {text.amount(total.sums['mem.total'])}" if wide else ""
        chunks.append((("mem ", "dim"), (text.percent(share), "text"), (more, "dim")))
    elif "mem" in total.means:
        chunks.append((("mem ", "dim"), (text.percent(total.means["mem"]), "text")))
    if "net.rx" in total.sums:
        received, sent = total.sums["net.rx"], total.sums.get("net.tx")
        chunks.append((("net ", "dim"), (f"↓{text.amount(received)} ↑{text.amount(sent)}", "text"), ("/s", "dim")))
    return chunks


def ping(method: PingMethod, wide: bool = True) -> list[Chunk]:
    """How round trips are measured, and, where there is room, why so."""
    name, because = METHODS[method]
    return [(("ping ", "dim"), (name, "text"), (f" ({because})" if wide else "", "faint"))]


def order(sort: str, descending: bool, group: str) -> list[Chunk]:
    """By what the table is sorted and grouped."""
    arrow = "" if sort == "problems" and not descending else " ▼" if descending else " ▲"
    chunks: list[Chunk] = [(("sort ", "dim"), (f"{sort}{arrow}", "text"))]
    if group:
        chunks.append((("by ", "dim"), (text.plain(group.removeprefix("label:")), "text")))
    return chunks


def chosen(words: str, shown: int, nodes: int) -> Sequence[Chunk]:
    """The filter in force, and how many it leaves."""
    return [(("filter ", "dim"), (text.plain(words), "accent"), (f"  {shown} of {nodes}", "text"))] if words else []


def marked(number: int) -> list[Chunk]:
    """How many nodes are marked: whom every action is for."""
    return [((f"* {number} marked", "accent"),)] if number else []


def unrecorded(trouble: str) -> list[Chunk]:
    """That nothing of this is kept; the event log says why."""
    return [(("▲ no history is kept", "warning"),)] if trouble else []
