"""Names folded into a set: the same text as ClusterShell gives for single names, sooner."""

from __future__ import annotations

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from hypothesis import example, given
from hypothesis import strategies as st

from gridtui.inventory import fold

NAMES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["a", "web-", "x1y", "rack2.b", ""]),
    st.sampled_from(["", "0", "00"]),
    st.integers(0, 40),
    st.sampled_from(["", "", "z", ".de", "-1"]),
)


@given(st.lists(NAMES, min_size=2, max_size=30, unique=True))
@example(["n9", "n10", "n11"])
@example(["n09", "n9", "n010", "n10"])
def test_ranges_are_folded_as_single_names_are(names: list[str]) -> None:
    assert fold(names) == str(NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP))


def test_a_large_set_is_one_range() -> None:
    assert fold(f"node{number:04}" for number in range(5000)) == "node[0000-4999]"
