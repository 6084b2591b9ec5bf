"""`inventory validate` and `graph` for programs."""

from __future__ import annotations

import json
from pathlib import Path

from ..e2e.program import Program

GOOD = "web:\n  hosts:\n    web[01:02]:\n  children:\n    eu:\n      hosts:\n        web03:\n"
BAD = "web:\n  hosts:\n    web01:\n      gridtui_intervall: 3\n"


def test_validate_and_graph_as_json(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD)
    bad.write_text(BAD)
    with Program(tmp_path / "home") as program:
        run = program.run("-i", str(good), "inventory", "validate", "--json")
        assert (run.status, json.loads(run.stdout)["valid"]) == (0, True)
        run = program.run("-i", str(bad), "inventory", "validate", "--json")
        document = json.loads(run.stdout)
        assert (run.status, document["valid"]) == (1, False)
        assert (document["errors"][0]["file"], document["errors"][0]["line"]) == (str(bad), 4)
        run = program.run("-i", str(good), "inventory", "graph", "--json")
        groups = json.loads(run.stdout)["groups"]
        assert groups["web"] == {"children": ["eu"], "nodes": ["web01", "web02"]}
