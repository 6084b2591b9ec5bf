"""Broken inventories: every error is one line that names file, line and column, and says how to mend it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from gridtui import inventory
from gridtui.errors import InventoryError

# name of the file, its text, `line:column` (or '' where there is none), and parts of the message
CASES: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("a.yaml", "all:\n  hosts:\n\tweb1:\n", "3:1", ("not valid YAML", "tabs")),
    ("a.yaml", "all:\n  vars:\n    a: {{ b }}\n  hosts: {x: }\n", "3:9", ("YAML",)),
    ("a.yaml", "all: [", "2:1", ("not valid YAML",)),
    ("a.yaml", "", "", ("empty",)),
    ("a.yaml", "- web1\n- web2\n", "1", ("a list", "begin with `all:`")),
    ("a.yaml", "all:\n  hosts:\n    - web1\n", "2:3", ("`hosts` of group all", "a list", "without `-`")),
    ("a.yaml", "all:\n  hosts:\n    web1: 5\n", "3:5", ("host web1", "name: value")),
    ("a.yaml", "all:\n  hosts:\n    17:\n", "3:5", ("17", "quotes")),
    ("a.yaml", "all:\n  children:\n    web: [a]\n", "3:5", ("group web", "a list")),
    ("a.yaml", "all:\n  hosts:\n    web[1:]:\n", "3:5", ("has no end",)),
    ("a.yaml", "all:\n  hosts:\n    web[01:100]:\n", "3:5", ("equally long",)),
    ("a.yaml", "all:\n  hosts:\n    web[1-20]:\n", "3:5", ("[begin:end]",)),
    ("a.yaml", "all:\n  hosts:\n    web[1:999999999]:\n", "3:5", ("more than 200,000",)),
    ("a.yaml", "all:\n  hosts:\n    a[1:999][1:999][1:999]:\n", "3:5", ("more than 200,000",)),
    ("a.yaml", "all:\n  hosts:\n    web[1:5:0]:\n", "3:5", ("step",)),
    ("a.yaml", "all:\n  hosts:\n    web[f:a]:\n", "3:5", ("begin comes after end",)),
    ("a.yaml", "all:\n  hosts:\n    '-oProxyCommand=x':\n", "3:5", ("begins with `-`",)),
    ("a.yaml", "all:\n  hosts:\n    'a;b':\n", "3:5", ("`;`", "safe")),
    ("a.yaml", 'all:\n  hosts:\n    "a\\e[31m":\n', "3:5", ("`a·[31m`",)),
    ("a.yaml", 'all:\n  hosts:\n    "a\\nb":\n', "3:5", ("U+000A",)),
    ("a.yaml", "all:\n  hosts:\n    'a b':\n", "3:5", ("U+0020",)),
    ("a.yaml", "all:\n  hosts:\n    'a$(x)':\n", "3:5", ("`$`",)),
    ("a.yaml", "all:\n  hosts:\n    h:\n      ansible_port: 70000\n", "4:7", ("70000", "1 to 65535")),
    ("a.yaml", "all:\n  hosts:\n    h:\n      ansible_port: 1:30x\n", "4:7", ("1:30x",)),
    ("a.yaml", "all:\n  vars:\n    ansible_port: 0\n  hosts: {a: , b: }\n", "3:5", ("`0`", "quotes")),
    ("a.yaml", "all:\n  hosts:\n    h: {ansible_host: '-x'}\n", "3:9", ("ansible_host",)),
    ("a.yaml", "all:\n  hosts:\n    h: {ansible_host: [a]}\n", "3:9", ("must be text",)),
    ("a.yaml", "all:\n  hosts:\n    h: {ansible_host: !vault x}\n", "3:9", ("encrypted by ansible-vault",)),
    ("a.yaml", "all:\n  hosts:\n    h: {ansible_host: '{{ nothing }}'}\n", "3:9", ("nothing is not set",)),
    ("a.yaml", "all:\n  hosts:\n    h: {ansible_user: \"{{ x | upper }}\"}\n", "3:9", ("only Ansible",)),
    ("a.yaml", "all:\n  hosts:\n    h: {ansible_user: '{{ a }}', a: '{{ ansible_user }}'}\n", "3:9", ("without end",)),
    ("a.yaml", "all:\n  hosts:\n    h: {ansible_ssh_common_args: \"-o 'x\"}\n", "3:9", ("quote",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_maintenence: true\n  hosts: {a: }\n", "3:5", ("did you mean gridtui_maintenance?",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_maintenance: perhaps\n  hosts: {a: }\n", "3:5", ("true or false",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_interval: fast\n  hosts: {a: }\n", "3:5", ("seconds, from 0.05",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_ping_interval: 10ms\n  hosts: {a: }\n", "3:5", ("from 0.05 to a week",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_interval: -1\n  hosts: {a: }\n", "3:5", ("seconds, from 0.05",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_interval: .inf\n  hosts: {a: }\n", "3:5", ("seconds, from 0.05",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_labels: berlin\n  hosts: {a: }\n", "3:5", ("a mapping",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_labels: {load: x}\n  hosts: {a: }\n", "3:5", ("means something else",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_labels: {'a b': x}\n  hosts: {a: }\n", "3:5", ("must begin with a letter",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_labels: {a: [x]}\n  hosts: {a: }\n", "3:5", ("text or a number",)),
    ("a.yaml", "all:\n  vars:\n    gridtui_thresholds: 5\n  hosts: {a: }\n", "3:5", ("mapping of rules",)),
    ("a.yaml", "all:\n  hosts:\n    gate: \n    b: {gridtui_parent: gaet}\n", "4:9", ("did you mean gate?",)),
    ("a.yaml", "all:\n  hosts:\n    a: {gridtui_parent: b}\n    b: {gridtui_parent: a}\n", "3:9", ("a → b → a",)),
    ("a.yaml", "all:\n  hosts:\n    a: {gridtui_parent: a}\n", "3:9", ("loop",)),
    ("a.yaml", "a:\n  children:\n    b:\n      children:\n        a: {hosts: {h: }}\n", "3:5", ("loop",)),
    ("a.yaml", "a:\n  vars: {ansible_group_priority: high}\n  hosts: {h: }\n", "2:3", ("whole number",)),
    ("a.ini", "[web\nhost\n", "1", ("[web", "bracket")),
    ("a.ini", "[web servers]\nhost\n", "1", ("no section", "without blanks")),
    ("a.ini", "[web:childs]\na\n", "1", ("childs", "did you mean [web:children]?")),
    ("a.ini", "[web]\na\n[all:children]\nwbe\n", "4", ("group wbe", "did you mean web?")),
    ("a.ini", "[web]\na\n[wbe:vars]\nx=1\n", "3", ("group wbe is not defined", "did you mean web?")),
    ("a.ini", "[web]\na b c\n", "2:3", ("`b`", "name=value")),
    ("a.ini", "[web]\na x='1\n", "2", ("close the quote",)),
    ("a.ini", "[web]\na\n[web:vars]\nnothing\n", "4", ("`nothing` is not `name=value`",)),
    ("a.ini", "[web]\na ansible_port=abc\n", "2:3", ("abc",)),
    ("a.ini", "[web]\na\n[web:vars]\nx=1\ngridtui_intervall=5\n", "5:1", ("did you mean gridtui_interval?",)),
    ("a.ini", "ansible_host=1.2.3.4\n", "1", ("no host name",)),
    ("a.ini", "---\nall:\n", "1", ("YAML",)),
    ("a.ini", "all:\n  hosts:\n", "1", ("YAML",)),
    ("hosts", "[web]\nok\nbad host\n", "3:5", ("name=value",)),
    ("hosts", "all:\n  hosts:\n   a: [\n", "4:1", ("not valid YAML",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1][:40])
def test_says_what_where_and_how(case: tuple[str, str, str, tuple[str, ...]], tmp_path: Path) -> None:
    name, text, where, parts = case
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InventoryError) as caught:
        inventory.load([file])
    error = caught.value
    line, _, column = where.partition(":")
    assert (error.file, str(error.line or ""), str(error.column or "")) == (str(file), line, column), str(error)
    assert all(part in str(error) for part in parts), str(error)
    assert str(error).isprintable()


def test_an_error_in_group_vars_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("x: 1\ngridtui_interval: never\n")
    (tmp_path / "hosts").write_text("[web]\na\nb\n")
    with pytest.raises(InventoryError) as caught:
        inventory.load([tmp_path / "hosts"])
    assert str(caught.value).startswith(f"{tmp_path}/group_vars/web.yml:2:1: gridtui_interval is `never`")


def test_all_that_is_wrong_at_once_and_each_thing_once(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(
        dedent("""\
        all:
          vars:
            gridtui_interval: never
          hosts:
            a[1:50]:
            b: {ansible_port: x}
            "c d":
        """)
    )
    found, loaded = inventory.problems([file])
    assert loaded is None
    assert [error.line for error in found] == [7, 3, 6]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("all:\n  hosts:\n    a:\n    a:\n", "4:5: key `a`"),
        ("all:\n  host: {b: }\n  hosts: {a: }\n", "did you mean hosts?"),
        ("all:\n  vars: {no: 1}\n  hosts: {a: }\n", "quotes"),
        ("all:\n  hosts: {a: {gridtui_from_the_future: 1}}\n", "gridtui_from_the_future"),
        ("all:\n  hosts: {'a[5:1]': , b: }\n", "counts down"),
        ("all:\n  hosts: {a: {ansible_connection: winrm}}\n", "winrm"),
        ("a: {hosts: {a: }}\n", "host and of a group"),
        ("all: {hosts: {h: {ansible_ssh_common_args: '-Z x'}}}\n", "-Z"),
    ],
)
def test_what_is_odd_is_a_warning(text: str, part: str, tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(text)
    loaded = inventory.load([file])
    assert len(loaded.warnings) == 1
    assert part in loaded.warnings[0]


def test_files_that_are_no_inventories(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\x00\xff\xfe\x80abc")
    (tmp_path / "vault").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    (tmp_path / "locked").symlink_to(tmp_path / "locked")
    for name, part in (
        ("binary", "UTF-8"),
        ("vault", "ansible-vault"),
        ("missing", "no such"),
        ("locked", "cannot be read"),
    ):
        with pytest.raises(InventoryError, match=part):
            inventory.load([tmp_path / name])
    (tmp_path / "deep.yaml").write_text("all: " + "[" * 5000)
    with pytest.raises(InventoryError):
        inventory.load([tmp_path / "deep.yaml"])


def test_vaulted_values_never_show(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(
        "all:\n  hosts:\n    a:\n      x: 1\n      y: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        61626364\n"
    )
    loaded = inventory.load([file])
    node = loaded.nodes["a"]
    assert "61626364" not in repr(node)
    assert inventory.public_vars(node)["y"] == "<vault>"


def test_a_vaulted_vars_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "a.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    (tmp_path / "hosts.ini").write_text("a\n")
    loaded = inventory.load([tmp_path / "hosts.ini"])
    assert "a.yml: encrypted" in loaded.warnings[0]


def test_a_password_written_as_in_yaml_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "hosts.ini"
    file.write_text("a\n[all:vars]\nansible_password: hunter2\n")
    found, _ = inventory.problems([file])
    assert found
    assert "ansible_password" in str(found[0])
    assert "hunter2" not in str(found[0])
