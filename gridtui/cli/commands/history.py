"""`gridtui history`: what was recorded of nodes over a span, and recordings to give away."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...metrics import METRICS
from ...model import duration, size
from .. import exits, moments, output, recordings
from ..main import Context, selecting, verb

if TYPE_CHECKING:
    from ...recorder import Recording, Series
    from ...recorder.words import Seen

ROWS = 60
"""Rows of a node that a table is given when no step is named, at most."""
STEPS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
NOT_RECORDED = "not recorded"
CELLS = 2_000_000
"""Values that one answer may have: more is a slip of the finger."""


def _metrics(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    from ...recorder import RECORDED

    names = tuple(filter(None, (part.strip() for part in (value or "").split(","))))
    for name in names:
        if name not in RECORDED:
            raise click.BadParameter(f"{name!r} is not recorded; there are {', '.join(RECORDED)}")
    return names


@verb("show", short_help="States, or values of metrics, over a span.")
@selecting
@click.option(
    "-m", "--metric", "metrics", metavar="M,M", callback=_metrics, help="Values of these: `cpu,rtt`. Without, states."
)
@recordings.spanning("1h")
@click.option(
    "--step", metavar="TIME", help="Seconds between two values: `1min`, `1h`. Else what makes some sixty rows."
)
@click.option("--format", "form", type=click.Choice(("text", "csv", "json")), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document: --format json.")
def show(
    context: Context,
    where: str,
    leave: str,
    metrics: tuple[str, ...],
    since: str,
    until: str,
    source: Path | None,
    step: str | None,
    form: str,
    as_json: bool,
) -> int:
    """Show how nodes were over a span, or values of metrics (means over each step).

    Exits with 0, 3 when nothing is selected.
    """
    with recordings.known(context, source) as recording:
        begin, end = recordings.span(recording, since, until, source is not None)
        names = recordings.chosen(recording, where, leave, end)
        if not names:
            output.warning("nothing is selected")
            return exits.NOTHING
        wide = moments.seconds(step) if step else _step(end - begin)
        if metrics and len(names) * len(metrics) * (end - begin) / wide > CELLS:
            raise click.UsageError(f"more than {CELLS:,} values; take a larger --step, fewer nodes or a shorter span")
        form = "json" if as_json else form
        if metrics:
            found = {
                name: {metric: recording.series(name, metric, begin, end, wide) for metric in metrics} for name in names
            }
            _show_values(found, metrics, begin, end, form)
        else:
            _show_states(recording, names, begin, end, form)
    return exits.OK


def _step(span: float) -> float:
    return next((step for step in STEPS if span / step <= ROWS), STEPS[-1])


def _rows(found: dict[str, dict[str, Series]]) -> Iterator[tuple[float, str, list[float]]]:
    """Time, node and values; moments of which nothing is known are left out."""
    for name, series in found.items():
        first = next(iter(series.values()))
        for index in range(len(first.values)):
            values = [one.values[index] if index < len(one.values) else math.nan for one in series.values()]
            if any(value == value for value in values):
                yield first.start + index * first.step, name, values


def _show_values(
    found: dict[str, dict[str, Series]], metrics: Sequence[str], since: float, until: float, form: str
) -> None:
    if form == "json":
        nodes = [
            {
                "name": name,
                "series": {
                    metric: {
                        "start": one.start,
                        "step": one.step,
                        "values": [None if value != value else round(value, 6) for value in one.values],
                    }
                    for metric, one in series.items()
                },
            }
            for name, series in found.items()
        ]
        output.document({"schema": 1, "since": since, "until": until, "nodes": nodes})
    elif form == "csv":
        _csv(
            ("time", "node", *metrics),
            (
                (f"{when:.0f}", name, *("" if v != v else f"{v:.6g}" for v in values))
                for when, name, values in _rows(found)
            ),
        )
    else:
        rows = [
            (
                moments.written(when),
                name,
                *(_human(metric, value) for metric, value in zip(metrics, values, strict=True)),
            )
            for when, name, values in _rows(found)
        ]
        if rows:
            output.table(("TIME", "NODE", *(metric.upper() for metric in metrics)), rows, range(2, 2 + len(metrics)))
        else:
            output.note("nothing was recorded of that")


def _human(metric: str, value: float) -> str:
    if value != value:
        return "·"
    unit = METRICS[metric].unit
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    if unit in ("B", "B/s"):
        return size(value) + unit[1:]
    return f"{value:.1f}{'%' if unit == '%' else f' {unit}' if unit else ''}"


def _show_states(recording: Recording, names: Sequence[str], since: float, until: float, form: str) -> None:
    found = recording.states(names, since, until)
    gaps = recording.gaps(max(since, recording.since), until)
    if form == "json":
        nodes: list[dict[str, Any]] = [
            {
                "name": name,
                "states": [{"time": max(since, when), **recordings.document(verdict)} for when, (verdict, _) in states],
            }
            for name, states in found.items()
        ]
        output.document({"schema": 1, "since": since, "until": until, "gaps": gaps, "nodes": nodes})
        return
    rows = []
    for name, states in found.items():
        told = [(max(since, when), *_told(seen)) for when, seen in states]
        rows += [(name, *row) for row in _intervals(told, gaps, until)]
    if form == "csv":
        _csv(
            ("node", "time", "seconds", "state", "why"),
            ((n, f"{w:.3f}", f"{e - w:.3f}", s, y) for n, w, e, s, y in rows),
        )
    elif rows:
        output.table(
            ("NODE", "FROM", "FOR", "STATE", "WHY"),
            [(name, moments.written(when), duration(end - when), words, why) for name, when, end, words, why in rows],
            (2,),
        )
    else:
        output.note("nothing was recorded of that")


Told = tuple[float, str, str, tuple[str, ...]]
"""From when on; the state and why, in words; and the rules that hold, by which a state is another one."""


def _told(seen: Seen) -> tuple[str, str, tuple[str, ...]]:
    verdict, reach = seen
    if reach.pending and not verdict.known:
        return "pending", "", ()
    rules = tuple(sorted(reason.rule for reason in verdict.reasons if not reason.soft))
    return recordings.state(verdict), recordings.why(verdict), rules


def _intervals(
    states: Sequence[Told], gaps: Sequence[tuple[float, float]], until: float
) -> Iterator[tuple[float, float, str, str]]:
    """From, to, state and why: neighbours that are the same as one, and what was not recorded told as such."""
    cuts = [*states, *((begin, NOT_RECORDED, "", ()) for begin, _ in gaps)]
    for _, end in gaps:
        if end < until and (before := [one for one in states if one[0] <= end]):
            cuts.append((end, *before[-1][1:]))
    cuts = [one for one in sorted(cuts, key=lambda one: one[0]) if not any(b < one[0] < e for b, e in gaps)]
    begun: Told | None = None
    for one in cuts:
        if begun is not None and (one[1], one[3]) == (begun[1], begun[3]):
            continue
        if begun is not None and one[0] > begun[0]:
            yield begun[0], one[0], begun[1], begun[2]
        begun = one
    if begun is not None and until > begun[0]:
        yield begun[0], until, begun[1], begun[2]


def _csv(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    output.data(text.getvalue())


@verb("about", short_help="What there is: nodes, span, size.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="A recording that was exported."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def about(context: Context, source: Path | None, as_json: bool) -> int:
    """Show which nodes are recorded, since when, and how large that is."""
    with recordings.opened(context, source) as recording:
        bytes_ = recording.path.stat().st_size
        known = {
            "schema": 1,
            "file": str(recording.path),
            "bytes": bytes_,
            "since": recording.since,
            "until": recording.until,
            "nodes": len(recording.nodes),
            "stretches": len(recording.spans),
            "exported": recording.about.get("exported"),
        }
        if as_json:
            output.document(known)
            return exits.OK
        output.table(
            ("FILE", "SIZE", "NODES", "SINCE", "UNTIL", "STRETCHES"),
            [
                (
                    str(recording.path),
                    size(bytes_),
                    str(len(recording.nodes)),
                    moments.written(recording.since) if recording.since else "",
                    moments.written(recording.until) if recording.until else "",
                    str(len(recording.spans)),
                )
            ],
            (1, 2, 5),
        )
    return exits.OK


@verb("export", short_help="A recording as a file to give away.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@selecting
@recordings.spanning("1d")
@click.option("--plain", is_flag=True, help="As it is: names, addresses, users, labels and texts are not replaced.")
def export(
    context: Context, path: Path, where: str, leave: str, since: str, until: str, source: Path | None, plain: bool
) -> int:
    """Write a span of some nodes to FILE, which `gridtui replay FILE` and `--from FILE` open elsewhere.

    Names of nodes, groups and users, addresses, labels and texts are replaced, the same by the same; numbers and times stay.

    Exits with 0, 1 when it cannot be written, 3 when nothing is selected.
    """
    from ...recorder import export as write

    with recordings.opened(context, source) as recording:
        begin, end = recordings.span(recording, since, until, source is not None)
        names = recordings.chosen(recording, where, leave, end)
        if not names:
            output.warning("nothing is selected")
            return exits.NOTHING
        began = time.monotonic()
        bytes_ = write(recording, path, begin, end, names, redacted=not plain)
    how = "as it is" if plain else "redacted"
    output.note(f"{path}: {len(names)} nodes, {size(bytes_)}, {how}, in {time.monotonic() - began:.1f} s")
    return exits.OK


class _Verbs(click.Group):
    """`gridtui history -w web01` is `gridtui history show -w web01`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first not in self.commands and first not in ("-h", "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


command = _Verbs(
    "history",
    commands={"show": show, "about": about, "export": export},
    short_help="What was recorded of nodes.",
    help="What was recorded of nodes while they were watched: states and values over a span (`show`, which may be left out), and recordings to give away.",
)
