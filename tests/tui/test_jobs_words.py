"""The pure parts behind the screens of jobs: pages of long lists, use over time, output that grows, rows and bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtui.jobs.model import Attempt, Cause, Group, Job, JobId, JobState, Key, Level, Needs, Sandbox, Spec
from gridtui.jobs.placement import Why
from gridtui.jobs.queue import Holder, Progress
from gridtui.tui import dossier, use, work
from gridtui.tui.pages import PAGE, Pages
from gridtui.tui.tail import MOST, Tail
from gridtui.tui.text import width

NOW = 1_790_000_000.0
HOSTILE = "データ[b]\x1b[2J"
COUNTS = st.dictionaries(st.sampled_from(list(JobState)), st.integers(1, 100_000), max_size=9)


# ---- pages ----


@dataclass
class Shelf:
    """Rows of numbered segments, and what was asked of them."""

    sizes: list[int]
    asked: list[tuple[int, int, int]]

    def load(self, segment: int, first: int, count: int) -> Sequence[tuple[int, int]]:
        self.asked.append((segment, first, count))
        return [(segment, row) for row in range(first, min(first + count, self.sizes[segment]))]


@given(st.lists(st.integers(0, 300), max_size=6), st.integers(0, 900), st.integers(0, 200))
def test_pages_read_what_is_looked_at_and_little_more(sizes: list[int], first: int, count: int) -> None:
    shelf = Shelf(sizes, [])
    pages = Pages(shelf.load)
    pages.take(list(enumerate(sizes)))
    rows = [(segment, row) for segment, size in enumerate(sizes) for row in range(size)]
    assert pages.count == len(rows)
    pages.want(first, first + count)
    for index in range(first, min(first + count, len(rows))):
        assert pages.row(index) == rows[index]
    assert not pages.missing(first, first + count)
    assert sum(one for _, _, one in shelf.asked) <= count + 2 * PAGE
    before = len(shelf.asked)
    pages.want(first, first + count)
    assert len(shelf.asked) == before  # nothing is read twice


def test_a_list_that_shrank_since_it_was_counted_has_gaps_and_no_error() -> None:
    shelf = Shelf([10], [])
    pages = Pages(shelf.load)
    pages.take([(0, 30)])
    pages.want(0, 30)
    assert pages.row(9) == (0, 9)
    assert pages.row(10) is None
    assert pages.find(lambda row: row == (0, 4)) == 4
    assert pages.find(lambda row: row == (0, 40)) is None
    pages.take([(0, 10)])
    assert pages.row(9) is None and pages.missing(0, 1)


# ---- use ----


def test_use_is_asked_for_backwards_in_slices_and_then_step_by_step() -> None:
    kept = use.Use()
    spans = []
    while (span := kept.missing(NOW)) is not None:
        first, end = span
        spans.append(span)
        assert end - first <= use.SLICE
        kept.held(NOW, first, [float(step % 7) for step in range(first, end)])
        kept.took(first, 0.0001)
    assert spans[0][1] == NOW // use.STEP
    assert sum(end - first for first, end in spans) == use.LENGTH
    assert len(spans) < use.LENGTH / use.SLICE + 8
    held, free = kept.curves(NOW)
    assert held == [float(step % 7) for step in range(int(NOW // use.STEP) - use.LENGTH, int(NOW // use.STEP))]
    assert all(map(math.isnan, free))
    later = NOW + 3 * use.STEP
    assert kept.missing(later) == (NOW // use.STEP, later // use.STEP)


def test_of_a_use_that_is_dear_to_ask_for_only_the_newest_is_asked() -> None:
    kept = use.Use()
    asked = []
    for second in range(400):
        if (span := kept.missing(NOW + second)) is not None:
            asked.append(span)
            kept.held(NOW + second, span[0], [1.0] * (span[1] - span[0]))
            kept.took(span[0], 0.02)
    assert all(end - first == 1 for first, end in asked)
    assert len(asked) == use.PATIENCE + 399 // use.STEP
    assert kept.curves(NOW + 399)[0][-35:] == [1.0] * 35


def test_a_clock_that_jumps_leaves_no_values_of_another_time() -> None:
    kept = use.Use()
    kept.look(NOW, 7.0)
    kept.look(NOW + use.STEP, 8.0)
    assert not kept.due(NOW) and kept.due(NOW + 2 * use.STEP)
    assert kept.curves(NOW + use.STEP)[1][-2:] == [7.0, 8.0]
    kept.look(NOW - 86400, 3.0)  # set back by a day
    assert kept.due(NOW)
    kept.look(NOW + 86400, 3.0)
    assert len(kept._free) == 1


# ---- output that grows ----


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_tail_is_the_same_however_the_bytes_come(pieces: list[bytes]) -> None:
    one, many = Tail(), Tail()
    whole = b"".join(piece.replace(b"\r", b"") for piece in pieces)
    one.feed(whole)
    for byte in whole:
        many.feed(bytes([byte]))
    assert _said(one) == _said(many)


def test_a_tail_keeps_the_end_and_says_what_it_left_out() -> None:
    tail = Tail()
    for number in range(3 * MOST):
        tail.feed(b"line %d\n" % number)
    lines = _said(tail)
    assert lines[-1] == f"line {3 * MOST - 1}"
    assert len(lines) <= MOST + MOST // 10 + 1
    assert lines[0] == f"{tail.left_out:,} lines before are not kept here"
    assert lines[1] == f"line {tail.left_out}"


def test_a_line_without_an_end_is_bounded_and_a_bar_that_is_redrawn_is_one_line() -> None:
    tail = Tail()
    for _ in range(100):
        tail.feed(b"x" * 100_000)
    assert len(tail._open) <= 64 << 10
    tail = Tail()
    for share in range(101):
        tail.feed(b"\r%3d%%" % share)
    assert _said(tail) == ["100%"]
    tail.feed(b"\r\n\x1b[2J\x07gone\n")
    assert _said(tail) == ["100%", "·[2J·gone"]
    tail.say("its node does not answer")
    assert _said(tail)[-1] == "its node does not answer"
    tail.feed(b"on\n")
    assert _said(tail)[-1] == "on"
    tail.restart()
    assert _said(tail) == ["nothing was said yet"]


def _said(tail: Tail) -> list[str]:
    page = tail.page()
    return [page.parts(index, 0, 200)[0][0] for index in range(page.count)]


# ---- rows ----


@given(COUNTS, st.integers(0, 60))
def test_a_bar_has_its_width_and_shows_each_kind_that_there_is(counts: dict[JobState, int], cells: int) -> None:
    made = "".join(words for words, _ in work.bar(counts, cells))
    assert len(made) == cells
    if cells >= 4 and counts:
        assert ("━" in made) == (JobState.SUCCEEDED in counts)
        assert ("×" in made) == bool(work.among(counts, work.WRONG))
    if cells >= 4 and set(counts) == {JobState.SUCCEEDED}:
        assert made == "━" * cells


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({}, JobState.QUEUED),
        ({JobState.QUEUED: 5, JobState.FAILED: 1}, JobState.QUEUED),
        ({JobState.QUEUED: 5, JobState.RUNNING: 1, JobState.FAILED: 9}, JobState.RUNNING),
        ({JobState.HELD: 2, JobState.SUCCEEDED: 4}, JobState.HELD),
        ({JobState.SUCCEEDED: 99, JobState.FAILED: 1}, JobState.FAILED),
        ({JobState.SUCCEEDED: 99}, JobState.SUCCEEDED),
    ],
)
def test_one_state_tells_of_many_jobs(counts: dict[JobState, int], state: JobState) -> None:
    assert work.standing(counts) is state


def progress(counts: dict[JobState, int], **more: object) -> Progress:
    """A submission."""
    fields: dict[str, object] = {
        "number": 12,
        "name": HOSTILE,
        "user": "ada",
        "priority": 0,
        "submitted": NOW - 90,
        "counts": counts,
        "group": Group.RUNNING,
        "array": True,
        "cpus": 1.0,
    }
    return Progress(**{**fields, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("cells", [16, 30, 56, 76, 100, 116, 156])
@given(counts=COUNTS, exit=st.sampled_from([None, 0, 3]), state=st.sampled_from(list(JobState)))
def test_rows_keep_to_their_columns(cells: int, counts: dict[JobState, int], exit: int | None, state: JobState) -> None:
    job = Job(JobId(12, 7), HOSTILE, "ada", state, NOW - 90, 0, HOSTILE, 2, exit, HOSTILE, HOSTILE, NOW - 60, NOW)
    rows = [
        (work.row(progress(counts), None, NOW, work.layout(cells)), work.titles(work.layout(cells))),
        (work.row(progress(counts, array=False), job, NOW, work.layout(cells)), work.titles(work.layout(cells))),
        (work.element(job, NOW, made := work.element_layout(cells)), work.element_titles(made)),
    ]
    for row, titles in rows:
        said = "".join(words for words, _ in row)
        assert "\x1b" not in said
        assert width(said) == width("".join(words for words, _ in titles))
        if cells >= 50:
            assert width(said) <= cells


def test_the_rest_of_an_array_is_told_by_what_it_took_so_far() -> None:
    counts = {JobState.SUCCEEDED: 50, JobState.RUNNING: 4, JobState.QUEUED: 46}
    assert work.left(progress(counts, started=NOW - 100), NOW) == pytest.approx(100)
    assert work.left(progress(counts), NOW) is None
    assert work.left(progress({JobState.QUEUED: 50, JobState.SUCCEEDED: 50}, started=NOW - 100), NOW) is None


def _words(chunks: Sequence[tuple[tuple[str, str], ...]]) -> str:
    return "  ".join("".join(words for words, _ in chunk) for chunk in chunks)


def test_who_dispatches_is_told() -> None:
    mine = Holder(7, "here", NOW - 400, NOW - 1)
    assert _words(work.holder(mine, 7, NOW, "", "")) == "dispatched by this dashboard  for 6m  beat 1s ago"
    other = work.holder(mine, 8, NOW + 60, "", "")
    assert _words(other) == "dispatched by process 7 on here  for 7m  beat 1m ago"
    assert other[-1][0][1] == "warning"
    assert _words(work.holder(None, 7, NOW, "", "this is read-only")) == "nobody dispatches: this is read-only"
    assert _words(work.holder(None, 7, NOW, "disk full", "")) == "nobody dispatches: disk full"


# ---- a job's page ----


def test_nodes_with_the_same_reason_stand_together() -> None:
    found = [
        Why("web01", "chosen", 0.9, "3 cores free"),
        *(Why(f"web{n:02}", "could", 0.5, "2 cores free") for n in range(2, 20)),
        Why(HOSTILE, "no", 0.0, f"no GPU {HOSTILE}"),
    ]
    lines = dossier.why(found, lambda names: ",".join(names), 60)
    said = ["".join(words for words, _ in line) for line in lines]
    assert said[0] == "● is chosen, score 0.90: web01"
    assert said[2].startswith("○ 18 could, score 0.50: ")
    assert any("no GPU" in line for line in said)
    assert not any("\x1b" in line for line in said)
    assert all(width(line) <= 64 for line in said)
    assert dossier.why([], lambda names: "", 60) == [(("there are no nodes", "dim"),)]


def attempt(number: int, **more: object) -> Attempt:
    """An attempt of job 12."""
    return Attempt(Key("0badcafe", JobId(12), number), "web01", NOW - 30, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (attempt(1), "starting"),
        (attempt(1, started=NOW), "runs"),
        (attempt(1, started=NOW, ended=NOW, exit=0, cause=Cause.EXIT), "exit 0"),
        (attempt(1, started=NOW, ended=NOW, exit=137, cause=Cause.MEMORY), "memory"),
        (attempt(1, ended=NOW, cause=Cause.REFUSED), "refused"),
        (attempt(1, ended=NOW), "lost"),
    ],
)
def test_how_an_attempt_ended_is_one_word(one: Attempt, words: str) -> None:
    assert dossier.ended(one)[0] == words


@pytest.mark.parametrize("cells", [20, 40, 80])
def test_the_page_keeps_to_its_width_and_shows_no_secret(cells: int) -> None:
    spec = Spec(
        f"#!/bin/sh\n{HOSTILE * 20}\n" + "true\n" * 40,
        where="gpu.mem>=8G & @render",
        needs=Needs(2, 8 << 30, 1, 4 << 30, 1 << 30, 3600.0),
        sandbox=Sandbox(Level.BWRAP, Level.BWRAP, True),
        env={"TOKEN": "hunter2"},
        labels={"a": HOSTILE},
        outputs=("*.png",),
        into="/srv/out/{id}",
        retries=3,
    )
    tries = [attempt(n, started=NOW - 9, ended=NOW, exit=n % 2, level=Level.BWRAP, why=HOSTILE) for n in range(1, 40)]
    job = Job(JobId(12), HOSTILE, "ada", JobState.FAILED, NOW - 90, 0, "web01", 39, 1, HOSTILE, HOSTILE)
    shown = SimpleNamespace(job=job, spec=spec, attempts=tries, after=())
    lines = [
        *dossier.asks(spec, cells),
        *dossier.command(spec, HOSTILE, cells),
        *dossier.outputs(shown, tries[0], cells),  # type: ignore[arg-type]
        *dossier.after(shown, cells),  # type: ignore[arg-type]
    ]
    said = ["".join(words for words, _ in line) for line in lines]
    assert all(width(line) <= cells + 1 for line in said)
    assert not any("hunter2" in line or "\x1b" in line for line in said)
    assert any("TOKEN" in line for line in said)
    assert len(dossier.command(spec, "", cells)) <= dossier.MOST
    assert len(dossier.attempts(tries, 39, NOW, cells)) <= 2 * dossier.MOST
