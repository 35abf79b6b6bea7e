"""Confining this process by Landlock: which files are granted, and the system calls that enforce it.

Part of the launcher: the standard library only, no site-packages. Knows nothing of limi.

Landlock grants whole hierarchies and cannot take a part back. "Readable but for X" is therefore a rule for every
sibling of X and of X's parents, made when the process starts: what appears beside them later is not granted. Listing
is granted everywhere, since listing a parent of X can only be had with listing X; names, sizes and dates stay visible
(stat is never restricted), contents do not.

Source: https://docs.kernel.org/userspace-api/landlock.html and include/uapi/linux/landlock.h (numbers and ABI levels;
ABI 9: Linux 7.1). The numbers of the system calls are the same on every architecture.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypedDict

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
_CAPSET, _CAPABILITY_VERSION_3 = {"x86_64": 126, "aarch64": 91}, 0x20080522
_MOST_CAPABILITIES = 64

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV, RESOLVE_UNIX = (1 << bit for bit in range(13, 17))
BIND_TCP, CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_UNIX, SCOPE_SIGNAL = 1, 2

_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV | RESOLVE_UNIX
"""Rights that a rule about something else than a directory may name."""
_READ = EXECUTE | READ_FILE | READ_DIR
_MAKE = MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM
"""Device nodes are never made: root could make the disk's."""
_RIGHTS = {
    "masked": 0,
    "readable": _READ,
    "writable": _READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | _MAKE | REFER,
    "device": READ_FILE | WRITE_FILE | IOCTL_DEV,
    "socket": RESOLVE_UNIX,
}

_RANK = {"masked": 0, "readable": 1, "writable": 2}
"""A rule adds to those above it, so only what may be reached less splits a directory."""

_libc = ctypes.CDLL(None, use_errno=True)

Reach = Literal["masked", "readable", "writable", "device", "socket"]
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
"""What a shell needs of /dev, its own terminal aside. /dev/pts is not there: it would give every other terminal of the
user, to read what is typed and to type; so no terminal can be made inside either."""


class LandlockPlan(TypedDict):
    """What to grant: the launcher's JSON. Everything that is named nowhere is readable."""

    masked: list[str]
    writable: list[str]
    """Wins over ``masked`` where it lies inside of it or is the same; the longest path decides."""
    shared: list[str]
    """Writable, but the unix sockets there are of programs outside."""
    sockets: list[str]
    """Unix sockets of programs outside that may be reached."""
    tcp: bool
    """Whether TCP may be used."""


class LandlockRefused(OSError):
    """The kernel has no Landlock, or refuses what is asked for."""


