"""Data out to many nodes and back, with the real rsync over the system's ssh. Knows the parts below it, no other service, no face."""

from __future__ import annotations

from .model import Direction, Ending, Options, Plan, Progress, Stage, Transfer

__all__ = ["Direction", "Ending", "Options", "Plan", "Progress", "Stage", "Transfer"]
