"""Rounds of placement: what holds whatever is queued and whatever the nodes are."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.jobs.model import Idle, Level, Lot, Needs, Placement, Sandbox
from gridtui.jobs.placement import Offer, OfferedGpu, Owner, Planner, explain, plan
from gridtui.jobs.placement.fitting import obstacles

from .offered import GB, NOW, lot, node

WHERE = {"": None, "@even": 0, "@odd": 1, "@none": 2}
USERS = ("ann", "bob", "cy")


def match(where: str) -> frozenset[str]:
    return frozenset(f"n{index}" for index in range(8) if index % 2 == WHERE[where])


needs = st.builds(
    Needs,
    cpus=st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.5, 4.0, 12.0]),
    memory=st.sampled_from([0, GB, 3 * GB, 16 * GB]),
    disk=st.sampled_from([0, GB, 60 * GB]),
    gpus=st.sampled_from([0, 0, 0, 1, 2]),
    gpu_memory=st.sampled_from([0, 4 * GB, 12 * GB]),
)
gpus = st.lists(
    st.builds(
        OfferedGpu,
        st.just(0),
        memory=st.just(16 * GB),
        free=st.sampled_from([None, GB, 8 * GB, 16 * GB]),
        busy=st.booleans(),
        taken=st.booleans(),
    ),
    max_size=3,
).map(lambda found: tuple(replace(gpu, index=index) for index, gpu in enumerate(found)))


@st.composite
def offers(draw: st.DrawFn) -> list[Offer]:
    found = []
    for index in range(draw(st.integers(0, 6))):
        memory = draw(st.sampled_from([None, 4 * GB, 32 * GB]))
        found.append(
            node(
                f"n{index}",
                draw(st.sampled_from([1.0, 4.0, 16.0])),
                closed=draw(st.sampled_from(["", "", "", "", "drained"])),
                shunned=draw(st.booleans()),
                cpus_placed=draw(st.sampled_from([0.0, 0.0, 1.0, 3.5])),
                load=draw(st.sampled_from([0.0, 0.2, 1.0, 3.0])),
                slots=draw(st.booleans()),
                memory=memory,
                memory_placed=draw(st.sampled_from([0, GB])),
                memory_free=None if memory is None else memory - draw(st.sampled_from([0, GB, 5 * GB])),
                disk_free=draw(st.sampled_from([None, 100 * GB])),
                gpus=draw(gpus),
                levels=draw(st.sampled_from([frozenset({Level.PLAIN}), frozenset(Level), frozenset()])),
                owner=draw(st.sampled_from([Owner(math.inf), Owner(3.0), Owner()])),
                room=draw(st.sampled_from([0, 2, 1000])),
                holds=draw(st.sampled_from([frozenset(), frozenset({"x"})])),
            )
        )
    return found


@st.composite
def lots(draw: st.DrawFn) -> list[Lot]:
    return [
        lot(
            number,
            draw(st.sampled_from([0, 1, 3, 40])),
            user=draw(st.sampled_from(USERS)),
            needs=draw(needs),
            where=draw(st.sampled_from(sorted(WHERE))),
            priority=draw(st.sampled_from([0, 0, 5])),
            submitted=NOW - draw(st.sampled_from([1, 2, 1000])),
            running=draw(st.integers(0, 3)),
            pack=draw(st.booleans()),
            idle=draw(st.sampled_from([None, None, Idle()])),
            sandbox=draw(st.sampled_from([Sandbox(), Sandbox(least=Level.BWRAP), Sandbox(image="i")])),
            avoid=draw(st.sampled_from([{}, {1: frozenset({"n0"}), None: frozenset({"n1", "n2"})}])),
        )
        for number in range(1, draw(st.integers(0, 6)) + 1)
    ]


def given_to(offer: Offer, mine: Sequence[tuple[Needs, Placement]]) -> Offer:
    """The offer once these jobs are there."""
    taken = {index for _, placed in mine for index in placed.gpus}
    memory = sum(need.memory for need, _ in mine)
    return replace(
        offer,
        cpus_placed=offer.cpus_placed + sum(need.cpus for need, _ in mine),
        memory_free=None if offer.memory_free is None else offer.memory_free - memory,
        disk_free=None if offer.disk_free is None else offer.disk_free - sum(need.disk for need, _ in mine),
        gpus=tuple(replace(gpu, taken=gpu.taken or gpu.index in taken) for gpu in offer.gpus),
        room=offer.room - len(mine),
    )


@settings(max_examples=100, deadline=None)
@given(lots(), offers(), st.dictionaries(st.sampled_from(USERS), st.floats(0, 50)))
def test_every_placement_is_allowed_when_its_turn_comes(
    queued: list[Lot], there: list[Offer], usage: dict[str, float]
) -> None:
    """Never over a node's capacity, never where it does not match, no GPU twice, no job twice: replayed one by one by the plain rules."""
    by_number = {one.number: one for one in queued}
    state = {one.node: one for one in there}
    seen = set()
    for placed in plan(queued, there, match, usage, NOW):
        of = by_number[placed.id.number]
        assert placed.id not in seen and placed.id.index in of.ready
        seen.add(placed.id)
        offer = state[placed.node]
        assert obstacles(of.spec, offer, not of.spec.where or placed.node in match(of.spec.where), NOW) == []
        assert len(placed.gpus) == of.spec.needs.gpus
        free = {gpu.index for gpu in offer.gpus if not gpu.taken and not gpu.busy}
        assert free.issuperset(placed.gpus)
        assert of.spec.sandbox.least <= placed.level <= of.spec.sandbox.most and placed.level in offer.levels
        state[placed.node] = given_to(offer, [(of.spec.needs, placed)])
    for after, before in zip(state.values(), there, strict=True):
        assert after.cpus_placed <= max(before.cpus_placed, before.cpus) + 1e-6
        assert after.room >= 0


