from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_workbench import House, house, needs_bubblewrap

from limi_sessions.sandbox.bubblewrap import Bubblewrap
from limi_sessions.sandbox.policy import ResourceLimits
from limi_sessions.sandbox.protocol import SandboxMissing

pytestmark = needs_bubblewrap

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a device")
SYSCALL = """
import ctypes, os, platform, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    return os.strerror(ctypes.get_errno()) if result == -1 else "done"
"""
x86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")


@pytest.fixture
def at() -> Iterator[House]:
    with house() as made:
        yield made


class Listener:
    """Something outside that answers every connection with one word."""

    def __init__(self, family: int, address: object) -> None:
        self.socket = socket.socket(family)
        self.socket.bind(address)  # pyright: ignore[reportArgumentType] - each family has its own kind of address
        self.socket.listen()
        self.asked = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                with self.socket.accept()[0] as connection:
                    self.asked += 1
                    connection.recv(1024)
                    connection.sendall(b"answer")
            except OSError:
                return

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def asking(family: str, address: object) -> str:
    return f"""
import socket
s = socket.socket(socket.{family})
s.settimeout(5)
s.connect({address!r})
s.sendall(b"question")
print(s.recv(100).decode())
"""


@pytest.mark.parametrize(("family", "name"), [("AF_INET", "tcp"), ("AF_UNIX", "abstract")])
def test_a_server_outside_is_reached_with_the_network_on_and_only_then(at: House, family: str, name: str) -> None:
    address: object = ("127.0.0.1", 0) if name == "tcp" else f"\0limi-test-{os.getpid()}"
    with Listener(getattr(socket, family), address) as server:
        program = asking(family, server.socket.getsockname() if name == "tcp" else address)
        refused = at.python(program)
        at.change(network="on")
        reached = at.python(program)
    assert (refused.returncode, server.asked) == (1, 1)
    assert "Error" in refused.stderr
    assert reached.stdout == "answer\n"


def test_nothing_is_sent_and_no_name_is_found_without_network(at: House) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        program = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(s.sendto(b"x", ("127.0.0.1", {receiver.getsockname()[1]})))
for address in (("192.0.2.1", 53), ("2001:db8::1", 53)):
    try:
        socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", address)
    except OSError as error:
        print(error.strerror)
try:
    socket.getaddrinfo("example.com", 80)
except OSError as error:
    print("no name")
"""
        # Its own loopback takes the first one; nobody outside does.
        assert at.python(program).stdout == "1\nNetwork is unreachable\nNetwork is unreachable\nno name\n"
        with pytest.raises(BlockingIOError):
            receiver.recv(10)


@pytest.mark.parametrize("family", [40, 17, 38, 31, 30, 21])
def test_sockets_of_unusual_families_are_refused_whatever_the_network(at: House, family: int) -> None:
    """vsock, packet, alg, bluetooth, tipc, rds."""
    at.change(network="on")
    program = f"import socket\ntry: socket.socket({family}, socket.SOCK_DGRAM)\nexcept OSError as e: print(e.strerror)"
    assert at.python(program).stdout == "Address family not supported by protocol\n"


def test_the_allow_list_is_one_way_out_through_the_proxy(at: House) -> None:
    at.change(network="allow-list")
    with pytest.raises(SandboxMissing, match="needs a proxy"):
        at.argv("true")
    at.change(proxy=at.base / "proxy.sock")
    with pytest.raises(SandboxMissing, match="nothing is there"):
        at.argv("true")
    here = ("127.0.0.1", 0)
    with Listener(socket.AF_UNIX, str(at.base / "proxy.sock")) as proxy, Listener(socket.AF_INET, here) as other:
        program = f"""
import os, socket
proxies = {{os.environ[n] for n in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}}
print(*proxies, os.environ["no_proxy"])
for _ in range(3):
    s = socket.create_connection(("127.0.0.1", 3128), 5)
    s.sendall(b"CONNECT")
    print(s.recv(100).decode(), s.recv(100))
try:
    socket.create_connection({other.socket.getsockname()!r}, 5)
except OSError as error:
    print(error.strerror)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("no child")
