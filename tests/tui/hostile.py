"""Text as a machine that means ill, or a person with another script, would have it; and how wide a terminal draws it, told by Unicode alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from gridtui.exec import Ending, Outcome, Task
from gridtui.model import Layer, Node, Sample, State
from gridtui.probes.disks import Disk
from gridtui.probes.filesystems import FileSystem
from gridtui.probes.network import Interface
from gridtui.probes.temperatures import Temperature
from gridtui.probes.units import Unit
from gridtui.probes.users import Session
from gridtui.settings import Guard, Settings

from .fake import GIB, FakeFleet
from .gallery import exhibit

TEXTS = {
    "wide": "データベース東京一号機",
    "wide, cut in the middle": "x東京東京東京東京東京東京東京東京東京東京東京東京",
    "combining": "cafe\u0301 n\u0303o u\u0308ber",
    "many combining": "z" + "\u0301\u0316\u0323" * 40 + "algo",
    "a combining mark first": "\u0301acute",
    "emoji": "🚀 launch 🔥",
    "emoji, joined": "👩\u200d👩\u200d👧\u200d👦 family 🏳\ufe0f\u200d🌈",
    "emoji by a selector": "❤\ufe0f ⚠\ufe0f ☎\ufe0f 1\ufe0f\u20e3",
    "emoji with a tone": "👍\U0001f3fd 👋\U0001f3ff",
    "flags": "🇩🇪🇯🇵🇳🇴",
    "right to left": "שרת מסד נתונים",
    "arabic": "خادم قاعدة البيانات",
    "override": "abc\u202egnp.exe\u202c \u2066x\u2069",
    "markup": "[red]x[/] [b]y[/b] [@click=app.quit]z[/]",
    "escape": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x9b5A",
    "controls": "a\tb\rc\nd\x00e\x7ff\x85g\u2028h",
    "zero width": "a\u200bb\u200cc\ufeffd\u2060e\u00adf",
    "fillers": "\u3164\u115f\u1160\uffa0blank",
    "tags": "flag\U000e0067\U000e0062\U000e007f",
    "devanagari": "मुख्य",
    "korean, taken apart": unicodedata.normalize("NFD", "서울서버"),
    "half width": "ﾃﾞｰﾀﾍﾞｰｽ",
    "unassigned and private": "\U0003fffe\ue000\U000f0000\ufffe",
    "long": "n" * 300,
    "nothing": "",
}


def width(text: str) -> int:
    """Cells in a terminal that looks at one character at a time, as most do (wcwidth(3)); conjoining Hangul vowels take none."""
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def forbidden(text: str) -> set[str]:
    """Characters that no terminal may be sent: controls, and what turns, joins or hides others."""
    return {
        f"U+{ord(char):04X}"
        for char in text
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") or "\ufe00" <= char <= "\ufe0f"
    }


def lines(text: Iterable[str]) -> list[str]:
    """Those that are not as wide as the first, or hold what is forbidden; none is as it should be."""
    given = list(text)
    return [
        f"{width(line)} {forbidden(line)} {line!r}"
        for line in given
        if width(line) != width(given[0]) or forbidden(line)
    ]


def hostile_fleet() -> FakeFleet:
    """Everything that can hold text holds one of `TEXTS`."""
    texts = list(TEXTS.values())
    nodes = [
        Node(
            text or "-",
            f"198.18.7.{number + 1}",
            groups=("web", texts[(number + 3) % len(texts)] or "-"),
            labels={
                "role": texts[(number + 1) % len(texts)],
                texts[(number + 5) % len(texts)] or "-": "x",
                "site": text,
            },
        )
        for number, text in enumerate(texts)
    ]
    fleet = FakeFleet(8, nodes, settings=Settings(guard=Guard(confirm_above=1000)))
    fleet.advance(20)
    for number, (name, fake) in enumerate(fleet.fakes.items()):
        text, other = texts[number % len(texts)], texts[(number + 7) % len(texts)]
        assert fake.sample is not None
        assert fake.facts is not None
        fake.sample = _sample(fake.sample, text, other)
        fake.facts = replace(
            fake.facts, os_name=text, kernel=other, cpu_model=text, hostname=other, product=text, vendor=other
        )
        fleet.note(name, other, alarm=number % 2 == 0)
        if number % 3 == 0:
            fleet.ill(
                name, ("disk", State.CRITICAL, f"{text} is 97 % full", 97.0), ("load", State.WARNING, other, 14.2)
            )
        elif number % 7 == 1:
            fleet.fail(name, Layer.TCP, text)
    fleet.answer = _answer
    return exhibit(fleet)


def _sample(sample: Sample, text: str, other: str) -> Sample:
    parts = {
        **sample.parts,
        "disks": (Disk(text, 1e6, 2e6, 12.0), Disk(other, 0.0, 0.0, 0.0)),
        "network": (Interface(text, 1e6, 2e6, 0.0), Interface(other, 0.0, 0.0, 0.5)),
        "temperatures": (Temperature(text, 80.0, 95.0), Temperature(other, 41.0)),
        "units": (Unit(text, other), Unit(other, text)),
        "users": (Session(text, other, text, 620.0),),
        "filesystems": (FileSystem(text, other, "8:1", False, 400 * GIB, 380 * GIB, 20 * GIB, 10**7, 9 * 10**6),),
    }
    return replace(sample, parts=parts)


def _answer(name: str, task: Task) -> Outcome:
    texts = list(TEXTS.values())
    at = sum(name.encode("utf-8", "replace")) % 5
    said = "\n".join(texts[at:] + texts[:at]).encode("utf-8", "replace")
    if at == 0:
        return Outcome(name, Ending.FAILED, 3, said, said, 0.2)
    if at == 1:
        return Outcome(name, Ending.UNREACHABLE, layer="tcp", error=texts[at + 10])
    return Outcome(name, Ending.OK, 0, said, b"\xff\xfe\x00" * 30, 0.1)
