"""What the words are that narrow a list of jobs, and how such a line is completed. Reads a few of the newest submissions; draws nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import GridtuiError
from ..model import clean
from .offers import Offer, Word, fitting

if TYPE_CHECKING:
    from .bridge import Jobs

MANY = 60
"""Submissions that are looked at for names and users: those that run, that wait and that have ended, so many of each."""
LABELLED = 6
"""Submissions of each that are looked at for labels: each is a read of its own."""


def offers(line: str, words: Iterable[Word]) -> list[Offer]:
    """What the last word of a line may be; not what stands there already."""
    before, blank, last = line.rpartition(" ")
    given = set(before.split())
    return [
        Offer(f"{before}{blank}{word}", word, about)
        for word, about in fitting(last, ((word, about) for word, about in words if word not in given))
    ]


def job_words(jobs: Jobs) -> list[Word]:
    """States, then users, names and labels as the newest submissions have them. Raises GridtuiError."""
    from ..jobs.model import Group, JobId, JobState

    users: dict[str, str] = {}
    names: dict[str, str] = {}
    labels: dict[str, str] = {}
    for group in Group:
        for at, one in enumerate(jobs.progress(group=group, limit=MANY)):
            users.setdefault(one.user, "who submitted it")
            names.setdefault(one.name, "a name")
            if at < LABELLED:
                try:
                    spec = jobs.show(JobId(one.number, 0 if one.array else None)).spec
                except GridtuiError:
                    continue  # pruned since
                for label, value in spec.labels.items():
                    labels.setdefault(f"{label}={value}", "a label")
    found = {**{state.value: "a state" for state in JobState}, **users, **names, **labels}
    # What cannot be typed as one word, or is not what it seems, is not offered.
    return [(word, about) for word, about in found.items() if word and word == clean(word) and " " not in word]