def abi() -> int:
    """Landlock's version in this kernel; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict(plan: LandlockPlan) -> None:
    """Confine this process and all that it starts, for good; every capability is given up as well.

    Raises:
        LandlockRefused: this kernel cannot.
        OSError: a rule is not accepted; nothing is confined.
    """
    version = abi()
    if version < 1:
        raise LandlockRefused(errno.ENOSYS, "this kernel has no Landlock, or has it switched off")
    handled = handled_rights(version)
    scopes = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL
    attributes = struct.pack("=QQQ", handled, 0 if plan["tcp"] else BIND_TCP | CONNECT_TCP, scopes)
    # An older kernel takes the structure of its time.
    attributes = attributes[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _call(_CREATE_RULESET, ctypes.c_char_p(attributes), len(attributes), 0)
    try:
        for path, reach in grants(plan):
            _add(ruleset, path, _RIGHTS[reach] & handled)
        _add(ruleset, "/", READ_DIR)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        give_up_capabilities()
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def handled_rights(version: int) -> int:
    """The rights over files that an ABI knows; a kernel refuses a ruleset with one that it does not know."""
    newer = {2: REFER, 3: TRUNCATE, 5: IOCTL_DEV, 9: RESOLVE_UNIX}
    first = (1 << 13) - 1
    return first | sum(right for since, right in newer.items() if version >= since)


def reaches_of(plan: LandlockPlan) -> dict[str, Reach]:
    """How far the paths of a plan may be reached, links resolved; each counts for what lies beneath."""
    reaches: dict[str, Reach] = {"/dev": "masked"}
    for path in plan["masked"]:
        reaches[os.path.realpath(path)] = "masked"
    for path in plan["sockets"]:
        reaches[os.path.realpath(path)] = "socket"
    for path in (*plan["shared"], *plan["writable"]):
        reaches[os.path.realpath(path)] = "writable"
    for path in _devices():
        reaches.setdefault(path, "device")
    return reaches


def reach_of(path: str, reaches: Mapping[str, Reach]) -> Reach:
    """How far an absolute path without links may be reached."""
    while path not in reaches:
        if path in ("", "/"):
            return "readable"
        path = path.rpartition("/")[0]
    return reaches[path]


def grants(plan: LandlockPlan) -> Iterator[tuple[str, Reach]]:
    """The hierarchies to grant, each with what it is granted; reads the directories above what is masked."""
    yield from _granted("/", "readable", _tree(reaches_of(plan)))


def split_directories(plan: LandlockPlan) -> list[str]:
    """The writable directories that hold something masked, at any depth: nothing can be made or removed in them.

    Sorted; those in which only deeper parts are writable are left out.
    """
    writable = [os.path.realpath(path) for path in plan["writable"]]
    found: set[str] = set()
    for hidden in plan["masked"]:
        above = _above(os.path.realpath(hidden))
        # The nearest writable place decides, and nothing below it does.
        nearest = next((number for number, parent in enumerate(above) if parent in writable), -1)
        found.update(above[: nearest + 1])
    return sorted(found)


def _above(path: str) -> list[str]:
    """The directories above a path, the nearest first."""
    parts = path.split("/")[1:]
    return ["/" + "/".join(parts[:length]) for length in reversed(range(len(parts)))]


class _Node:
    """A directory, as far as something below it is treated unlike itself."""

    def __init__(self) -> None:
        self.reach: Reach | None = None
        self.below: dict[str, _Node] = {}


def _tree(reaches: Mapping[str, Reach]) -> _Node:
    root = _Node()
    for path, reach in reaches.items():
        node = root
        for part in filter(None, path.split("/")):
            node = node.below.setdefault(part, _Node())
        node.reach = reach
    return root


def _granted(path: str, inherited: Reach, node: _Node, *, covered: bool = False) -> Iterator[tuple[str, Reach]]:
    """The rules for a directory; ``covered`` when a rule above it grants what it inherits."""
    reach = node.reach or inherited
    split = _holds_less(node, reach)
    if not split and reach != "masked" and not (covered and reach == inherited):
        yield path, reach
    for name in _names(path) if split else node.below:
        child = f"{path.rstrip('/')}/{name}"
        if name in node.below:
            yield from _granted(child, reach, node.below[name], covered=not split)
        else:
            yield child, reach


def _holds_less(node: _Node, reach: Reach) -> bool:
    """Whether something below may not be reached as this directory may."""
    return any(
        _RANK.get(below.reach or reach, 2) < _RANK.get(reach, 0) or _holds_less(below, reach)
        for below in node.below.values()
    )


def _names(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries]
    except OSError:
        return []


def _devices() -> Iterable[str]:
    yield from (f"/dev/{name}" for name in DEVICES)
    for descriptor in range(3):
        with contextlib.suppress(OSError):
            yield os.ttyname(descriptor)


def _add(ruleset: int, path: str, rights: int) -> None:
    """Grant rights beneath a path; one that is gone, is a link or cannot be reached is passed over."""
    try:
        place = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        mode = os.fstat(place).st_mode
        # Where a link leads has its own rule; reading the link itself is never restricted.
        if stat.S_ISLNK(mode):
            return
        if not stat.S_ISDIR(mode):
            rights &= _OF_FILES
        if rights:
            _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.c_char_p(struct.pack("=Qi", rights, place)), 0)
    finally:
        os.close(place)


def give_up_capabilities() -> None:
    """Drop every capability; with no_new_privs, executing a program as root does not bring them back.

    Root without them is held to file modes and may not mount, trace, load modules or read raw devices.

    Raises:
        OSError: the kernel refuses; not met in practice, since giving up needs no right.
    """
    with contextlib.suppress(OSError):
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(_MOST_CAPABILITIES):
        # Refused without CAP_SETPCAP, and for numbers that the kernel does not know.
        with contextlib.suppress(OSError):
            _prctl(_PR_CAPBSET_DROP, capability)
    if (number := _CAPSET.get(os.uname().machine)) is not None:
        header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
        _call(number, ctypes.c_char_p(header), ctypes.c_char_p(bytes(24)))


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise OSError(number := ctypes.get_errno(), os.strerror(number))


def _call(number: int, *arguments: int | ctypes.c_char_p | None) -> int:
    wide = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    if (result := _libc.syscall(ctypes.c_long(number), *wide)) < 0:
        raise OSError(number := ctypes.get_errno(), os.strerror(number))
    return result
