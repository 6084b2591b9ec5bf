"""Scripts: what is one, and the options that one says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtui.errors import SpecError, UsageError
from gridtui.jobs.spec import script


def test_options_of_a_script() -> None:
    text = "#!/bin/sh\n# what it does\n#GRIDTUI --cpus 4 --name 'a b'  # half of it\n\n#GRIDTUI\t--retries 2\n#GRIDTUIS x\necho\n#GRIDTUI --late\n"
    assert script.options(text, "x.sh") == [(3, ["--cpus", "4", "--name", "a b"]), (5, ["--retries", "2"])]


def test_a_line_that_cannot_be_read() -> None:
    with pytest.raises(SpecError, match=r"^x.sh:2: this line cannot be read: no closing quotation"):
        script.options("#!/bin/sh\n#GRIDTUI --name 'a\n", "x.sh")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\x7fELF\0\xff", r"is no script; send a program as an input: --input .*tool -- \./tool"),
        (b"\xff\xfe", "is no script"),
        (b"#" * (1 << 20) + b"\n", "is over 1 MB"),
    ],
)
def test_what_is_no_script(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "tool"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        script.read(path)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: no such file"):
        script.read(tmp_path / "gone")
    with pytest.raises(UsageError, match="cannot be read: is a directory"):
        script.read(tmp_path)
