"""When the sandboxes are tried on a node, and when what was found before is believed."""

from __future__ import annotations

import os
from pathlib import Path

from gridtui.jobs.runner import VERSION, Runner
from gridtui.ssh.local import LocalConnection

from .conftest import here
from .orders import QUEUE


async def test_sandboxes_are_tried_again_once_programs_were_changed(
    home: Path, connection: LocalConnection, shell: str
) -> None:
    note = here(home) / f"levels-{VERSION}"

    async def levels() -> list[str]:
        runner = await Runner.open(connection, "here", queue=QUEUE, shell=shell)
        await runner.close()
        return runner.greeting.levels.splitlines()

    noted = note.read_text().splitlines()
    assert await levels() == noted, "nothing was installed since"
    os.utime(note, (0, 0))
    found = await levels()
    assert found != noted and "plain" in found
    assert await levels() == found == note.read_text().splitlines()
