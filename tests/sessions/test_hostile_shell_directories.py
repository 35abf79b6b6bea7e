"""What a command leaves in the session's directories does not reach anything outside of them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from limi_sessions.masking import MOST_HISTORY, Masker, mask_histories
from limi_sessions.paths import SessionPaths
from limi_sessions.pty.hooks import hooked_start
from limi_sessions.records.payload import ShellName
from limi_sessions.resuming import remove_unfinished

SECRET = "sk-live-abcdefgh12345678"


@pytest.fixture
def session(tmp_path: Path) -> SessionPaths:
    paths = SessionPaths(tmp_path / "session")
    paths.shell_home.mkdir(parents=True)
    return paths


def test_a_history_that_links_out_is_removed_and_its_target_is_left_alone(
    tmp_path: Path, session: SessionPaths
) -> None:
    mine = tmp_path / "mine"
    mine.write_text(f"export KEY={SECRET}\n")
    (session.shell_home / "bash_history").symlink_to(mine)
    os.mkfifo(session.shell_home / "zsh_history")
    (session.shell_home / "fish_history").mkdir()
    mask_histories(session.shell_home, Masker([SECRET]))
    assert mine.read_text() == f"export KEY={SECRET}\n"
    assert [path.name for path in session.shell_home.iterdir()] == ["fish_history"]


def test_a_history_is_masked_and_one_of_absurd_size_is_removed(session: SessionPaths) -> None:
    typed = session.shell_home / "bash_history"
    typed.write_text(f"curl -H {SECRET}\nls\n")
    with (session.shell_home / "zsh_history").open("wb") as huge:
        huge.truncate(MOST_HISTORY + 1)
    mask_histories(session.shell_home, Masker([SECRET]))
    assert typed.read_text() == "curl -H [secret 1]\nls\n"
    assert stat.S_IMODE(typed.stat().st_mode) == 0o600
    assert [path.name for path in session.shell_home.iterdir()] == ["bash_history"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_start_up_files_are_never_written_through_planted_links(
    tmp_path: Path, session: SessionPaths, shell: ShellName
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / ".zshrc").write_text("precious\n")
    for name in ("start-0000", "zdotdir", "limi.bash", "limi.fish"):
        (session.shell_home / name).symlink_to(mine)
    (session.shell_home / "start-1111" / "deep").mkdir(parents=True)
    (session.shell_home / "start-1111" / "deep" / "out").symlink_to(mine)
    hooked = hooked_start(shell, f"/bin/{shell}", nonce="ab" * 16, home=session.shell_home, environment={})
    assert [path.name for path in mine.iterdir()] == [".zshrc"]
    assert (mine / ".zshrc").read_text() == "precious\n"
    (secret,) = hooked.secret_files
    assert secret.is_relative_to(session.shell_home) and not secret.parent.is_symlink()
    assert not (session.shell_home / "start-1111").exists()
    again = hooked_start(shell, f"/bin/{shell}", nonce="cd" * 16, home=session.shell_home, environment={})
    assert not secret.exists() and again.secret_files[0].exists()


def test_leftovers_are_removed_whatever_they_are(tmp_path: Path, session: SessionPaths) -> None:
    mine = tmp_path / "mine"
    mine.write_text("precious\n")
    (session.shell_home / ".bash_history.x1").symlink_to(mine)
    (session.shell_home / ".bash_history.x2").mkdir()
    (session.root / "private-home-ab" / "start-cd").mkdir(parents=True)
    remove_unfinished(session)
    assert mine.read_text() == "precious\n"
    assert [path.name for path in session.shell_home.iterdir()] == [".bash_history.x2"]
    assert not (session.root / "private-home-ab").exists()
