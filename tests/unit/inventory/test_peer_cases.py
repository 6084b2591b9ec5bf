"""Hand-written inventories, each full of one kind of trick, held against the real ansible-inventory."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from . import peer

CASES: dict[str, tuple[dict[str, str], list[str]]] = {
    "ranges": (
        {
            "hosts.yaml": """
            all:
              hosts:
                web[01:20]:
                db-[a:f].example.net:
                up[A:C]:
                odd[1:10:2]:
                pad[008:012:2]:
                to[:3]:
                grid[1:2]-[a:b][01:02]:
                10.0.0.[1:3]:
                "2001:db8::[1:3]":
                port[1:2]:2222: {x: 1}
                "[2001:db8::5]:2022":
                one[5:5]:
            """
        },
        ["hosts.yaml"],
    ),
    "ini ranges and ports": (
        {
            "hosts": """
            alone
            beta:2345 user=admin
            [2001:db8::5]:2022
            web[01:20:3].example.net:22 x=1
            [some]
            alone
            beta:99
            new:77 ansible_port=78
            under_score
            x--y
            1.2.3.4
            """
        },
        ["hosts"],
    ),
    "ini values": (
        {
            "hosts.ini": r"""
            # a comment
            ; another
            h1 i=1 f=1.5 t=True n=None l='[1, "a", (2,3)]' d="{'k': {'deep': 1}}" s=text q="a b" e= h=a=b tr=true no=no hex=0x10 z=010
            h2 a='single' b="it's" c=\"quoted\" # trailing comment
            h3 w=C:\\temp u=http://x/?a=b;c=d  x='#not a comment' octal=0o17 big=1_000 neg=-5 plus=+5 comp=1+2j byts=b'ab' ell=...
            [g]
            h1
            [g:vars]
            a = 1
            b=text # not a comment here
            c = 5 # but here
            d = "quoted" # and here
            e = [1,
            f =
            g = 'it''s'
            h = {"a": [1, 2, {"b": None}]}
            i=a b c
            j = "it's # in"
            k = {{ other }}
            [g2:children]  # comment
            g # comment
            [all:vars]
            everywhere=yes
            ansible_user=root
            """
        },
        ["hosts.ini"],
    ),
    "ini declared later": (
        {
            "hosts": """
            [top:children]
            mid
            other
            [mid:children]
            low
            [low:vars]
            x=low
            [low]
            a
            b x=host
            [mid:vars]
            x=mid
            y=mid
            [top:vars]
            y=top
            z=top
            [other]
            b
            c
            [other:vars]
            x=other
            z=other
            [ungrouped]
            d
            a
            """
        },
        ["hosts"],
    ),
    "yaml values": (
        {
            "hosts.yml": """
            all:
              hosts:
                h:
                  "off": no
                  "on": On
                  time: 1:30
                  octal: 010
                  date: 2020-01-02
                  stamp: 2020-01-02T03:04:05Z
                  nothing:
                  tilde: ~
                  float: 1e3
                  real: 1.0e+3
                  text: "no"
                  unsafe: !unsafe "{{ not a template }}"
                  listed: [a, {b: c}]
                  folded: >
                    two
                    lines
                  anchor: &x {k: v}
                  alias: *x
                  merged: {<<: *x, l: w}
                  binary: 0b11
                  inf: 12_000
                plain:
                empty: {}
            """
        },
        ["hosts.yml"],
    ),
    "yaml shapes": (
        {
            "hosts.yaml": """
            all:
              hosts: single
              children:
                empty:
                nothing: {}
                a:
                  hosts: {x: , y: {v: host}}
                  vars: {v: a, w: a}
                b:
                  children: a
                  vars: {v: b, w: b, u: b}
            loose:
              hosts:
                x:
                z:
              vars: {w: loose}
            ungrouped:
              hosts: {x: , lonely: }
              vars: {who: ungrouped}
            """
        },
        ["hosts.yaml"],
    ),
    "precedence": (
        {
            "inv/hosts.yaml": """
            all:
              vars: {a: all, b: all, c: all, d: all, e: all, f: all, dict: {all: 1}}
              children:
                deep1: {children: {deep2: {children: {deep3: {hosts: {h: }, vars: {b: deep3}}}, vars: {b: deep2, c: deep2}}}}
                zz: {hosts: {h: }, vars: {b: zz, c: zz, d: zz, dict: {zz: 1}}}
                aa: {hosts: {h: {f: host}}, vars: {d: aa, e: aa, ansible_group_priority: 10}}
                bb: {hosts: {h: , g: }, vars: {d: bb, e: bb, ansible_group_priority: "5"}}
            """,
            "inv/group_vars/all.yml": "a: file all\nb: file all\ng: file all\n",
            "inv/group_vars/zz": "e: file zz\n",
            "inv/group_vars/aa/one.yml": "x: one\ny: one\nansible_group_priority: 99\n",
            "inv/group_vars/aa/two.json": '{"y": "two"}',
            "inv/group_vars/aa/three": "z: three\n",
            "inv/group_vars/aa/four.txt": "z: never\n",
            "inv/group_vars/aa/.hidden.yml": "z: never\n",
            "inv/group_vars/aa/backup.yml~": "z: never\n",
            "inv/group_vars/aa/sub/five.yml": "five: 5\n",
            "inv/group_vars/aa/sub.d/six.yml": "six: never\n",
            "inv/group_vars/bb.yaml": "{}",
            "inv/group_vars/bb.json": '{"never": 1}',
            "inv/group_vars/ungrouped.yml": "lonely: 1\n",
            "inv/host_vars/h.yml": "f: file host\nansible_port: 2200\n",
            "inv/host_vars/g": "---\n",
        },
        ["inv/hosts.yaml"],
    ),
    "several sources": (
        {
            "one/hosts.yaml": "web: {hosts: {a: {x: 1, y: 1}, b: }, vars: {v: one, ansible_group_priority: 3}}\n",
            "one/group_vars/web.yml": "f: one\ng: one\n",
            "one/host_vars/a.yml": "h: one\n",
            "two/hosts": "[web]\na x=2\nc\n[db]\nb\n[web:vars]\nw=two\nv=two\n[db:vars]\nv=db\n[all:vars]\nq=9\n",
            "two/group_vars/all.yml": "f: two all\n",
            "two/group_vars/db.yml": "g: two db\n",
            "two/host_vars/a/x.yml": "h: two\n",
        },
        ["one/hosts.yaml", "two/hosts"],
    ),
    "sources in one folder, other order": (
        {
            "hosts": "[web]\na x=2\nc\n[top:children]\nweb\n",
            "more.yaml": "all: {children: {top: {vars: {t: 1}}, web: {hosts: {d: }}}}\n",
            "group_vars/top.yml": "t: file\n",
            "group_vars/web.yml": "t: web file\n",
        },
        ["more.yaml", "hosts"],
    ),
    "json": (
        {"hosts.json": '{"all": {"children": {"g": {"hosts": {"h": {"a": 1e2, "b": null, "c": [true]}}}}}}'},
        ["hosts.json"],
    ),
    "names without suffix": ({"hosts": "all:\n  hosts:\n    a:\n    b: {x: 1}\n"}, ["hosts"]),
    "suffix of its own": ({"hosts.prod": "[web]\na.example.net x=1\n"}, ["hosts.prod"]),
    "magic names are not variables": (
        {"hosts.yaml": "all: {hosts: {a: {inventory_hostname: x, groups: 1, role_name: r, port: 5, omit: 1}}}\n"},
        ["hosts.yaml"],
    ),
    "duplicate keys": ({"hosts.yaml": "all:\n  hosts:\n    a: {x: 1, x: 2}\n    b:\n    a: {y: 1}\n"}, ["hosts.yaml"]),
    "dashes and dots in groups": (
        {
            "hosts.ini": "[web-servers]\na\n[eu.west]\nb\n[x:children]\nweb-servers\neu.west\n",
            "group_vars/web-servers.yml": "x: 1\n",
        },
        ["hosts.ini"],
    ),
    "unknown keys are left out": (
        {"hosts.yaml": "all:\n  hosts: {a: }\n  host: {b: }\n  other: 5\nweb: 5\n"},
        ["hosts.yaml"],
    ),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", CASES)
def test_as_ansible_reads_it(name: str, tmp_path: Path) -> None:
    files, sources = CASES[name]
    peer.write(tmp_path, {path: dedent(text).lstrip("\n") for path, text in files.items()})
    paths = [tmp_path / source for source in sources]
    theirs = peer.theirs(paths, tmp_path)
    assert theirs is not None
    assert peer.ours(peer.load(paths)) == theirs
