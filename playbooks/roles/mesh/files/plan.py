"""Who talks with whom in the mesh, and how: the question on standard input, the answer on standard output, both JSON.

Runs on the controller, with nothing but Python. Owns addresses, peers and the relay; makes no key and reaches no node.

The question, behind a first line that keeps Ansible from taking it for data: `networks`, `interface`, `keepalive`, `mtu`, `known` (public keys that
the controller has of earlier runs: name to `public` and `since`) and `members` (name to `endpoint`, `port`, `relay`, `addresses`, and `said`: the lines
that a node in this run printed, none of the others). The answer: `nodes` (name to `settings` and `peers`, of those in this run; what the nodes are to
have as files), `others` (name to blocks of peers, for members outside of this run), `known`, `unknown` (members without a key).

What a node said is believed about itself; what it remembers of others is used for its own file and for nobody else's.
"""

import hashlib
import ipaddress
import json
import re
import sys

KEY = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}")
HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,14}")
TIME = re.compile(r"[0-9]{1,11}")
MOST = 4096


class Refused(Exception):
    """What is asked for cannot be; the text is one line for people."""


def main():
    _, _, text = sys.stdin.read().partition("\n")
    try:
        answer = plan(json.loads(text))
    except Refused as error:
        sys.exit(f"mesh: {error}")
    json.dump(answer, sys.stdout, sort_keys=True)


def plan(question):
    """The answer to a question. Raises Refused."""
    members = question["members"]
    interface = question["interface"]
    if not INTERFACE.fullmatch(interface):
        raise Refused(f"mesh_interface {interface!r} is no name of an interface")
    networks = [network(text) for text in question["networks"]]
    if not networks:
        raise Refused("mesh_networks is empty")
    for name, member in members.items():
        check(name, member, members, networks)
    addresses = addressed(members, networks)
    said = {name: heard(member["said"]) for name, member in members.items()}
    known = keys(said, question["known"], members)
    relays = {member["relay"] for member in members.values()} - {""}
    nodes, others = {}, {}
    for name in members:
        mine = peers(name, members, known, addresses, networks, question["keepalive"], said[name]["remembered"])
        if said[name]["public"]:
            nodes[name] = {
                "settings": settings(interface, addresses[name], question["mtu"], name in relays),
                "peers": f"# Written by the playbook mesh.\nListenPort = {members[name]['port']}\n"
                + "".join(mine.values()),
                "relay": name in relays,
            }
        elif name in known:
            others[name] = "".join(block for peer, block in mine.items() if peer in known)
    return {
        "nodes": nodes,
        "others": others,
        "known": known,
        "unknown": sorted(name for name in members if name not in known),
    }


def network(text):
    try:
        found = ipaddress.ip_network(text)
    except ValueError as error:
        raise Refused(f"mesh_networks: {error}") from None
    if found.num_addresses < 4:
        raise Refused(f"mesh_networks: {found} has no room for two nodes")
    return found


def check(name, member, members, networks):
    """A name, endpoint, port and relay that can stand in a file of WireGuard's."""
    if not NAME.fullmatch(name):
        raise Refused(f"{name!r} cannot be the name of a node")
    endpoint = member["endpoint"]
    for inside in networks:
        try:
            if ipaddress.ip_address(endpoint) in inside:
                raise Refused(
                    f"{name}: others reach it at {endpoint}, which is inside of the mesh ({inside}): set mesh_endpoint or mesh_networks"
                )
        except ValueError:
            break  # a name
    try:
        member["endpoint"] = f"[{ipaddress.IPv6Address(endpoint)}]"
    except ValueError:
        if not HOST.fullmatch(endpoint):
            raise Refused(f"{name}: {endpoint!r} is no address that others can reach it by") from None
    if not 0 < member["port"] < 65536:
        raise Refused(f"{name}: mesh_port {member['port']} is no port")
    relay = member["relay"]
    if relay and (relay not in members or relay == name):
        raise Refused(f"{name}: its relay {relay!r} is no other member of the mesh")
    if relay and members[relay]["relay"]:
        raise Refused(f"{name}: its relay {relay} is itself behind a relay")


