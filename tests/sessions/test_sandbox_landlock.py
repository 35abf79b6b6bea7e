"""What a command in Landlock can and cannot do, each attempted by a real command."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from limi_sessions.pty import proctable
from limi_sessions.sandbox import gatekeeper, landlocking
from limi_sessions.sandbox.landlock import Landlock
from limi_sessions.sandbox.oneshot import ConfinedRun, run_confined
from limi_sessions.sandbox.policy import ResourceLimits, SandboxPolicy, SocketBinding
from limi_sessions.sandbox.protocol import SandboxMissing

landlocked = pytest.mark.skipif(Landlock().abi < 1, reason="this kernel has no Landlock")
SECRET = "the secret of the house"


@dataclass(frozen=True)
class House:
    """A person's home with a project, secrets and limi's own home in it."""

    policy: SandboxPolicy
    outside: Path
    store: Path

    @property
    def work(self) -> Path:
        return self.policy.workspace

    def run(self, script: str, **changes: object) -> ConfinedRun:
        """A script of sh in the workspace; the policy with some fields changed."""
        done = self.run_argv(["sh", "-c", f"echo inside\n{script}"], **changes)
        # Else every attempt would count as refused.
        assert done.stdout.startswith(b"inside\n"), done.stderr
        return replace(done, stdout=done.stdout.removeprefix(b"inside\n"))

    def run_argv(self, argv: list[str], **changes: object) -> ConfinedRun:
        return run_confined(
            Landlock(),
            replace(self.policy, **changes),  # pyright: ignore[reportArgumentType] - a test's free choice of fields
            argv,
            cwd=self.work,
            environment={"PATH": os.environ["PATH"], "HOME": str(self.policy.home), "LC_ALL": "C.UTF-8"},
            timeout_s=30,
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    home = tmp_path / "home"
    store = home / ".local" / "share" / "limi"
    for directory in (home / "project", home / ".ssh", store / "sessions" / "s1"):
        directory.mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text(SECRET)
    (home / ".netrc").write_text(SECRET)
    (home / ".profile").write_text("plain")
    (store / "limi.duckdb").write_text(SECRET)
    policy = SandboxPolicy(
        workspace=home / "project",
        home=home,
        private_home=store / "sessions" / "s1" / "home",
        scratch=store / "sessions" / "s1" / "tmp",
        masked=(home / ".ssh", home / ".netrc", store),
    )
    return House(policy, home / ".profile", store)


@landlocked
def test_the_workspace_the_own_home_and_temporary_files_can_be_written(house: House) -> None:
    done = house.run(
        f"""set -e
        mkdir -p a/b; echo one > a/b/f; mv a/b/f a/g; ln a/g a/h; ln -s g a/l; chmod +x a/g; rm a/h; cat a/l
        mkfifo p; mktemp >/dev/null; echo two > {house.policy.private_home}/x; cat {house.policy.private_home}/x
        echo > /dev/null; head -c1 /dev/urandom >/dev/null; cat ~/.profile; ls / ~ >/dev/null"""
    )
    assert (done.exit_code, done.stderr, done.stdout) == (0, b"", b"one\ntwo\nplain")


WRITES_OUTSIDE = [
    "echo x > {outside}",
    "echo x >> {outside}",
    "truncate -s 0 {outside}",
    "python3 -c 'import os; os.truncate(\"{outside}\", 0)'",
    "rm {outside}",
    "mv {outside} here",
    "touch new; mv new {home}/new",
    "ln {outside} here && echo x > here",
    "ln -s {outside} link; echo x > link",
    "ln -s {home} link; echo x > link/new",
    "echo x > /proc/self/root{outside}",
    "echo x > /proc/self/cwd/../.profile",
    "cd ..; echo x > .profile",
    "mkdir {home}/new",
    "ln -s x {home}/new",
    "mkfifo {home}/new",
    "cp /bin/true {home}/new",
    "echo x > /etc/limi-was-here",
    "echo x > /usr/bin/limi-was-here",
    "rmdir {home}/empty",
    "mv {home}/empty {home}/new",
    "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"{home}/new\")'",
    "exec 3< {outside}; echo x > /proc/self/fd/3",
    "mknod disk b 254 0 || mknod disk b 8 0",
    "mount -t tmpfs none {home}",
    "unshare -rm sh -c 'mount -t tmpfs none {home}'",
]


@landlocked
@pytest.mark.parametrize("attempt", WRITES_OUTSIDE)
def test_nothing_outside_is_written(house: House, attempt: str) -> None:
    (house.policy.home / "empty").mkdir()
    before = sorted(path.name for path in house.policy.home.iterdir())
    refused = house.run(attempt.format(outside=house.outside, home=house.policy.home))
    assert refused.exit_code != 0
    assert refused.stderr
    assert house.outside.read_text() == "plain"
    assert sorted(path.name for path in house.policy.home.iterdir()) == before


READS_OF_SECRETS = [
    "cat {secret}",
    "cat {netrc}",
    "cat {store}/limi.duckdb",
    "cat /proc/self/root{secret}",
    "cat ../.ssh/id_ed25519",
    "ln -s {secret} link; cat link",
    "ln -s {ssh} link; cat link/id_ed25519",
    "ln {secret} hard && cat hard",
    "ln {netrc} hard && cat hard",
    "mv {ssh} here && cat here/*",
    "mv {netrc} here && cat here",
    "mv {home}/.local ~/project/x && cat x/share/limi/limi.duckdb",
    "cp -r {ssh} here && cat here/*",
    "tar c {ssh} >all; cat all 1>&2; exit 1",
    "find {ssh} -type f -exec cat {{}} +",
    "cd {ssh} && cat id_ed25519",
    "python3 -c 'import mmap; print(open(\"{netrc}\").read())'",
    "sh -c '. {netrc}' 2>&1; sh {secret}",
    "exec 3< {secret}; cat <&3",
    "chmod 777 {ssh} {secret}; cat {secret}",
    "setpriv --reuid 65534 cat {secret}",
    'python3 -c \'import os; os.chroot("{home}"); print(open("/.netrc").read())\'',
]


@landlocked
@pytest.mark.parametrize("attempt", READS_OF_SECRETS)
def test_nothing_masked_is_read(house: House, attempt: str) -> None:
    home = house.policy.home
    refused = house.run(
        attempt.format(
            secret=home / ".ssh/id_ed25519", ssh=home / ".ssh", netrc=home / ".netrc", store=house.store, home=home
        )
    )
    assert refused.exit_code != 0 or not refused.stdout
    assert SECRET.encode() not in refused.stdout + refused.stderr
    assert (home / ".netrc").read_text() == SECRET


@landlocked
def test_a_link_among_the_masked_masks_what_it_leads_to(house: House) -> None:
    vault = house.policy.home / "vault"
    vault.mkdir()
    (vault / "key").write_text(SECRET)
    link = house.policy.home / ".gnupg"
    link.symlink_to(vault)
    for path in (vault / "key", link / "key"):
        assert SECRET.encode() not in house.run(f"cat {path}", masked=(link,)).stdout


@landlocked
def test_a_masked_path_that_appears_later_is_masked_too(house: House) -> None:
    later = house.policy.home / ".aws"
    started = house.run(f"mkfifo go; (cat go; cat {later}) & mkdir -p ready; echo > go; wait", masked=(later,))
    assert started.exit_code == 0
    argv = Landlock().wrapped(
        ["sh", "-c", f"echo ready; read line; cat {later}"], replace(house.policy, masked=(later,))
    )
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        later.write_text(SECRET)
        assert child.communicate(b"go\n")[0] == b""
    assert child.returncode == 1


@landlocked
def test_the_workspace_wins_in_a_masked_place_and_a_masked_part_of_it_stays_masked(house: House) -> None:
    (house.work / "limi" / "deep").mkdir(parents=True)
    (house.work / "limi" / "secret").write_text(SECRET)
    (house.work / "code").mkdir()
    done = house.run(
        "echo x > code/made; cat limi/secret; mv limi gone; echo x > limi/secret; echo > new",
        masked=(house.policy.home, house.work / "limi"),
    )
    assert SECRET.encode() not in done.stdout
    assert (house.work / "code" / "made").read_text() == "x\n"
    assert (house.work / "limi" / "secret").read_text() == SECRET
    words = Landlock().words(replace(house.policy, masked=(house.work / "limi",)))
    assert any(word.startswith(f"Directly in {house.work}, which hold") for word in words)


@landlocked
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW"])
def test_no_socket_of_the_internet_is_made(house: House, family: str, kind: str) -> None:
    refused = house.run_argv([sys.executable, "-c", f"import socket as s; s.socket(s.{family}, s.{kind})"])
    assert refused.exit_code == 1
    assert b"PermissionError" in refused.stderr


@landlocked
def test_the_network_is_there_when_it_is_on(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
        assert house.run_argv([sys.executable, "-c", program], network="on").exit_code == 0
        assert house.run_argv([sys.executable, "-c", program]).exit_code == 1


@pytest.mark.skipif(Landlock().abi < 6, reason="this kernel's Landlock does not scope signals")
def test_processes_outside_are_not_signalled_traced_or_looked_into(house: House) -> None:
    program = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"TOKEN": SECRET}
    ) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        for attempt in (
            f"kill -9 {victim.pid}",
            f"kill -STOP {victim.pid}",
            f"kill -0 {os.getpid()}",
            f"cat /proc/{victim.pid}/environ",
            f"cat /proc/{victim.pid}/maps",
            f"ls -l /proc/{victim.pid}/fd",
            f"ls /proc/{victim.pid}/root/",
            f"head -c1 /proc/{victim.pid}/mem",
            f"echo 1 > /proc/{victim.pid}/oom_score_adj",
            f"python3 -c 'import ctypes as c; l=c.CDLL(None); exit(l.ptrace(16, {victim.pid}, 0, 0) != 0)'",
            f"prlimit --pid {victim.pid} --nofile=16",
        ):
            refused = house.run(attempt)
            assert refused.exit_code != 0, attempt
            assert SECRET.encode() not in refused.stdout
        victim.communicate(timeout=10)
        assert victim.returncode == 0


@pytest.mark.skipif(Landlock().abi < 6, reason="this kernel's Landlock does not scope abstract sockets")
def test_an_abstract_socket_outside_is_not_reached(house: House) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0limi-{os.getpid()}")
        server.listen()
        program = f"import socket; socket.socket(socket.AF_UNIX).connect('\\0limi-{os.getpid()}')"
        refused = house.run_argv([sys.executable, "-c", program])
        assert (refused.exit_code, b"PermissionError" in refused.stderr) == (1, True)


@landlocked
@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")
def test_a_program_inside_can_be_debugged(house: House) -> None:
    done = house.run("sleep 60 & gdb -p $! -batch -ex 'info inferiors' 2>&1")
    assert (done.exit_code, b"process" in done.stdout) == (0, True)


@landlocked
def test_open_descriptors_are_not_inherited(house: House) -> None:
    directory = os.open(house.policy.home, os.O_RDONLY)
    try:
        argv = Landlock().wrapped(["ls", f"/proc/self/fd/{directory}"], house.policy)
        done = subprocess.run(argv, pass_fds=(directory,), capture_output=True, check=False)
    finally:
        os.close(directory)
    assert done.returncode == 2


@landlocked
def test_a_fork_bomb_is_contained(house: House) -> None:
    # Should it get away, it burns out by itself.
    script = "b(){ (( SECONDS > 15 )) && exit; b|b& };b; wait; sleep 20"
    bomb = house.run_argv(["bash", "-c", script], limits=ResourceLimits(processes=300))
    assert bomb.bomb is not None or b"Resource temporarily unavailable" in bomb.stderr
    assert house.run("true").exit_code == 0


@landlocked
def test_git_works_inside(house: House) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    done = house.run(
        """set -e
        git init -q . ; git config user.name a; git config user.email a@b
        echo x > f; git add f; git commit -qm one; git switch -qc two; git branch three; git mv f g; git commit -qm two
        git status --short; git log --format=%s"""
    )
    assert (done.exit_code, done.stdout) == (0, b"two\none\n")


@landlocked
def test_shared_memory_works_inside(house: House) -> None:
    program = "import multiprocessing as m\nprint(m.Pool(2).map(len, [[1], [1, 2]]))"
    assert house.run_argv([sys.executable, "-c", program]).stdout == b"[1, 2]\n"


def listening_at(path: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A program outside; like the service manager, a container daemon or tmux."""
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(str(path))
    if kind != socket.SOCK_DGRAM:
        server.listen()
    return server


