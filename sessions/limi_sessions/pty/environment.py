"""The environment that the shared shell starts with: an allow-list, so keys never reach it.

PATH is kept as it is; variables that point into the workstation's own Python (VIRTUAL_ENV, PYTHONPATH) are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_ALLOWED = frozenset(
    """
    PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR EDITOR VISUAL PAGER LESS MANPATH INFOPATH LS_COLORS NO_COLOR
    XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_DATA_DIRS XDG_CONFIG_DIRS XDG_RUNTIME_DIR ZDOTDIR
    LD_LIBRARY_PATH DYLD_LIBRARY_PATH CUDA_VISIBLE_DEVICES CUDA_HOME CUDA_PATH JAVA_HOME GOPATH GOROOT CARGO_HOME
    RUSTUP_HOME NVM_DIR PYENV_ROOT HOMEBREW_PREFIX HOMEBREW_CELLAR HOMEBREW_REPOSITORY NIX_PATH NIX_PROFILES
    SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS
    http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
    """.split()
)
_CREDENTIALS = re.compile(r"://[^/\s]*@")
"""A proxy's user and password."""


def shell_environment(
    base: Mapping[str, str],
    *,
    session_id: str = "",
    limi_home: Path | None = None,
    handle: str = "",
    shell_path: str | None = None,
    secrets: Iterable[str] = (),
) -> dict[str, str]:
    """What of the workstation's environment the shell gets.

    Args:
        base: usually ``os.environ``.
        session_id: becomes ``LIMI_INSIDE``, by which `limi` verbs typed in the pane know where they are.
        limi_home: becomes ``LIMI_HOME``.
        handle: of the person; becomes ``LIMI_AS``, as the settings may be hidden from the shell.
        shell_path: becomes ``SHELL``.
        secrets: known secret values; a variable that holds one is left out.
    """
    hidden = [secret for secret in secrets if secret]
    chosen = {
        name: value
        for name, value in base.items()
        if (name in _ALLOWED or name.startswith("LC_"))
        and not _CREDENTIALS.search(value)
        and not any(secret in value for secret in hidden)
    }
    chosen.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    locale = [chosen.get(name, "").upper() for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if not any("UTF-8" in name or "UTF8" in name for name in locale):
        chosen.pop("LC_ALL", None)
        chosen["LC_CTYPE"] = "C.UTF-8"
    chosen["TERM"] = "xterm-256color"
    chosen["COLORTERM"] = "truecolor"
    if shell_path:
        chosen["SHELL"] = shell_path
    if limi_home is not None:
        chosen["LIMI_HOME"] = str(limi_home)
    if handle:
        chosen["LIMI_AS"] = handle
    if session_id:
        chosen["LIMI_INSIDE"] = session_id
    return chosen