"""
        done = at.python(program)
    assert done.stdout == (
        "http://127.0.0.1:3128 localhost,127.0.0.1\n" + "answer b''\n" * 3 + "Connection refused\nno child\n"
    ), done.stderr
    assert (proxy.asked, other.asked) == (3, 0)


def test_processes_outside_are_not_seen_signalled_or_traced(at: House) -> None:
    with subprocess.Popen(["sleep", "600"]) as outside:
        try:
            done = at.sh(
                f"kill -0 {outside.pid}; kill -9 {outside.pid}; ls -d /proc/{outside.pid};"
                f"cat /proc/{os.getpid()}/environ; ls /proc | grep -c '^[0-9]'"
            )
            assert outside.poll() is None
        finally:
            outside.kill()
    # bubblewrap's first process, the shell, ls and grep.
    assert done.stdout == "4\n"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_debugger_works_inside(at: House) -> None:
    assert at.sh("strace -f -o /tmp/trace sh -c 'exit 3'").returncode == 3
    assert "execve" in (at.policy.scratch / "trace").read_text()


def test_every_process_inside_is_filtered_and_without_capabilities_the_first_one_too(at: House) -> None:
    status = at.sh("cat /proc/1/status /proc/self/status").stdout.splitlines()
    for name, value in (("Seccomp", "2"), ("NoNewPrivs", "1"), *((f"Cap{n}", "0" * 16) for n in ("Eff", "Prm", "Bnd"))):
        assert [line.split()[1] for line in status if line.startswith(f"{name}:")] == [value, value]


@x86_64
@pytest.mark.parametrize(
    ("number", "arguments", "answer"),
    [
        pytest.param(16, (0, 0x5412, "b'x'"), "Operation not permitted", id="ioctl TIOCSTI"),
        pytest.param(16, (0, 0x1_0000_5412, "b'x'"), "Operation not permitted", id="ioctl TIOCSTI with high bits"),
        pytest.param(16, (0, 0x541C, "b'x'"), "Operation not permitted", id="ioctl TIOCLINUX"),
        pytest.param(272, (0x10000000,), "Operation not permitted", id="unshare user"),
        pytest.param(272, (0x00020000,), "Operation not permitted", id="unshare mounts"),
        pytest.param(56, (0x10000011, 0, 0, 0, 0), "Operation not permitted", id="clone user"),
        pytest.param(435, (0, 0), "Function not implemented", id="clone3"),
        pytest.param(308, (0, 0), "Operation not permitted", id="setns"),
        pytest.param(165, (0, 0, 0, 0, 0), "Operation not permitted", id="mount"),
        pytest.param(166, (0, 0), "Operation not permitted", id="umount2"),
        pytest.param(428, (-100, 0, 1), "Operation not permitted", id="open_tree"),
        pytest.param(430, (0, 0), "Operation not permitted", id="fsopen"),
        pytest.param(321, (0, 0, 0), "Operation not permitted", id="bpf"),
        pytest.param(250, (0, 0), "Operation not permitted", id="keyctl"),
        pytest.param(298, (0, 0, 0, 0, 0), "Operation not permitted", id="perf_event_open"),
        pytest.param(323, (1,), "Operation not permitted", id="userfaultfd"),
        pytest.param(425, (8, 0), "Function not implemented", id="io_uring_setup"),
        pytest.param(0x40000000 + 39, (), "Function not implemented", id="getpid of x32"),
        pytest.param(39, (), "done", id="getpid"),
        pytest.param(272, (0x400,), "done", id="unshare files"),
    ],
)
def test_system_calls_that_would_undo_the_sandbox_are_refused(
    at: House, number: int, arguments: tuple[object, ...], answer: str
) -> None:
    written = ", ".join(str(argument) for argument in (number, *arguments))
    assert at.python(f"{SYSCALL}\nprint(call({written}))").stdout == answer + "\n"


@x86_64
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_32_bit_way_into_the_kernel_is_closed(at: House) -> None:
    # ioctl(0, TIOCSTI, "x") by int 0x80, whose numbers are not those of x86_64.
    (at.work / "a.c").write_text(
        'int main(void) { int r; static char x = 65; __asm__ volatile ("int $0x80" : "=a"(r) : "a"(54), "b"(0), '
        '"c"(0x5412), "d"(&x)); return r == -38 ? 0 : r == 0 ? 1 : 2; }'
    )
    subprocess.run(["gcc", "-static", "-no-pie", "-o", "a", "a.c"], cwd=at.work, check=True)
    assert at.run("./a").returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        "unshare -U true",
        "unshare -r true",
        "unshare -m true",
        "bwrap --ro-bind / / true",
        "mount -t tmpfs none /tmp",
        "mount --bind / /tmp",
        "mount -o remount,rw /",
        "umount -l /proc",
        "nsenter -t 1 -m true",
        "chroot / true",
        "swapoff -a && dmesg",
        "hostname other",
    ],
)
def test_namespaces_cannot_be_used_to_regain_anything(at: House, command: str) -> None:
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    assert at.sh(command).returncode != 0


def test_devices_are_few_and_none_is_a_disk(at: House) -> None:
    devices = at.sh("find / -xdev -type b; find /dev -type b; find /dev -type c | sort").stdout.split()
    allowed = "console full null pts/ptmx random tty urandom zero".split()
    assert set(devices) <= {f"/dev/{name}" for name in allowed}


@as_root
def test_root_neither_makes_a_device_nor_opens_one_that_is_there(at: House) -> None:
    os.mknod(at.work / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    assert at.sh("mknod disk b 254 0").returncode != 0
    assert at.sh("cat null").returncode != 0
    assert subprocess.run(["cat", "null"], cwd=at.work, check=False).returncode == 0


@pytest.mark.parametrize("tree", ["/proc", "/sys"])
def test_no_setting_of_the_kernel_can_be_opened_for_writing(at: House, tree: str) -> None:
    # Opened and closed again: nothing is written should the test fail.
    program = f"""
import os
opened = []
for directory, names, files in os.walk({tree!r}):
    names[:] = [name for name in names if directory != "/proc" or not name.isdigit()]
    for path in (os.path.join(directory, name) for name in files):
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            opened.append(path)
        except OSError:
            pass