CONNECTIONS = [
    "s.socket(s.AF_UNIX).connect('{path}')",
    "s.socket(s.AF_UNIX).connect('../daemon')",
    "s.socket(s.AF_UNIX).connect('/proc/self/cwd/../daemon')",
    "s.socket(s.AF_UNIX).connect('/proc/self/root{path}')",
    "os.symlink('{path}', 'link'); s.socket(s.AF_UNIX).connect('link')",
    "os.link('{path}', 'hard'); s.socket(s.AF_UNIX).connect('hard')",
    "os.chdir('..'); s.socket(s.AF_UNIX).connect('daemon')",
    "a, b = s.socketpair(); a.close(); x = s.socket(s.AF_UNIX); x.setblocking(False); x.connect('{path}')",
    "s.socket(s.AF_UNIX, s.SOCK_DGRAM).sendto(b'x', '{path}.datagram')",
    "s.socketpair(s.AF_UNIX, s.SOCK_DGRAM)[0].connect('{path}.datagram')",
]


@landlocked
@pytest.mark.parametrize("attempt", CONNECTIONS)
def test_unix_sockets_of_programs_outside_are_not_reached(house: House, attempt: str) -> None:
    path = house.policy.home / "daemon"
    with listening_at(path) as stream, listening_at(Path(f"{path}.datagram"), socket.SOCK_DGRAM) as datagrams:
        refused = house.run_argv([sys.executable, "-c", f"import os, socket as s; {attempt.format(path=path)}"])
        assert refused.exit_code == 1
        assert b"Permission" in refused.stderr or b"cross-device" in refused.stderr
        for server in (stream, datagrams):
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.accept() if server is stream else server.recv(1)


