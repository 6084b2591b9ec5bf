"""The index of a job's inputs: a tar archive that holds no contents. Pure.

It has the folders and symbolic links as they are, and each file as a *hard link* to the object with its contents. So one `tar -x` on
the node lays out 10,000 files without a process for each, whatever their names are, with GNU tar as with busybox.

    need        a line a distinct object, as `sha256sum -c` reads it
    twins       is there where two files have one content
    modes/0755  names of the files with that mode, each ended by a NUL
    tree/...    what becomes the job's folder

A hard link's target is `o/<digest>`: `o` is a symbolic link to the cache, made before (`place.sh`). The same inputs give the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping

from .model import Entry, File, Folder, Manifest
from .placing import text

_LARGE = 64 << 10
"""Bytes from which on it is compressed: below, another process on the node costs more."""
_GZIP = b"\x1f\x8b"
NONE = Manifest()
"""No inputs: nothing is sent and nothing is run."""


def manifest(entries: Iterable[Entry], sources: Mapping[str, str]) -> Manifest:
    """The manifest of entries, folders before what is in them."""
    listed = tuple(entries)
    if not listed:
        return NONE
    content = pack(listed)
    digest = hashlib.sha256(content).hexdigest()
    digests = {entry.digest: entry.size for entry in listed if isinstance(entry, File)}
    return Manifest(
        listed,
        dict(sources),
        {**digests, digest: len(content)},
        digest,
        content,
        text(digest, content.startswith(_GZIP)),
    )


def pack(entries: Iterable[Entry]) -> bytes:
    """The archive."""
    needed: dict[str, None] = {}
    modes: dict[int, list[bytes]] = {}
    tree: list[tarfile.TarInfo] = [_folder("tree", 0o755)]
    files = 0
    for entry in entries:
        name = f"tree/{entry.name}"
        if isinstance(entry, File):
            files += 1
            needed[entry.digest] = None
            modes.setdefault(entry.mode, []).append(entry.name.encode("utf-8", "surrogateescape"))
            tree.append(_link(name, tarfile.LNKTYPE, f"o/{entry.digest}"))
        elif isinstance(entry, Folder):
            tree.append(_folder(name, entry.mode))
        else:
            tree.append(_link(name, tarfile.SYMTYPE, entry.target))
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        _file(archive, "need", b"".join(f"{digest}  {digest}\n".encode() for digest in needed))
        if files > len(needed):
            _file(archive, "twins", b"")
        archive.addfile(_folder("modes", 0o700))
        for mode, names in sorted(modes.items()):
            # below tree/, and begun with ./: no name is taken for an option
            _file(archive, f"modes/{mode:04o}", b"".join(b"./" + name + b"\0" for name in names))
        for member in tree:
            archive.addfile(member)
    # tarfile fills up to a record of 10 kB; two blocks of zeros are an end (POSIX pax(1), ustar)
    content = stream.getvalue().rstrip(b"\0")
    content += bytes(-len(content) % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
    # a header of 512 bytes a file is nearly all zeros
    return gzip.compress(content, 6, mtime=0) if len(content) > _LARGE else content


def _file(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))


def _folder(name: str, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    return member


def _link(name: str, kind: bytes, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, target, 0o777
    return member
