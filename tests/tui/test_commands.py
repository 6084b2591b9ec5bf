"""The command line's language: reading a line, completing it, and what it says where it is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.errors import CommandError
from gridtui.tui.actions import ACTIONS, BY_NAME
from gridtui.tui.commands import ALIASES, COMMANDS, REST, Command, Sources, check, complete, named, parse, usage
from gridtui.tui.offers import Offer

SOME = {
    command.name: command
    for command in (
        Command("node", "Open the page of a node", ("node",), 1),
        Command("next_theme", "Take the next theme"),
        Command("theme", "Wear a theme", ("theme",)),
        Command("filter", "Show only some", ("selection",)),
        Command("columns", "Choose columns", ("columns",), 1),
        Command("look", "Look another way", ("look", "metric"), 1),
        Command("exec", "Run a command", ("run",), 1, kept=False),
        Command("silence", "Be silent", ("span", "why")),
        Command("history", "Look back", ("moment",)),
        Command("quit", "Leave"),
    )
}
SOURCES: Sources = {
    "node": lambda: [("web1", "198.18.0.1"), ("web2", ""), ("db1", "")],
    "theme": lambda: [("gridtui-dark", ""), ("nord", "")],
    "column": lambda: [("state", "STATE"), ("name", "NODE"), ("cpu", "CPU")],
    "look": lambda: [("map", ""), ("table", "")],
    "metric": lambda: [("cpu", ""), ("mem", "")],
    "run": lambda: [("uname -r", ""), ("uptime", "")],
    "span": lambda: [("15m", ""), ("1h", "")],
    "moment": lambda: [("1h", "")],
    "why": lambda: [("new fans", ""), ("new disk", "")],
}


def selecting(text: str) -> list[Offer]:
    """Of a selection only one thing is known."""
    return [Offer("@web", "@web")] if "@web".startswith(text) else []


def offers(line: str) -> list[str]:
    return [offer.text for offer in complete(line, SOME, SOURCES, selecting)]


def test_every_action_that_is_no_mere_key_is_a_command() -> None:
    for action in ACTIONS:
        if action.palette and not {"list", "prompt", "line", "confirm", "secret", "help"}.issuperset(action.scopes):
            assert action.name in COMMANDS
            assert COMMANDS[action.name].changes == action.changes or COMMANDS[action.name].args


def test_a_command_that_may_change_a_node_says_so_as_its_action_does() -> None:
    for name, command in COMMANDS.items():
        if name in BY_NAME:
            assert command.changes == BY_NAME[name].changes


def test_short_ways_mean_something_and_hide_nothing() -> None:
    for short, name in ALIASES.items():
        assert name in COMMANDS and short not in COMMANDS


@pytest.mark.parametrize(
    ("line", "name", "words", "position"),
    [
        ("quit", "quit", "", 4),
        ("  quit  ", "quit", "", 8),
        ("q", "quit", "", 1),
        ("qui", "quit", "", 3),
        ("next-theme", "next_theme", "", 10),
        ("node web1", "node", "web1", 5),
        ("node   web1 ", "node", "web1", 7),
        ("n web1", "node", "web1", 2),
        ("filter @web & load>4", "filter", "@web & load>4", 7),
        ("filter", "filter", "", 6),
        ("exec echo  'a  b'", "exec", "echo  'a  b'", 5),
        ("silence 3h they are new", "silence", "3h they are new", 8),
    ],
)
def test_lines(line: str, name: str, words: str, position: int) -> None:
    call = parse(line, SOME)
    assert (call.command.name, call.words, call.position) == (name, words, position)


def test_more_can_be_said_than_is_offered() -> None:
    for line in ("silence 3h", "silence 90m they are new", "history 14:30", "exec df -h"):
        check(parse(line, SOME), SOURCES)


@pytest.mark.parametrize(
    ("line", "message", "position"),
    [
        ("", "a command is missing here; Tab shows what there is", 0),
        ("   ", "a command is missing here; Tab shows what there is", 3),
        ("nodee", "there is no command `nodee`; did you mean `node`?", 0),
        (" zzz", "there is no command `zzz`; Tab shows what there is", 1),
        ("ne", "", 0),
        ("\x1b[31m", "there is no command `\ufffd[31m`; Tab shows what there is", 0),
        ("node", "`node` wants a node; Tab shows what there is", 4),
        ("quit now", "`quit` takes nothing behind it; Leave", 5),
        ("reverse", "`reverse` does not work here; Reverse the order", 0),
        ("node web3", "there is no node `web3`; did you mean `web2`?", 5),
        ("node web1 web2", "`web2` is more than `node` takes", 10),
        ("theme nrod", "there is no theme `nrod`; did you mean `nord`?", 6),
        ("columns name,cpo", "there is no column `cpo`; did you mean `cpu`?", 13),
        ("look map cpuu", "there is no metric `cpuu`; did you mean `cpu`?", 9),
    ],
)
def test_what_is_wrong_and_where(line: str, message: str, position: int) -> None:
    def read() -> None:
        check(parse(line, SOME), SOURCES)

    if not message:
        read()  # it begins one name alone
        return
    with pytest.raises(CommandError) as caught:
        read()
    assert str(caught.value).replace("·", "\ufffd") == message
    assert caught.value.position == position


def test_a_beginning_of_several_names_them() -> None:
    with pytest.raises(CommandError, match="`ne` may be nest, next_theme"):
        parse("ne", {**SOME, "nest": Command("nest", "")})


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("no", ["node "]),
        ("the", ["theme", "next_theme"]),
        ("next-t", ["next_theme"]),
        (" no", [" node "]),
        ("node ", ["node web1", "node web2", "node db1"]),
        ("node d", ["node db1"]),
        ("node web1 ", []),
        ("n w", ["n web1", "n web2"]),
        ("filter ", ["filter @web"]),
        ("filter  @w", ["filter  @web"]),
        ("columns ", ["columns state", "columns name", "columns cpu"]),
        ("columns name,", ["columns name,state", "columns name,cpu"]),
        ("columns name,c", ["columns name,cpu"]),
        ("look m", ["look map"]),
        ("look map ", ["look map cpu", "look map mem"]),
        ("exec up", ["exec uptime"]),
        ("exec uname ", ["exec uname -r"]),
        ("exec zz", []),
        ("silence ", ["silence 15m", "silence 1h"]),
        ("silence 1", ["silence 15m", "silence 1h"]),
        ("silence 2h ", ["silence 2h new fans", "silence 2h new disk"]),
        ("silence  2h  new f", ["silence  2h  new fans"]),
        ("history ", ["history 1h"]),
        ("quit ", []),
        ("zzz ", []),
    ],
)
def test_completion(line: str, found: list[str]) -> None:
    assert offers(line) == found


def test_usage() -> None:
    assert usage(SOME["node"]) == "node NODE"
    assert usage(SOME["look"]) == "look LOOK [METRIC]"
    assert usage(SOME["quit"]) == "quit"


PIECES = st.sampled_from([*SOME, *ALIASES, " ", "  ", ",", "web1", "nord", "cpu", "@", "-", "\t", "\x1b", "ÿ"])
LINES = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=6).map("".join))


@given(LINES)
def test_reading_raises_nothing_else(line: str) -> None:
    wrong: CommandError | None = None
    try:
        call = parse(line, SOME)
        check(call, SOURCES)
    except CommandError as error:
        wrong = error
    if wrong is None:
        assert line[call.position :].startswith(call.words)
    else:
        assert 0 <= wrong.position <= len(line)
        assert wrong.message.isprintable()


@settings(max_examples=300)
@given(LINES)
def test_an_offer_that_ends_a_line_can_be_read(line: str) -> None:
    for offer in complete(line, SOME, SOURCES, selecting):
        word = line.split(" ")[0] if " " in line.strip() else ""
        if offer.ends and (not word or named(word, SOME)):
            call = parse(offer.text, SOME)
            if call.command.args and call.command.args[0] not in REST and not _mended(line):
                check(call, SOURCES)


def _mended(line: str) -> bool:
    """Whether what stands before the last word is wrong already."""
    before = line.lstrip().split(" ")[1:-1]
    before += line.rpartition(" ")[2].split(",")[:-1]
    return bool([word for word in before if word])