@landlocked
def test_exchanging_the_address_while_it_is_judged_does_not_help(house: House) -> None:
    """A second thread writes the other path over the first, again and again."""
    forbidden = house.policy.home / "daemon"
    program = f"""
import ctypes, os, socket, threading
allowed = socket.socket(socket.AF_UNIX); allowed.bind("good__"); allowed.listen(4096)
libc = ctypes.CDLL(None, use_errno=True)
good = b"\\1\\0" + b"{house.work}/good__\\0"; bad = b"\\1\\0" + b"{house.work}/../daemon\\0"
size = max(len(good), len(bad)); shared = ctypes.create_string_buffer(good, size)
going = True
def flip():
    while going:
        ctypes.memmove(shared, bad.ljust(size, b"\\0"), size); ctypes.memmove(shared, good.ljust(size, b"\\0"), size)
threading.Thread(target=flip, daemon=True).start()
ends = [0, 0]
for _ in range(1500):
    s = socket.socket(socket.AF_UNIX)
    ends[libc.connect(s.fileno(), shared, size) == 0] += 1
    s.close()
print(all(ends))
"""
    with listening_at(forbidden) as server:
        done = house.run_argv([sys.executable, "-c", program])
        assert (done.stdout, done.stderr) == (b"True\n", b"")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@landlocked
