"""The entry point: hands the words of the command line to `cli.main`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    if sys.argv[1:] == ["--version"]:
        # Asked by scripts and shells' prompts: answered before anything is imported.
        from . import __version__

        sys.stdout.write(f"gridtui {__version__}\n")
        return
    try:
        from .cli.main import main as run
    except KeyboardInterrupt:  # nobody who is this quick wants to read a traceback
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
