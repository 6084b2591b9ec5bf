"""A job's page in lines: what it asks for, its attempts, where and why there, what it waits for, where its outputs are. Owns the words; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..jobs.model import ENDED, PLACED, Attempt, End, Idle, Job, JobState, Level, Spec
from ..model import size as in_bytes
from . import text, work
from .columns import Parts

if TYPE_CHECKING:
    from ..jobs.jobs import Shown
    from ..jobs.placement import Why

Fold = Callable[[Iterable[str]], str]

LABEL = 11
MOST = 12
"""Lines of one kind; the rest is counted."""
CHOICES: Mapping[str, tuple[str, str, str]] = {
    "chosen": ("●", "ok", "is chosen"),
    "could": ("○", "text", "could"),
    "no": ("✖", "dim", "could not"),
}
"""What placement says of a node: sign, role, word."""


def _lines(label: str, words: str, cells: int, role: str = "text") -> list[Parts]:
    """A label, and neutral text in as many lines as it takes."""
    first, *rest = text.fold(text.plain(words), max(8, cells - LABEL))
    head = (text.fit(label, LABEL), "dim")
    return [(head, (first, role)), *((((" " * LABEL), "dim"), (line, role)) for line in rest)]


def _cut(lines: list[Parts], most: int = MOST) -> list[Parts]:
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], ((f"and {len(lines) - most + 1} lines more", "faint"),)]


def headline(job: Job) -> Parts:
    """`job 12.7  render`."""
    return ((f"job {job.id} ", "strong"), (text.plain(job.name), "title"))


def state(job: Job, now: float) -> list[Parts]:
    """Where it stands, in chunks."""
    words = f"{work.GLYPHS[job.state]} {job.state}"
    chunks: list[Parts] = [((words, work.ROLES[job.state]),)]
    if job.node:
        chunks.append((("on ", "dim"), (text.plain(job.node), "strong")))
    if job.attempt:
        chunks.append((("try ", "dim"), (str(job.attempt), "text")))
    if (seconds := work.took(job, now)) is not None:
        chunks.append((("for ", "dim"), (_span(seconds), "text")))
    if job.exit is not None:
        chunks.append((("exit ", "dim"), (str(job.exit), "critical" if job.exit else "ok")))
    if job.why:
        chunks.append(((text.plain(job.why), "critical" if job.state in work.WRONG else "text"),))
    return chunks


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else text.age(seconds)


# ---- its attempts ----


def attempts(found: Sequence[Attempt], chosen: int, now: float, cells: int) -> list[Parts]:
    """Each start of it, the newest first: where, how far kept apart, how it ended, what it took."""
    lines: list[Parts] = []
    node = max(8, min(24, cells - 51))
    for one in sorted(found, key=lambda one: -one.key.attempt)[: MOST - 2]:
        word, role = ended(one)
        seconds = None if one.started is None else (one.ended if one.ended is not None else now) - one.started
        mark = "▌" if one.key.attempt == chosen else " "
        lines.append(
            (
                (mark, "primary"),
                (text.fit(str(one.key.attempt), 3), "strong"),
                (text.fit(one.node, node) + " ", "text"),
                (text.fit(one.level.word if one.level is not None else "", 10), "dim"),
                (text.fit(_span(seconds) if seconds is not None else "", 7, right=True) + " ", "dim"),
                (text.fit(word, 10), role),
                (text.fit(_costs(one), max(0, cells - node - 33)), "dim"),
            )
        )
        if one.why:
            lines += [((" " * 4, "dim"), (line, role)) for line in text.fold(text.plain(one.why), max(8, cells - 4))]
    if len(found) > MOST - 2:
        lines.append(((f" and {len(found) - MOST + 2} before", "faint"),))
    return lines


def ended(one: Attempt) -> tuple[str, str]:
    """How an attempt ended, in a word, with its role."""
    if one.ended is None:
        return ("runs", "accent") if one.started is not None else ("starting", "accent")
    if one.cause is not None and one.cause != "exit":
        return str(one.cause), "warning" if one.cause in ("cancelled", "evicted", "refused") else "critical"
    if one.exit is None:
        return "lost", "critical"
    return f"exit {one.exit}", "critical" if one.exit else "ok"


def _costs(one: Attempt) -> str:
    cpu = "" if one.cpu is None else f"{_span(one.cpu)} CPU"
    memory = "" if one.memory is None else in_bytes(one.memory)
    return " ".join(part for part in (cpu, memory) if part)


# ---- where, and why there ----


def why(found: Sequence[Why], fold: Fold, cells: int, placed: bool = False) -> list[Parts]:
    """Every node, for a job that is `placed` with what is left beside it: nodes with the same reason together, as one node set; those that could take it with their score, the best first."""
    lines: list[Parts] = []
    heaps: dict[tuple[str, str], list[Why]] = {}
    for one in found:
        heaps.setdefault((str(one.answer), one.reason), []).append(one)
    order = list(CHOICES)
    ranked = sorted(
        heaps.items(), key=lambda item: (order.index(item[0][0]), -max(one.score for one in item[1]), -len(item[1]))
    )
    for (choice, reason), ones in ranked:
        sign, role, word = CHOICES[choice]
        scores = [one.score for one in ones]
        count = f"{len(ones)} {word}" if len(ones) > 1 else word
        score = f", {_scores(scores)}" if choice != "no" else ""
        node_set = text.plain(fold(one.node for one in ones))
        lines.append(((f"{sign} ", role), (f"{count}{score}: ", role), (node_set, "accent")))
        lines[-1:] = _wrap(lines[-1], cells)
        if reason:
            lines += [((" " * 4, "dim"), (line, "text")) for line in text.fold(text.plain(reason), max(8, cells - 4))]
    lines = _cut(lines, 3 * MOST) or [(("there are no nodes", "dim"),)]
    # Its own node is as full as it makes it.
    return [(("one more like it, now:", "faint"),), *lines] if placed else lines


def _scores(scores: Sequence[float]) -> str:
    low, high = min(scores), max(scores)
    return f"score {high:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"scores {low:.2f} to {high:.2f}"


def _wrap(parts: Parts, cells: int) -> list[Parts]:
    """Break the last part of a line where it does not fit; three lines of it at most."""
    *head, (words, role) = parts
    used = sum(text.width(said) for said, _ in head)
    if used + text.width(words) <= cells:
        return [parts]
    room = max(8, cells - 4)
    return [tuple(head), *(((" " * 4, "dim"), (line, role)) for line in _short(text.fold(words, room)))]


def _short(lines: list[str]) -> list[str]:
    return lines if len(lines) <= 3 else [*lines[:2], lines[2] + " …"]


# ---- what it asks for ----


def asks(spec: Spec, cells: int) -> list[Parts]:
    """What it takes of a node, and how it is kept apart."""
    needs, box = spec.needs, spec.sandbox
    words = [f"{needs.cpus:g} CPU{'' if needs.cpus == 1 else 's'}"]
    words += [f"{in_bytes(needs.memory)} of memory"] if needs.memory else []
    if needs.gpus:
        each = f" with {in_bytes(needs.gpu_memory)} free" if needs.gpu_memory else ""
        words.append(f"{needs.gpus} GPU{'' if needs.gpus == 1 else 's'}{each}")
    words += [f"{in_bytes(needs.disk)} of disk"] if needs.disk else []
    words += [f"{text.age(needs.wall)} at most"] if needs.wall is not None else []
    lines = _lines("asks for", ", ".join(words), cells)
    if spec.where:
        lines += _lines("where", spec.where, cells, "accent")
    levels = box.least.word if box.least == box.most else f"{box.least.word} to {box.most.word}"
    kept = [levels if (box.least, box.most) != (Level.PLAIN, Level.CONTAINER) else "the strongest that a node has"]
    kept += ["with network" if box.network else "no network"]
    kept += [f"image {box.image}"] if box.image else []
    kept += [f"{one.path}{' (writable)' if one.writable else ''}" for one in box.mounts]
    lines += _lines("sandbox", ", ".join(kept), cells)
    if spec.idle is not None:
        lines += _lines("gives way", _idle(spec.idle), cells)
    lines += _lines("placing", "fills one node before the next" if spec.pack else "spreads over nodes", cells)
    if spec.retries:
        lines += _lines("retries", str(spec.retries), cells)
    if spec.labels:
        lines += _lines("labels", ", ".join(f"{name}={value}" for name, value in spec.labels.items()), cells)
    if spec.env:
        lines += _lines("variables", ", ".join(spec.env), cells)  # names alone: a value may be a secret
    if spec.inputs:
        lines += _cut([line for one in spec.inputs for line in _lines("input", _input(one.name, one.path), cells)])
    return lines


def _input(name: str, path: str) -> str:
    return f"{name} from {path}"


def _idle(idle: Idle) -> str:
    words = [f"where nobody works for {text.age(idle.after)}", f"load a core under {idle.load:g}"]
    if idle.hours is not None:
        begin, end = idle.hours.begin, idle.hours.end
        words.append(f"{begin // 60:02}:{begin % 60:02} to {end // 60:02}:{end % 60:02}")
    words += ["also on battery"] if idle.battery else []
    return ", ".join(words)


def command(spec: Spec, item: str, cells: int) -> list[Parts]:
    """What it runs; of a script the beginning."""
    lines: list[Parts] = []
    for line in spec.command.splitlines()[: 2 * MOST]:
        lines += [((part, "text"),) for part in text.fold(text.plain(line.expandtabs(4)), max(8, cells))]
    if item:
        lines += _lines("item", item, cells, "accent")
    return _cut(lines)


# ---- what it waits for, and what it gave ----


def after(shown: Shown, cells: int) -> list[Parts]:
    """What must have ended before it begins."""
    lines: list[Parts] = []
    for one in shown.after[:MOST]:
        sign, role = {None: ("○", "dim"), True: ("●", "ok"), False: ("✖", "critical")}[one.met]
        words = WORDS_AFTER[one.after.how]
        lines += _lines(
            f"{sign} {one.after.id}", words if one.met is not False else f"{words}, and never can", cells, role
        )
    return lines


WORDS_AFTER = {End.OK: "must have succeeded", End.ANY: "must have ended", End.FAILED: "must have failed"}


def outputs(shown: Shown, chosen: Attempt | None, cells: int) -> list[Parts]:
    """What is fetched back, to where, and what came."""
    spec = shown.spec
    lines: list[Parts] = []
    if spec.outputs:
        lines += _lines("patterns", " ".join(spec.outputs), cells)
        lines += _lines("into", spec.into, cells)
    if chosen is not None and chosen.fetched:
        lines += _lines("fetched", chosen.fetched, cells, "strong")
    elif spec.outputs and shown.job.state in ENDED:
        lines += _lines("fetched", "nothing", cells, "dim")
    return lines


def waits(job: Job) -> bool:
    """Whether the question is why it does not run, rather than what it says."""
    return job.state not in PLACED and not job.attempt and job.state is not JobState.CANCELLED