def addressed(members, networks):
    """Each member's interfaces (`ip_interface`), one a network."""
    found, taken = {}, {}
    for name, member in members.items():
        found[name] = []
        given = []
        for text in member["addresses"]:
            try:
                given.append(ipaddress.ip_address(text.split("/")[0]))
            except ValueError as error:
                raise Refused(f"{name}: mesh_addresses: {error}") from None
        for inside in networks:
            mine = [address for address in given if address in inside]
            address = mine[0] if mine else derived(name, inside)
            if address in taken:
                raise Refused(
                    f"{taken[address]} and {name} have both the address {address}: give one of them another in mesh_addresses"
                )
            taken[address] = name
            found[name].append(ipaddress.ip_interface(f"{address}/{inside.prefixlen}"))
        if left := [str(address) for address in given if not any(address in inside for inside in networks)]:
            raise Refused(f"{name}: mesh_addresses: {', '.join(left)} is in none of the mesh's networks")
    return found


def derived(name, inside):
    """An address that follows from the name alone, so that it stays whoever else comes and goes. Never the first or the last one."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
    return inside[1 + digest % (inside.num_addresses - 2)]


def heard(lines):
    """What a node said: its own key, and the blocks of peers that it has, by name. Strict: a node may be anybody's by now."""
    fields, remembered, name = {}, {}, ""
    for line in lines[: 16 * MOST]:
        if line.startswith("| "):
            words = line.split()
            if words[1:3] == ["#", "peer"]:
                name = (
                    words[3]
                    if len(words) == 6
                    and NAME.fullmatch(words[3])
                    and KEY.fullmatch(words[4])
                    and TIME.fullmatch(words[5])
                    else ""
                )
                if name:
                    remembered[name] = {"public": words[4], "since": int(words[5])}
        else:
            field, _, value = line.partition("=")
            fields.setdefault(field, value)
    public, since = fields.get("public", ""), fields.get("since", "")
    if not (KEY.fullmatch(public) and TIME.fullmatch(since)):
        public, since = "", "0"
    return {"public": public, "since": int(since), "remembered": remembered}


def keys(said, before, members):
    """The public key of each member that has one: its own word, else what the controller knows of earlier runs."""
    found = {}
    for name in members:
        if said[name]["public"]:
            found[name] = {"public": said[name]["public"], "since": said[name]["since"]}
        elif (
            (old := before.get(name))
            and KEY.fullmatch(str(old.get("public")))
            and TIME.fullmatch(str(old.get("since")))
        ):
            found[name] = {"public": old["public"], "since": int(old["since"])}
    owners = {}
    for name, key in found.items():
        if key["public"] in owners:
            raise Refused(
                f"{owners[key['public']]} and {name} have one key, as copies of a machine do: run it over both with mesh_rotate=true"
            )
        owners[key["public"]] = name
    return found


def peers(name, members, known, addresses, networks, keepalive, remembered):
    """The blocks of the peers that a node has, by the peer's name."""
    relay = members[name]["relay"]
    found = {}
    for peer in sorted(members):
        if peer == name or (relay and peer != relay):
            continue
        if members[peer]["relay"] not in ("", name):
            continue  # behind another's relay, which has its addresses
        key = known.get(peer) or remembered.get(peer)
        if key is None:
            continue
        if relay:
            allowed = [str(inside) for inside in networks]
        else:
            behind = sorted(other for other in members if members[other]["relay"] == peer)
            allowed = [
                str(at.ip) + ("/32" if at.version == 4 else "/128") for one in [peer, *behind] for at in addresses[one]
            ]
        lines = [
            f"# peer {peer} {key['public']} {key['since']}",
            "[Peer]",
            f"PublicKey = {key['public']}",
            f"AllowedIPs = {', '.join(allowed)}",
        ]
        if not members[peer]["relay"]:
            lines.append(f"Endpoint = {members[peer]['endpoint']}:{members[peer]['port']}")
        if relay:
            lines.append(f"PersistentKeepalive = {keepalive}")
        found[peer] = "\n".join(lines) + "\n"
    return found


def settings(interface, addresses, mtu, relay):
    """The file `settings`, which the node's script and systemd read."""
    mine = " ".join(str(at) for at in addresses)
    return f'# Written by the playbook mesh.\nINTERFACE="{interface}"\nADDRESSES="{mine}"\nMTU="{mtu}"\nRELAY="{int(relay)}"\n'


if __name__ == "__main__":
    main()
