"""One ansible-playbook, run by ansible-runner in a thread of its own. Owns that thread, what crosses from it, and how the run is ended.

ansible-runner's own files lie in the scratch folder and go with it; what is kept of a run is `artefacts`' to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import keeper

_SETTINGS = {"pexpect_timeout": 0.5, "suppress_output_file": True, "suppress_ansible_output": True}
"""Of ansible-runner: seconds between two looks at a program that says nothing; no output in files or on our own."""


class Process:
    """One run of ansible-playbook. `finish` is called once; `interrupt` and `abandon` at any time."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path, ident: str) -> None:
        """`folder` is the run's scratch folder, `ident` a folder in it that is ours until the end."""
        self._words, self._environment = list(words), dict(environment)
        self._folder, self._ident = folder, ident
        self._ended = False

    async def finish(self, event: Callable[[dict[str, Any]], None]) -> int:
        """Run it to its end; `event` gets each event, on the event loop and in order. The exit status of ansible-playbook."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()

        def settle(status: int | None, error: BaseException | None) -> None:
            if done.done():
                return
            if error:
                done.set_exception(error)
            else:
                done.set_result(status or 0)

        def cross(data: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(event, data)

        def work() -> None:
            status, error = None, None
            try:
                status = self._run(cross)
            except Exception as problem:
                error = problem
            with contextlib.suppress(RuntimeError):  # the loop may be gone
                loop.call_soon_threadsafe(settle, status, error)

        thread = threading.Thread(target=work, name=f"playbook {self._ident}", daemon=True)
        thread.start()
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            self.abandon()
            await asyncio.wait([done])
            raise
        finally:
            self._ended = True
            thread.join()

    def interrupt(self) -> None:
        """Ask Ansible to end: nothing new begins."""
        self._signal(signal.SIGINT)

    def abandon(self) -> None:
        """End it and all that it started at once."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        """Tell the keeper, as soon as it is there."""
        if self._ended:
            return
        try:
            pid = int((self._folder / self._ident / keeper.PID_FILE).read_text("ascii"))
            os.kill(pid, number)
        except (FileNotFoundError, ValueError):
            asyncio.get_running_loop().call_later(0.05, self._signal, number)
        except ProcessLookupError:
            return

    def _run(self, event: Callable[[dict[str, Any]], None]) -> int:
        from ansible_runner import Runner, RunnerConfig  # 0.2 s to load

        place = self._folder / self._ident
        (place / "env").mkdir(mode=0o700)
        # ansible-runner reads these from a file alone
        (place / "env" / "settings").write_text(json.dumps(_SETTINGS))
        config = RunnerConfig(
            private_data_dir=str(place),
            playbook="-",  # the words are ours: ansible-runner knows neither several playbooks nor a pipe for a password
            ident="events",
            envvars=self._environment,
            fact_cache_type="memory",
            quiet=True,
        )
        config.prepare()
        config.command = [
            sys.executable,
            "-I",
            "-S",
            keeper.__file__,
            str(os.getpid()),
            str(self._folder),
            str(place),
            *self._words,
        ]
        config.cwd = os.getcwd()

        def handle(data: dict[str, Any]) -> bool:
            event(data)
            return False  # nothing of it is written down: what is kept is decided elsewhere

        def status(data: dict[str, Any], runner_config: RunnerConfig) -> None:
            if data.get("status") == "running":
                # it has written the whole environment down, secrets of the user's included
                (place / "artifacts" / "events" / "command").unlink(missing_ok=True)

        runner = Runner(config, event_handler=handle, status_handler=status)
        runner.run()
        code = runner.rc
        return code if isinstance(code, int) else 255