print(*opened)
"""
    assert at.python(program).stdout == "\n"


@as_root
def test_root_cannot_read_what_only_its_number_opens(at: House) -> None:
    for path in ("/proc/kcore", "/dev/mem", "/dev/kmsg", "/proc/kmsg"):
        assert at.sh(f"head -c 1 < {path}").stdout == "", path


def test_no_mount_heeds_setuid_bits(at: House) -> None:
    places = ["/", "/usr/bin", "/tmp", "/run", "/dev/shm", str(at.work), str(at.home), "/proc"]
    flags = f"os.statvfs(path).f_flag & os.ST_NOSUID for path in {places!r} if os.path.isdir(path)"
    program = f"import os; print(*[{flags}])"
    assert set(at.python(program).stdout.split()) == {str(os.ST_NOSUID)}


@as_root
def test_a_setuid_program_gains_nothing(at: House) -> None:
    program = Path(shutil.copy(shutil.which("id") or "", at.work / "other"))
    os.chown(program, 12345, 12345)
    program.chmod(0o4755)
    assert subprocess.run([program, "-u"], capture_output=True, check=True).stdout == b"12345\n"
    assert at.run("./other", "-u").stdout == "0\n"


@pytest.mark.parametrize("code", [0, 1, 7, 124, 125, 126, 255])
def test_the_exit_code_passes_through(at: House, code: int) -> None:
    assert at.sh(f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT, signal.SIGHUP])
def test_death_by_a_signal_is_128_and_the_signal(at: House, number: signal.Signals) -> None:
    assert at.sh(f"kill -{int(number)} $$").returncode == 128 + number


def test_a_command_that_cannot_be_run_says_so_as_a_shell_does(at: House) -> None:
    (at.work / "text").write_text("no program")
    missing, not_executable = at.run("no-such-program"), at.run("./text")
    assert (missing.returncode, missing.stderr) == (127, "limi: no-such-program: not found inside the sandbox\n")
    assert (not_executable.returncode, not_executable.stderr.count("\n")) == (126, 1)


def test_a_sandbox_that_is_not_set_up_exits_125_and_not_as_the_command_would(at: House) -> None:
    fake = at.base / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: no luck today' >&2\nexit 1\n")
    fake.chmod(0o755)
    for program in (fake, at.base / "absent"):
        argv = Bubblewrap(program).wrapped(["true"], at.policy)
        done = subprocess.run(argv, cwd=at.work, capture_output=True, check=False)
        assert (done.returncode, done.stderr.count(b"\n")) == (125, 1)


def test_limits_are_set_inside(at: House) -> None:
    at.change(limits=ResourceLimits(processes=50, open_files=77, file_bytes=4096))
    done = at.run(
        "bash", "-c", "ulimit -c; ulimit -u; ulimit -n; ulimit -f; ulimit -n 78; head -c 9999 /dev/zero > big"
    )
    assert done.stdout == "0\n50\n77\n4\n"
    assert (at.work / "big").stat().st_size == 4096
    at.change(limits=ResourceLimits(processes=None, open_files=10**9, file_bytes=None))
    assert at.sh("ulimit -f").stdout == "unlimited\n"


@pytest.mark.skipif(os.getuid() == 0, reason="the kernel does not hold root to a number of processes")
def test_a_fork_bomb_meets_its_limit(at: House) -> None:
    at.change(limits=ResourceLimits(processes=40))
    assert "unavailable" in at.sh("for i in $(seq 100); do sleep 20 & done").stderr


def alive(mark: str) -> bool:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if mark in (process / "cmdline").read_bytes().decode(errors="replace").split("\0"):
                    return True
            except OSError:
                continue
    return False


def test_nothing_outlives_the_command(at: House) -> None:
    mark = f"6{os.getpid()}"
    assert at.sh(f"setsid nohup sleep {mark} >/dev/null 2>&1 & sleep 0").returncode == 0
    assert not alive(mark)


def test_nothing_outlives_whoever_started_the_sandbox(at: House) -> None:
    mark = f"7{os.getpid()}"
    with subprocess.Popen(
        at.argv("sh", "-c", f"setsid nohup sleep {mark} & echo ready; wait"), cwd=at.work, stdout=subprocess.PIPE
    ) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"ready\n"
        keeper.kill()
        # The pipe closes when the last process that holds it is gone.
        assert keeper.stdout.read() == b""
    assert not alive(mark)


def test_the_launcher_needs_no_packages_and_nothing_of_the_environment(at: House) -> None:
    (at.work / "json.py").write_text("raise SystemExit(99)")
    argv = at.argv("env")
    hostile = {"PATH": os.environ["PATH"], "PYTHONPATH": str(at.work), "PYTHONHOME": "/x", "PYTHONSTARTUP": "json.py"}
    done = subprocess.run(argv, cwd=at.work, env=hostile, capture_output=True, text=True, check=False)
    assert (done.returncode, "LIMI" in done.stdout) == (0, False), done.stderr
    assert os.path.realpath(sys.executable) in argv
