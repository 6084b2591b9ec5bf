"""Ping: ICMP echo over one paced socket a family, and the layers above it (TCP, the SSH greeting).

Knows IP addresses and round trips; knows nothing of inventories, logins or screens. docs/PING.md tells how it measures.
"""

from .icmp import SLEPT, UNANSWERED
from .layers import address, banner, diagnose, knock, tcp
from .pinger import Pinger
from .ring import Ring
from .sweeps import Swept, sweep

__all__ = ["SLEPT", "UNANSWERED", "Pinger", "Ring", "Swept", "address", "banner", "diagnose", "knock", "sweep", "tcp"]
