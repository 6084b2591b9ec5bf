"""The dashboard. Talks to `fleet.Fleet` alone and never to the rooms below it; nobody imports it but the command that shows it."""

from __future__ import annotations

from .app import Dashboard, run, serve

__all__ = ["Dashboard", "run", "serve"]
