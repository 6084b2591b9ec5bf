"""The addresses of the names on standard input (a JSON list), as a JSON object; a name without one has none."""

import json
import socket
import sys

found = {}
for name in json.load(sys.stdin):
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        answers = []
    found[name] = sorted({str(answer[4][0]).partition("%")[0] for answer in answers})
json.dump(found, sys.stdout)
