"""gridtui as its users run it: a process with a home of its own. Owns the process and what it wrote; knows no command.

program = Program(tmp_path)
done = program.run("-i", inventory, "check", "--json")
assert done.status == 0 and done.json["state"] == "OK"
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    """What a run left. `peak` is the most memory that it held at once, in bytes (VmHWM of proc(5), read every 10 ms)."""

    words: tuple[str, ...]
    status: int
    """The exit status, or minus the signal's number."""
    out: bytes
    err: bytes
    seconds: float
    peak: int

    @property
    def stdout(self) -> str:
        """Standard output; anything but UTF-8 is an error of the program."""
        return self.out.decode()

    @property
    def stderr(self) -> str:
        """Standard error, the same."""
        return self.err.decode()

    @property
    def json(self) -> Any:
        """Standard output as one JSON document, which by RFC 8259 has no NaN."""
        return json.loads(self.out, parse_constant=_refuse)

    def is_clean(self) -> bool:
        """Whether nothing in either stream could move a terminal: no control byte but newline and tab, no C1."""
        streams = self.out, self.err
        c1 = any(0x80 <= ord(char) < 0xA0 for stream in streams for char in stream.decode())
        return not c1 and not any(_CONTROL.search(stream) for stream in streams)

    def __repr__(self) -> str:
        return f"{' '.join(self.words)} gave {self.status} after {self.seconds:.1f} s\n{self.out[-4000:]!r}\n{self.err[-4000:]!r}"


class Running:
    """A run that goes on. Its streams are files, so that nothing is lost and nothing blocks."""

    def __init__(self, folder: Path, words: tuple[str, ...], env: dict[str, str], **options: Any) -> None:
        self.words = words
        self._out = (folder / f"out-{time.monotonic_ns()}").open("w+b")
        self._err = (folder / f"err-{time.monotonic_ns()}").open("w+b")
        self._began = time.monotonic()
        self._peak = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gridtui", *words],
            env=env,
            **{"stdin": subprocess.DEVNULL, "stdout": self._out, "stderr": self._err, "cwd": folder, **options},
        )

    def close(self) -> None:
        """End it, whatever it is doing, and close its streams."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._out.close()
        self._err.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def so_far(self) -> bytes:
        """Both streams up to now."""
        return b"".join(Path(stream.name).read_bytes() for stream in (self._out, self._err))

    def wait(self, timeout: float = 30) -> Done:
        """Its end. Kills it and fails when it is late."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"still runs after {timeout:g} s: {self._done()}")
            self._peak = max(self._peak, _high_water(self.pid))
            time.sleep(0.01)
        return self._done()

    def _done(self) -> Done:
        texts = []
        for stream in (self._out, self._err):
            stream.seek(0)
            texts.append(stream.read())
            stream.close()
        seconds = time.monotonic() - self._began
        return Done(self.words, self.process.returncode, texts[0], texts[1], seconds, self._peak)


class Program:
    """Runs gridtui with a home, a configuration and a state folder of its own under `folder`. What still runs at the end of
    the context is killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.state = folder / "state"
        self._running: list[Running] = []
        for path in (self.home / ".ssh", self.state):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRIDTUI_", "XDG_", "SSH_"))}
        kept.pop("NO_COLOR", None)
        # Coverage and the like must not write into what a test compares.
        self.env = {
            **kept,
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.state),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for running in self._running:
            running.close()

    def start(self, *words: str | Path, env: dict[str, str] | None = None, **options: Any) -> Running:
        """Begin a run. `options` as for `subprocess.Popen`."""
        running = Running(self.folder, tuple(map(str, words)), {**self.env, **(env or {})}, **options)
        self._running.append(running)
        return running

    def run(self, *words: str | Path, timeout: float = 30, env: dict[str, str] | None = None, **options: Any) -> Done:
        """A whole run."""
        return self.start(*words, env=env, **options).wait(timeout)

    def settings(self, text: str) -> Path:
        """Write the settings file."""
        path = self.folder / "config" / "gridtui" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def inventory(self, text: str, name: str = "inventory.yaml") -> Path:
        """Write an inventory beside the home."""
        path = self.folder / name
        path.write_text(text)
        return path


def _high_water(pid: int) -> int:
    # Not ru_maxrss: that one counts what the parent held before the exec, too.
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)
    return int(found[1]) * 1024 if found else 0


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