@settings(max_examples=60, deadline=None)
@given(lots(), offers())
def test_what_is_left_over_fits_nowhere(queued: list[Lot], there: list[Offer]) -> None:
    """No job waits that could go somewhere, unless room is kept or it avoids where it failed."""
    queued = [replace(one, avoid={}, submitted=NOW) for one in queued]
    by_number = {one.number: one for one in queued}
    placements = plan(queued, there, match, {}, NOW)
    mine: defaultdict[str, list[tuple[Needs, Placement]]] = defaultdict(list)
    for placed in placements:
        mine[placed.node].append((by_number[placed.id.number].spec.needs, placed))
    after = [given_to(offer, mine[offer.node]) for offer in there]
    counts = Counter(placed.id.number for placed in placements)
    for one in queued:
        if counts[one.number] < len(one.ready):
            for offer in after:
                assert obstacles(one.spec, offer, not one.spec.where or offer.node in match(one.spec.where), NOW)


@settings(max_examples=60, deadline=None)
@given(lots(), offers(), st.randoms(use_true_random=False))
def test_the_same_is_planned_in_whatever_order_it_is_told(queued: list[Lot], there: list[Offer], dice: object) -> None:
    shuffled, other = list(queued), list(there)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    dice.shuffle(other)  # type: ignore[attr-defined]
    inputs = {1: {"x": GB}}
    assert plan(queued, there, match, {}, NOW, inputs) == plan(shuffled, other, match, {}, NOW, inputs)


@settings(max_examples=60, deadline=None)
@given(lots(), offers())
def test_explain_and_plan_agree_on_one_job(queued: list[Lot], there: list[Offer]) -> None:
    for one in queued:
        alone = replace(one, ready=one.ready[:1])
        placed = plan([alone], there, match, {}, NOW, {one.number: {"x": GB}})
        whys = explain(alone, there, match, NOW, alone.ready[0], {"x": GB})
        assert {why.node for why in whys} == {offer.node for offer in there}
        chosen = [why.node for why in whys if why.answer == "chosen"]
        if placed:
            assert chosen == [placed[0].node]
        for why in whys:
            assert why.reason and (why.score > 0) is (why.answer != "no")


