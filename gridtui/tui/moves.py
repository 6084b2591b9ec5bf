"""A transfer as lines of text with roles: a node's, and the sum's. Owns what they say; pure, knows no widget and no colour."""

from __future__ import annotations

from ..push import Progress, Stage, Transfer
from . import endings, text
from .columns import Parts

_COLUMNS = (("STATE", 13, False), ("NODE", 16, False), ("DONE", 6, True), ("", 14, False), ("BYTES", 7, True))
_MORE = (("RATE", 8, True), ("FILES", 7, True), ("LEFT", 8, True), ("FROM", 16, False))
_STAGES = {Stage.LOCKED: "waits", Stage.SENDING: "moving"}


def _layout(cells: int) -> tuple[tuple[str, int, bool], ...]:
    columns = list(_COLUMNS)
    for column in _MORE:
        if sum(width + 1 for _, width, _ in columns) + column[1] <= cells:
            columns.append(column)
    room = cells - sum(width + 1 for _, width, _ in columns)
    name, width, right = columns[1]
    columns[1] = name, width + max(0, min(24, room)), right
    return tuple(columns)


def titles(cells: int) -> Parts:
    """The titles of the columns that fit."""
    return tuple((text.fit(name, width, right) + " ", "header") for name, width, right in _layout(cells))


def row(name: str, progress: Progress | None, done: Transfer | None, cells: int) -> Parts:
    """A node's line. Once it has ended in another way than well, the reason stands where the figures were."""
    columns = _layout(cells)
    if done is not None and not done.ok:
        state, role = f"{endings.GLYPHS[done.status]} {done.status}", endings.ROLES[done.status]
        room = cells - columns[0][1] - columns[1][1] - 2
        return (
            (text.fit(state, columns[0][1]) + " ", role),
            (text.fit(name, columns[1][1]) + " ", "strong"),
            (text.fit(done.error, room), role),
        )
    values = _done(done) if done is not None else _going(progress)
    values["NODE"] = text.plain(name)
    role = "ok" if done is not None else "dim" if progress is None or progress.stage is Stage.WAITING else "accent"
    parts: list[tuple[str, str]] = []
    for title, width, right in columns:
        if title:
            words = text.fit(values.get(title, ""), width, right)
            parts.append((words + " ", role if title == "STATE" else "strong" if title == "NODE" else "text"))
        else:
            share = 100.0 if done is not None else percent(progress)
            filled, rest = text.bar(share, width)
            parts += [(filled, "bar"), (rest + " ", "track")]
    return tuple(parts)


def _done(done: Transfer) -> dict[str, str]:
    rate = f"{text.amount(done.size / done.seconds)}/s" if done.seconds > 0 else ""
    return {
        "STATE": f"{endings.GLYPHS[done.status]} {done.status}",
        "DONE": "100%",
        "BYTES": text.amount(done.size),
        "RATE": rate,
        "FILES": str(done.files),
        "LEFT": f"{done.seconds:.1f}s",
        "FROM": text.plain(done.feeder or ("sftp" if done.via == "sftp" else "here")),
    }


def _going(progress: Progress | None) -> dict[str, str]:
    if progress is None:
        return {"STATE": f"○ {Stage.WAITING}"}
    moving = progress.stage in (Stage.SENDING, Stage.VERIFYING, Stage.DONE)
    return {
        "STATE": f"{endings.RUNNING} {_STAGES.get(progress.stage, str(progress.stage))}",
        "DONE": text.percent(percent(progress)) if moving else "",
        "BYTES": text.amount(progress.bytes) if moving else "",
        "RATE": f"{text.amount(progress.rate)}/s" if moving else "",
        "FILES": str(progress.files) if moving else "",
        "LEFT": text.age(progress.remaining) if moving else "",
        "FROM": text.plain(progress.feeder or "here") if moving else "",
    }


def percent(progress: Progress | None) -> float | None:
    """How much of it is there, as far as that is known."""
    if progress is None or not progress.total:
        return None
    return min(100.0, 100.0 * progress.bytes / progress.total)


def together(whole: Progress) -> Parts:
    """The sum over all nodes: bytes, share, rate, time left."""
    filled, rest = text.bar(percent(whole), 20)
    return (
        (filled, "bar"),
        (rest, "track"),
        (f" {text.percent(percent(whole))}", "strong"),
        (f"  {text.amount(whole.bytes)}", "text"),
        (f"  {text.amount(whole.rate)}/s", "text"),
        (f"  {text.age(whole.remaining)} left" if whole.remaining is not None else "", "dim"),
    )
