"""docs/JOBS.md lists every field, and its examples are read by the program."""

from __future__ import annotations

import re
from pathlib import Path

from gridtui.jobs.spec import FIELDS, IDLE, Shape, parse_yaml

GUIDE = (Path(__file__).parents[4] / "docs" / "JOBS.md").read_text()


def test_every_field_is_in_the_guide() -> None:
    rows = {
        flag: row
        for row in GUIDE.splitlines()
        if row.startswith("| `-")
        for flag in re.findall(r"`(--[a-z-]+)", row.split("|")[1])
    }
    for field in FIELDS.values():
        assert f"`{field.key}" in rows[field.flag].split("|")[2], field.key
        shown = rows[field.flag].split("|")[1]
        assert (field.metavar in shown) if field.shape is not Shape.PAIRS else (field.metavar[:4] in shown)
    for field in IDLE.values():
        assert f"`{field.key}" in rows[f"--idle-{field.key}"].split("|")[2], field.key
    options = {field.flag for field in FIELDS.values()} | {f"--idle-{key}" for key in IDLE}
    assert rows.keys() - options == {"--each", "--idle", "--idle-"}


def test_the_guides_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "model.blend").touch()
    texts = re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)
    assert texts
    for text in texts:
        found = parse_yaml(text, "jobs.yaml", tmp_path)
        assert [one.key for one in found] == ["frames", "movie"]
        assert found[0].spec.retries == 2 and found[1].spec.into == str(tmp_path)
