"""What is offered to complete a line, and in which order. Owns how what is typed is compared with a word; pure, knows no widget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

MOST = 40
"""Offers that are made at once: nobody reads more."""

Word = tuple[str, str]
"""A word and a line of help about it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """`text` is the whole line once the offer is taken; `word` and `help` are what the reader sees of it."""

    text: str
    word: str
    help: str = ""
    ends: bool = True
    """Whether the line is complete with it; else something has to follow."""


def rank(typed: str, word: str) -> int | None:
    """How well a word fits what is typed, without regard to case: 0 best, None not at all.

    It is the word, its beginning, the beginning of one of its parts (`next_theme`, `mem.free`), somewhere in it, or its letters in order.
    """
    if not typed:
        return 1
    lower, want = word.lower(), typed.lower()
    if lower == want:
        return 0
    if lower.startswith(want):
        return 1
    at = lower.find(want)
    if at > 0:
        return 3 if lower[at - 1].isalnum() else 2
    if len(want) < 2:
        return None
    for letter in want:
        at = lower.find(letter, at + 1)
        if at < 0:
            return None
    return 4


def fitting(typed: str, words: Iterable[Word], most: int = MOST) -> list[Word]:
    """The words that fit, best first, equals in the order in which they came; at most so many."""
    ranks: tuple[list[Word], ...] = ([], [], [], [], [])
    for word in words:
        found = rank(typed, word[0])
        if found is not None:
            ranks[found].append(word)
            if found <= 1 and len(ranks[1]) >= most:
                break
    return [word for same in ranks for word in same][:most]


def moved(offers: Sequence[Offer], before: str) -> list[Offer]:
    """The same offers for a line that has `before` in front."""
    return [replace(offer, text=before + offer.text) for offer in offers]


def ghost(typed: str, offers: Sequence[Offer]) -> str:
    """The line that is shown behind the cursor as what may be meant; '' when nothing goes on from what is typed."""
    if not typed:
        return ""
    return next((offer.text for offer in offers if offer.text != typed and offer.text.startswith(typed)), "")
