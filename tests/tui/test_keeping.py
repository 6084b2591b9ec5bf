"""What the dashboard keeps of itself."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from gridtui.errors import GridtuiError
from gridtui.tui.keeping import MOST, Keeping


def kept(tmp_path: Path, name: str) -> Path:
    return tmp_path / "state" / "gridtui" / "dashboard" / f"{name}.json"


async def test_what_is_put_is_there_in_the_next_session(tmp_path: Path) -> None:
    first = Keeping()
    assert first.get("views") == {}
    for number in range(5):
        first.put("views", {"mine": {"sort": "cpu", "number": number}})
    first.put("columns", {"names": ["state"]})
    await first.close()
    path = kept(tmp_path, "views")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    second = Keeping()
    assert second.get("views") == {"mine": {"sort": "cpu", "number": 4}}
    assert second.get("columns") == {"names": ["state"]}


async def test_what_is_given_is_a_copy() -> None:
    keeping = Keeping()
    value = {"names": ["a"]}
    keeping.put("columns", value)
    value["names"].append("b")
    keeping.get("columns")["names"].append("c")
    assert keeping.get("columns") == {"names": ["a"]}
    await keeping.close()


@pytest.mark.parametrize(
    "content", ["", "{", "[" * 200_000, "[1]", "null", "\xff\xfe", '"' + "x" * MOST + '"'], ids=range(7)
)
async def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = kept(tmp_path, "views")
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_bytes(content.encode("latin-1"))
    told: list[GridtuiError] = []
    keeping = Keeping(told.append)
    assert keeping.get("views") == {}
    assert keeping.get("views") == {}
    assert len(told) <= 1
    keeping.put("views", {"a": 1})
    await keeping.close()
    assert json.loads(path.read_text()) == {"a": 1}


async def test_a_disk_that_cannot_be_written_costs_the_keeping_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "state" / "gridtui"
    blocked.parent.mkdir()
    blocked.write_text("a file where the folder should be")
    told: list[GridtuiError] = []
    keeping = Keeping(told.append)
    keeping.put("views", {"a": 1})
    await keeping.close()
    keeping.put("views", {"a": 2})
    await keeping.close()
    assert keeping.get("views") == {"a": 2}
    assert len(told) == 1


async def test_a_name_is_a_word(tmp_path: Path) -> None:
    keeping = Keeping()
    for name in ("../x", "", "A", "a b", "a/b"):
        with pytest.raises(ValueError, match="no name"):
            keeping.get(name)
    await asyncio.sleep(0)
