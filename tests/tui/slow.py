"""A dashboard that tells on a pipe where its cursor is, for the test over a terminal that nobody reads.

python -m tests.tui.slow DESCRIPTOR
"""

from __future__ import annotations

import asyncio
import os
import sys

from gridtui.tui.app import Dashboard, serve

from .fake import FakeFleet
from .screens import table


async def main(descriptor: int) -> int:
    """Run until it is left."""
    fleet = FakeFleet(200, live=True)
    app = Dashboard(fleet)

    def tell() -> None:
        if app.is_running and app.screen_stack and fleet.started:
            os.write(descriptor, f"{table(app).cursor}\n".encode())
        asyncio.get_running_loop().call_later(0.05, tell)

    asyncio.get_running_loop().call_later(0.05, tell)
    return await serve(app)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]))))