def test_sockets_made_inside_and_those_of_the_policy_are_reached(house: House) -> None:
    ours = house.store / "store.sock"
    program = f"""
import os, socket as s
for path in ("here", "{house.policy.scratch}/there"):
    server = s.socket(s.AF_UNIX); server.bind(path); server.listen()
    client = s.socket(s.AF_UNIX); client.connect(path); client.send(b"x"); server.accept()[0].recv(1)
client = s.socket(s.AF_UNIX); client.connect("{ours}"); client.send(b"hello")
closed = s.socket(s.AF_UNIX); closed.bind("closed"); closed.close()
for problem in (FileNotFoundError, ConnectionRefusedError):
    try: s.socket(s.AF_UNIX).connect("gone" if problem is FileNotFoundError else "closed")
    except problem: print(problem.__name__)
    else: print("connected")
"""
    with listening_at(ours) as server:
        binding = (SocketBinding(outside=ours, inside=ours),)
        done = house.run_argv([sys.executable, "-c", program], sockets=binding)
        assert (done.stderr, done.stdout) == (b"", b"FileNotFoundError\nConnectionRefusedError\n")
        connection, _ = server.accept()
        assert connection.recv(5) == b"hello"
        connection.close()


MODES = [
    "chmod 000 {path}",
    "chmod -R 777 {home}",
    "chmod 777 ../.profile",
    "ln -s {path} link; chmod 777 link",
    "chmod 777 /proc/self/root{path}",
    "exec 3<{path}; chmod 777 /proc/self/fd/3 || chmod 777 /dev/fd/3",
    "python3 -c 'import os; os.fchmod(os.open(\"{path}\", 0), 0o777)'",
    'python3 -c \'import os; os.chmod(".profile", 0o777, dir_fd=os.open("{home}", 0))\'',
    'python3 -c \'import os; os.setxattr("{path}", "user.x", b"y")\'',
    "chmod 777 {home}/.ssh",
]


