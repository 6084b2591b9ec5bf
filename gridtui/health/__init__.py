"""Rules over samples: observations in, verdicts out. Pure: it does no input or output, and time comes in from outside.

`rules_for` says what is in force for a node, `judge` makes a verdict of what was seen, `blame` finds the one dead
parent behind many silent nodes, `Report` is what a whole check found. docs/HEALTH.md is the guide.
"""

from __future__ import annotations

from .blaming import blame, is_down
from .grounds import Ground, grounds
from .judging import Observation, changed, judge
from .memory import Memory
from .ranges import Range
from .report import NodeReport, Report
from .rules import DEFAULT_RULES, Rule, Rules, limits, rules_for
from .texts import mute_text, value_text

__all__ = [
    "DEFAULT_RULES",
    "Ground",
    "Memory",
    "NodeReport",
    "Observation",
    "Range",
    "Report",
    "Rule",
    "Rules",
    "blame",
    "changed",
    "grounds",
    "is_down",
    "judge",
    "limits",
    "mute_text",
    "rules_for",
    "value_text",
]
