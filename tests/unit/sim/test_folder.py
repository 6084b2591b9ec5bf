"""The files that a controller gets: an inventory that Ansible reads alike, keys, known_hosts."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

import asyncssh
import pytest
import yaml

from gridtui.sim import folder as files
from gridtui.sim.population import Ail, population


def seats(count: int, one_port: bool = True) -> list[files.Seat]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return [
        files.Seat(person, person.address if one_port else "127.0.0.1", 2200 if one_port else 2200 + person.index, key)
        for person in population(count)
    ]


def test_the_folder_is_the_owners_alone(tmp_path: Path) -> None:
    login = asyncssh.generate_private_key("ssh-ed25519")
    target = tmp_path / "new" / "demo"
    folder = files.write(target, seats(3), login)
    files.write(target, seats(4), login)  # a second run replaces the first
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert sorted(path.name for path in target.iterdir()) == ["id_ed25519", "inventory.yaml", "known_hosts"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o600}
    assert asyncssh.read_private_key(folder.identity).public_data == login.public_data
    assert len(asyncssh.read_known_hosts(str(folder.known_hosts)).match("127.77.0.1", "", 2200)[0]) == 1


@pytest.mark.parametrize("one_port", [True, False])
def test_the_inventory_names_every_node_with_all_it_needs(tmp_path: Path, one_port: bool) -> None:
    folder = files.Folder(tmp_path)
    people = seats(40, one_port)
    data = yaml.safe_load(files.inventory(folder, people, with_local=True))["all"]
    assert data["hosts"]["this-machine"]["ansible_connection"] == "local"
    assert data["hosts"].keys() == {"this-machine"}
    simulated = data["children"]["simulated"]
    assert simulated["vars"]["simulated"] is True
    assert simulated["vars"]["ansible_user"] == files.USER
    assert simulated["vars"]["ansible_ssh_private_key_file"] == str(tmp_path / "id_ed25519")
    assert f"-o UserKnownHostsFile={tmp_path}/known_hosts" in simulated["vars"]["ansible_ssh_common_args"]
    found = {
        name: simulated["vars"] | values
        for group in simulated["children"].values()
        for name, values in group["hosts"].items()
    }
    assert found.keys() == {seat.person.name for seat in people}
    for seat in people:
        values = found[seat.person.name]
        assert (values["ansible_host"], values["ansible_port"]) == (seat.host, seat.port)
        assert values["gridtui_labels"] == seat.person.labels
        assert values.get("gridtui_parent") == seat.person.parent
        assert values.get("gridtui_maintenance", False) is (Ail.MAINTENANCE in seat.person.ails)
    by_site = {name: set(group["hosts"]) for name, group in data["children"].items() if name.startswith("site_")}
    assert set().union(*by_site.values()) == found.keys()
    assert "gw-harbour" in by_site["site_harbour"]


def test_a_folder_with_blanks_and_quotes_is_quoted_twice() -> None:
    folder = files.Folder(Path("/tmp/a b/it's"))
    args = yaml.safe_load(files.inventory(folder, seats(1), False))["all"]["children"]["simulated"]["vars"][
        "ansible_ssh_common_args"
    ]
    assert shlex.split(args)[1] == 'UserKnownHostsFile="/tmp/a b/it\'s/known_hosts"'


def test_strangers_and_impostors_have_no_key_that_holds() -> None:
    people = seats(40)
    known = asyncssh.import_known_hosts(files.known_hosts(people).decode())
    for seat in people:
        keys = {key.public_data for key in known.match(seat.host, "", seat.port)[0]}
        assert bool(keys) is (Ail.STRANGER not in seat.person.ails)
        assert (seat.key.public_data in keys) is (not seat.person.ails & {Ail.STRANGER, Ail.IMPOSTOR})