@landlocked
@pytest.mark.parametrize("attempt", MODES)
def test_modes_of_files_outside_are_not_changed(house: House, attempt: str) -> None:
    home = house.policy.home
    outside = (home, home / ".ssh", house.outside)
    before = [path.stat().st_mode for path in outside]
    refused = house.run(attempt.format(path=house.outside, home=home))
    assert refused.exit_code != 0
    assert [path.stat().st_mode for path in outside] == before
    assert os.listxattr(house.outside) == []


@landlocked
def test_modes_in_the_workspace_are_changed(house: House) -> None:
    program = """
import os
open("f", "w").close(); os.mkdir("d"); open("d/g", "w").close(); os.symlink("f", "l")
os.chmod("f", 0o751); print(oct(os.stat("f").st_mode))
os.chmod("l", 0o640); print(oct(os.stat("f").st_mode))
place = os.open("f", 0); os.fchmod(place, 0o600); print(oct(os.stat("f").st_mode))
os.chmod("g", 0o711, dir_fd=os.open("d", 0)); print(oct(os.stat("d/g").st_mode))
gone = os.open("f", 0); os.unlink("f"); os.fchmod(gone, 0o604); print(oct(os.fstat(gone).st_mode))
try: os.chmod("no", 0o700)
except FileNotFoundError: print("not there")
"""
    done = house.run_argv([sys.executable, "-c", program])
    said = ["0o100751", "0o100640", "0o100600", "0o100711", "0o100604", "not there"]
    assert (done.stderr, done.stdout.decode().splitlines()) == (b"", said)


@landlocked
def test_what_it_cannot_do_is_refused_with_a_reason(house: House) -> None:
    sandbox = Landlock()
    with pytest.raises(SandboxMissing, match="bubblewrap"):
        sandbox.wrapped(["true"], replace(house.policy, network="allow-list"))
    moved = (SocketBinding(outside=house.store / "store.sock", inside=Path("/run/limi.sock")),)
    with pytest.raises(SandboxMissing, match="moves no paths"):
        sandbox.wrapped(["true"], replace(house.policy, sockets=moved))


@landlocked
def test_the_shared_temporary_directory_is_not_opened_where_something_masked_lies_in_it(tmp_path: Path) -> None:
    policy = SandboxPolicy(
        workspace=tmp_path,
        home=Path("/root"),
        private_home=tmp_path / "h",
        scratch=tmp_path / "t",
        masked=(Path("/x"),),
    )
    plan = Landlock().plan(policy)
    assert "/tmp" in plan["shared"]
    inside = Landlock().plan(replace(policy, masked=(Path("/tmp/limi"),)))
    assert "/tmp" not in inside["shared"]


def test_words_of_another_version_never_run_the_command_unconfined(tmp_path: Path) -> None:
    made = tmp_path / "made"
    launcher = [sys.executable, "-I", "-S", str(Path(gatekeeper.__file__).with_name("confine.py"))]
    for word in ('{"landlock": {}}', "landlock={}", "other=1"):
        done = subprocess.run([*launcher, word, "--", "touch", str(made)], capture_output=True, check=False)
        assert (done.returncode, done.stderr[:6], made.exists()) == (125, b"limi: ", False)


def test_the_shell_s_watcher_knows_the_gatekeeper() -> None:
    assert gatekeeper.PROCESS_NAME == proctable.GATEKEEPER


def test_each_abi_is_asked_for_the_rights_that_it_knows() -> None:
    known = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16, 7: 16, 8: 16, 9: 17, 12: 17}
    for version, bits in known.items():
        assert landlocking.handled_rights(version) == (1 << bits) - 1


def test_a_place_with_nothing_masked_in_it_takes_one_rule(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").touch()
    hidden = str(tmp_path / "a" / "b")
    plan = landlocking.LandlockPlan(masked=[hidden], writable=[str(tmp_path)], shared=[], sockets=[], tcp=False)
    ours = [(path, reach) for path, reach in landlocking.grants(plan) if path.startswith(str(tmp_path))]
    assert ours == [(str(tmp_path / "c"), "writable")]
    assert landlocking.split_directories(plan) == sorted([str(tmp_path), str(tmp_path / "a")])
    elsewhere = landlocking.LandlockPlan(masked=["/x"], writable=[str(tmp_path)], shared=[], sockets=[], tcp=False)
    assert (str(tmp_path), "writable") in list(landlocking.grants(elsewhere))