@settings(max_examples=100, deadline=None)
@given(lots(), offers())
def test_a_job_that_fits_alone_is_placed_when_all_is_free(queued: list[Lot], there: list[Offer]) -> None:
    empty = [
        replace(
            offer,
            closed="",
            cpus_placed=0.0,
            load=0.0,
            room=1000,
            gpus=tuple(replace(gpu, taken=False, busy=False, free=gpu.memory) for gpu in offer.gpus),
        )
        for offer in there
    ]
    for one in queued:
        fits = [
            offer
            for offer in empty
            if not obstacles(one.spec, offer, not one.spec.where or offer.node in match(one.spec.where), NOW)
        ]
        assert bool(plan([one], empty, match, {}, NOW)) is bool(fits)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(USERS), st.integers(1, 30)), min_size=1, max_size=5),
    st.lists(st.integers(1, 16), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(USERS), st.integers(0, 9).map(float)),
)
def test_users_end_up_as_even_as_their_queues_allow(
    arrays: list[tuple[str, int]], cpus: list[int], usage: dict[str, float]
) -> None:
    """With jobs of one CPU: whoever still has jobs waiting runs no less than a job below anyone who was given one."""
    queued = [lot(number, count, user=user) for number, (user, count) in enumerate(arrays, 1)]
    placed = plan(queued, [node(f"n{at}", size) for at, size in enumerate(cpus)], match, usage, NOW)
    users = {one.number: one.user for one in queued}
    got = Counter(users[one.id.number] for one in placed)
    asked: Counter[str] = Counter()
    for user, count in arrays:
        asked[user] += count
    assert len(placed) == min(sum(cpus), sum(asked.values()))
    for waiting in asked:
        if got[waiting] < asked[waiting]:
            for other, count in got.items():
                if count:
                    assert usage.get(other, 0) + count <= usage.get(waiting, 0) + got[waiting] + 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.integers(1, 40))
def test_arrays_of_one_user_take_turns(counts: list[int], cpus: int) -> None:
    queued = [lot(number, count) for number, count in enumerate(counts, 1)]
    placed = plan(queued, [node("n1", cpus)], match, {}, NOW)
    got = Counter(one.id.number for one in placed)
    for one in queued:
        if got[one.number] < len(one.ready):
            assert all(got[other.number] <= got[one.number] + 1 for other in queued)
        assert [p.id.index for p in placed if p.id.number == one.number] == list(one.ready)[: got[one.number]]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(2, 8), min_size=1, max_size=3),
    st.integers(2, 8),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_a_large_job_starts_though_small_ones_never_cease(
    cpus: list[int], large: int, crowd: int, dice: object
) -> None:
    """Small jobs of other users fill whatever is free, for ever; each round some of them end. The large one's turn comes all the same."""
    large = min(large, max(cpus))
    names = [f"n{index}" for index in range(len(cpus))]
    running = {name: [f"other{index % crowd}" for index in range(size)] for name, size in zip(names, cpus, strict=True)}
    planner = Planner(patience=300)
    big = lot(1, user="ann", needs=Needs(cpus=large), submitted=NOW)
    small = [lot(2 + index, 1000, user=f"other{index}", submitted=NOW - 9999) for index in range(crowd)]
    for step in range(200):
        for name in names:
            if running[name] and dice.random() < 0.5:  # type: ignore[attr-defined]
                running[name].pop(0)
        usage = Counter(user for jobs in running.values() for user in jobs)
        there = [
            node(name, size, cpus_placed=float(len(running[name]))) for name, size in zip(names, cpus, strict=True)
        ]
        placed = planner.plan(
            [big, *small], there, match, {user: float(n) for user, n in usage.items()}, NOW + step * 60
        )
        if any(one.id.number == 1 for one in placed):
            return
        for one in placed:
            running[one.node].append(f"other{one.id.number - 2}")
    raise AssertionError("it waits still")
