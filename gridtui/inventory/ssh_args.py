"""OpenSSH options inside `ansible_ssh_common_args` and its kin. Owns reading them as ssh(1) would."""

from __future__ import annotations

import re
import shlex

_KEYWORDS = {
    "J": "proxyjump",
    "i": "identityfile",
    "p": "port",
    "l": "user",
    "F": "config",
    "c": "ciphers",
    "m": "macs",
    "b": "bindaddress",
    "B": "bindinterface",
    "S": "controlpath",
}
"""Options with a value that stand for a keyword of ssh_config(5); `config` is ours, for `-F`."""
_FLAGS = {
    "4": ("addressfamily", "inet"),
    "6": ("addressfamily", "inet6"),
    "A": ("forwardagent", "yes"),
    "a": ("forwardagent", "no"),
    "C": ("compression", "yes"),
    "x": ("forwardx11", "no"),
}
_SILENT = "qvTntNfgGkKXYMsy"
_IGNORED_WITH_VALUE = "DLRWwEeIOQ"
_KEYWORD = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+)(\S.*)", re.DOTALL)


def parse(text: str) -> tuple[dict[str, str], list[str]]:
    """The options in `text`, by lower-case keyword, and the words that were not understood.

    Of an option that is given twice the first counts, as in ssh. Raises ValueError when a quote is not closed.
    """
    options: dict[str, str] = {}
    unknown: list[str] = []
    words = shlex.split(text)
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if len(word) < 2 or word[0] != "-":
            unknown.append(word)
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in _FLAGS:
                options.setdefault(*_FLAGS[letter])
            elif letter in _SILENT:
                continue
            elif letter == "o" or letter in _KEYWORDS or letter in _IGNORED_WITH_VALUE:
                value, letters = letters, ""
                if not value:
                    if index == len(words):
                        unknown.append(f"-{letter}")
                        break
                    value = words[index]
                    index += 1
                if letter == "o":
                    if match := _KEYWORD.fullmatch(value.strip()):
                        options.setdefault(match[1].lower(), match[2].strip())
                    else:
                        unknown.append(f"-o {value}")
                elif letter in _KEYWORDS:
                    options.setdefault(_KEYWORDS[letter], value)
                else:
                    unknown.append(f"-{letter} {value}")
            else:
                unknown.append(f"-{letter}")
                break
    return options, unknown
