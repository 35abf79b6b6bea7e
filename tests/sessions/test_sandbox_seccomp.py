from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest

from limi_sessions.sandbox.seccomp import filter_program

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NUMBERS = {
    "x86_64": dict(ioctl=16, socket=41, clone=56, clone3=435, unshare=272, read=0, mount=165, bpf=321),
    "aarch64": dict(ioctl=29, socket=198, clone=220, clone3=435, unshare=97, read=63, mount=40, bpf=280),
}
ALLOW = 0x7FFF0000


def verdict(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the kernel would answer: 0 for allowed, else the errno; as its interpreter of classic BPF works."""
    filled = [argument & 0xFFFF_FFFF_FFFF_FFFF for argument in arguments] + [0] * (6 - len(arguments))
    call = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, architecture, 0, *filled)
    lines = [struct.unpack("<HBBI", program[at : at + 8]) for at in range(0, len(program), 8)]
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, value = lines[at]
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", call, value)[0]
        elif code == 0x06:
            return 0 if value == ALLOW else value & 0xFFFF
        else:
            compared = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            at += if_true if compared else if_false


@pytest.fixture(params=ARCHITECTURES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_refusal_and_what_stays_allowed(machine: str) -> None:
    program = filter_program(internet=True, machine=machine)
    assert program is not None
    architecture, numbers = ARCHITECTURES[machine], NUMBERS[machine]

    def asked(name: str, *arguments: int) -> int:
        return verdict(program, architecture, numbers[name], *arguments)

    assert asked("read", 0) == 0
    assert asked("ioctl", 0, 0x5413) == 0
    assert asked("ioctl", 0, 0x5412) == asked("ioctl", 0, 0x541C) == errno.EPERM
    assert asked("ioctl", 0, 0xFFFF_FFFF_0000_5412) == errno.EPERM
    assert asked("ioctl", 0x5412, 0) == 0
    assert [asked("socket", family) for family in (1, 2, 10, 16)] == [0, 0, 0, 0]
    assert {asked("socket", family) for family in range(64) if family not in (1, 2, 10, 16)} == {errno.EAFNOSUPPORT}
    assert asked("clone", 0x11) == asked("clone", 0x3D0F00) == asked("unshare", 0x400) == 0
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert asked("clone", flag | 0x11) == asked("unshare", flag) == errno.EPERM
    assert asked("clone3") == errno.ENOSYS
    assert asked("mount") == asked("bpf") == errno.EPERM


def test_without_the_internet_its_sockets_are_refused(machine: str) -> None:
    program = filter_program(internet=False, machine=machine)
    assert program is not None
    architecture, number = ARCHITECTURES[machine], NUMBERS[machine]["socket"]
    answers = [verdict(program, architecture, number, family) for family in (1, 16, 2, 10, 40)]
    assert answers == [0, 0, errno.EPERM, errno.EPERM, errno.EAFNOSUPPORT]


def test_other_architectures_and_the_x32_calls_do_not_exist(machine: str) -> None:
    program = filter_program(internet=True, machine=machine)
    assert program is not None
    others = {0x40000003, 0x40000028, 0x800000B7, *ARCHITECTURES.values()} - {ARCHITECTURES[machine]}
    assert {verdict(program, other, number) for other in others for number in range(500)} == {errno.ENOSYS}
    assert verdict(program, ARCHITECTURES[machine], 0x40000000 | 16, 0, 0x5412) == errno.ENOSYS
    assert verdict(program, ARCHITECTURES[machine], -1) == errno.ENOSYS


def test_there_is_no_filter_for_machines_that_it_was_not_written_for() -> None:
    assert filter_program(internet=True, machine="riscv64") is None


@pytest.mark.parametrize(
    ("machine", "header"),
    [("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), ("aarch64", "/usr/include/asm-generic/unistd.h")],
)
def test_the_numbers_are_those_of_the_kernels_headers(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    named: dict[str, int] = {}
    for line in Path(header).read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "#define" and words[1].startswith("__NR") and words[2].isdigit():
            named[words[1].removeprefix("__NR3264_").removeprefix("__NR_")] = int(words[2])
    refused = """
        mount umount2 pivot_root open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr setns swapon swapoff
        chroot kexec_load kexec_file_load init_module finit_module delete_module reboot bpf perf_event_open userfaultfd
        keyctl add_key request_key acct quotactl quotactl_fd syslog open_by_handle_at fanotify_init settimeofday
        clock_settime sethostname setdomainname vhangup io_uring_setup io_uring_enter io_uring_register clone3
    """.split()
    program = filter_program(internet=True, machine=machine)
    assert program is not None
    answers = {name: verdict(program, ARCHITECTURES[machine], number) for name, number in named.items()}
    assert [name for name in refused if not answers[name]] == []
    allowed = (
        "execve openat ptrace process_vm_readv prctl seccomp futex fork vfork kill mknodat personality ioctl".split()
    )
    assert [name for name in allowed if answers.get(name)] == []
    assert {name for name, answer in answers.items() if answer} <= {*refused, "iopl", "ioperm", "uselib", "socket"}
