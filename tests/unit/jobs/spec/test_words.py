"""Labels, variables, inputs, mounts, sandboxes and names, hostile ones too."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.errors import UsageError
from gridtui.jobs.model import Input, Level, Mount, Sandbox, Spec
from gridtui.jobs.spec import words
from gridtui.model import clean


@pytest.mark.parametrize(
    "text", ["", "a/b", "../x", ".x", "-x", "~x", "a\nb", "a\x1b[31m", "x" * 101, "\u202eabc", " "]
)
def test_names_that_could_do_harm(text: str) -> None:
    with pytest.raises(UsageError, match="no name for a job"):
        words.name(text)


def test_a_name_may_be_any_other_text() -> None:
    assert [words.name(text) for text in ("a", "Größe 3", "x.y-z", "frame[1]")] == ["a", "Größe 3", "x.y-z", "frame[1]"]
    assert words.name_of("/usr/bin/env") == "env"
    assert words.name_of("..") == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.txt", "a.txt"),
        ("a.txt:b/c.txt", "b/c.txt"),
        ("./sub/", "sub"),
        ("/etc/hosts", "hosts"),
        ("x/../a.txt", "a.txt"),
    ],
)
def test_an_input(tmp_path: Path, text: str, name: str) -> None:
    one = words.taken(text, tmp_path)
    assert one.name == name
    assert Path(one.path).is_absolute() and ".." not in one.path


@pytest.mark.parametrize(
    "text", ["", ":x", "a:../b", "a:/etc/passwd", "a:b/../../c", "a:b\nc", "a:~/x", "/", "a:\x1b]0;x\a"]
)
def test_no_input(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        words.taken(text, tmp_path)


def test_a_dot_is_the_folder_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert words.taken(".", tmp_path / "data") == Input(str(tmp_path / "data"), "data")


@pytest.mark.parametrize("text", ["../*", "/etc/*", "~/x", "a/../../b", "", "a\0b", "x\n"])
def test_no_output(text: str) -> None:
    with pytest.raises(UsageError, match="within the job's folder"):
        words.pattern(text)


def test_stars_for_folders_stand_alone() -> None:
    assert words.pattern("./**/x*/") == "**/x*"
    with pytest.raises(UsageError, match="alone between slashes"):
        words.pattern("a**/b")


@pytest.mark.parametrize("name", ["", ".", "../x", "/x", "a//b", "~/x", "a\nb", "\x1b[2J", "x/"])
def test_no_specification_brings_an_input_elsewhere(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name an input"):
        Spec("true", inputs=(Input("/etc/hosts", name),))


def test_no_image_is_an_option_of_the_engine() -> None:
    with pytest.raises(UsageError, match="cannot name an image"):
        Spec("true", sandbox=Sandbox(image="--privileged"))


def test_where_outputs_go(tmp_path: Path) -> None:
    assert words.destination("out/{name}-{index}", tmp_path) == f"{tmp_path}/out/{{name}}-{{index}}"
    with pytest.raises(UsageError, match=r"did you mean \{index\}"):
        words.destination("out/{indx}", tmp_path)


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/data", Mount("/data")),
        ("/data:/in", Mount("/data", "/in")),
        ("/data:rw", Mount("/data", "", True)),
        ("/data:/in:rw", Mount("/data", "/in", True)),
        ("/data:/in:ro", Mount("/data", "/in")),
        ("/data:/data", Mount("/data")),
    ],
)
def test_a_mount(text: str, mount: Mount) -> None:
    assert words.mount(text) == mount
    assert words.mount(words.spell_mount(mount)) == mount


@pytest.mark.parametrize("text", ["", "data", "/a:b", "/a:/b:/c", "/a/../b", "/a:/b:rx", "/a\n", ":/a"])
def test_no_mount(text: str) -> None:
    with pytest.raises(UsageError, match="no mount"):
        words.mount(text)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("plain", Level.PLAIN, Level.PLAIN),
        ("bwrap", Level.BWRAP, Level.BWRAP),
        ("bwrap+", Level.BWRAP, Level.CONTAINER),
        ("any", Level.PLAIN, Level.CONTAINER),
        ("plain-bwrap", Level.PLAIN, Level.BWRAP),
        ("Systemd", Level.SYSTEMD, Level.SYSTEMD),
    ],
)
def test_a_sandbox(text: str, least: Level, most: Level) -> None:
    assert words.sandbox(text) == (least, most)


@settings(deadline=None)
@given(st.sampled_from(Level), st.sampled_from(Level))
def test_a_sandbox_that_is_written_is_read(one: Level, other: Level) -> None:
    least, most = sorted((one, other))
    assert words.sandbox(words.spell_sandbox(least, most)) == (least, most)


@pytest.mark.parametrize(
    ("text", "hint"), [("bwarp", "did you mean bwrap"), ("systemd-bwrap", "weaker one first"), ("", "they are")]
)
def test_no_sandbox(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        words.sandbox(text)


def test_variables() -> None:
    here = {"HOME": "/root"}
    assert words.variable("A=b=c", here) == ("A", "b=c")
    assert words.variable("HOME", here) == ("HOME", "/root")
    for text, why in (
        ("NOT_SET", "not set here"),
        ("1A=x", "cannot name"),
        ("A B=x", "cannot name"),
        ("GRIDTUI_INDEX=3", "not for you"),
        ("A=\0", "NUL"),
        ("LD\n=x", "cannot name"),
    ):
        with pytest.raises(UsageError, match=why):
            words.variable(text, here)


def test_labels() -> None:
    assert words.label("team/kind=a=b") == ("team/kind", "a=b")
    for text in ("team", "=x", "1a=x", "a b=x", "a=\x1b[2J", "a=" + "x" * 300):
        with pytest.raises(UsageError):
            words.label(text)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_whatever_is_typed_is_read_or_refused_in_one_line(text: str) -> None:
    folder, said = Path("/nowhere"), list[str]()
    for read in (
        words.name,
        words.label,
        words.mount,
        words.sandbox,
        words.pattern,
        lambda text: words.taken(text, folder),
        lambda text: words.destination(text, folder),
        lambda text: words.variable(text, {}),
    ):
        try:
            read(text)
        except UsageError as error:
            said.append(str(error))
    assert said == list(map(clean, said))
