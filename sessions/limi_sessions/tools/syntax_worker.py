"""The program that parses a text to see whether its syntax holds; run by `syntax`, killed when it takes too long.

Nothing is executed. Standard input: ``{language, text, shell, parent}``. Standard output: ``{verdict}``, which is
``ok`` or ``line 3: what is wrong``.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import warnings

from limi_sessions.tools.confined import confine_self

_CPU_SECONDS = 6
_LINE = re.compile(r"line (\d+)")


def main() -> None:
    """Read the request, parse, print."""
    request = json.load(sys.stdin)
    confine_self(cpu_s=_CPU_SECONDS, parent=int(request["parent"]))
    warnings.simplefilter("ignore")
    try:
        verdict = _verdict(request["language"], request["text"], request["shell"])
    except (RecursionError, MemoryError):
        verdict = "not checked: nested too deeply"
    sys.stdout.write(json.dumps({"verdict": verdict}) + "\n")


def _verdict(language: str, text: str, shell: str) -> str:
    if language == "python":
        return _python(text)
    if language == "json":
        return _json(text)
    if language == "yaml":
        return _yaml(text)
    if language == "toml":
        return _toml(text)
    return _shell(text, shell)


def _python(text: str) -> str:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno or 1}: {error.msg}"
    except ValueError as error:
        return f"line 1: {error}"
    return "ok"


def _json(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}: {error.msg}"
    return "ok"


def _yaml(text: str) -> str:
    import yaml

    # Composed, not constructed: several documents and a program's own tags are good YAML.
    try:
        for _ in yaml.compose_all(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        return f"line {line}: {error.problem or error}"
    except yaml.YAMLError as error:
        return f"line 1: {error}"
    return "ok"


def _toml(text: str) -> str:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        return f"line {found.group(1) if found else text.count(chr(10)) + 1}: {error}"
    return "ok"


def _shell(text: str, shell: str) -> str:
    checked = subprocess.run(
        [shell, "--norc", "--noprofile", "-n"],
        input=text.encode("utf-8", "replace"),
        capture_output=True,
        env={"LC_ALL": "C"},
        timeout=_CPU_SECONDS,
        check=False,
    )
    if checked.returncode == 0:
        return "ok"
    message = checked.stderr.decode("utf-8", "replace").split("\n")[0]
    found = _LINE.search(message)
    return f"line {found.group(1) if found else '1'}: {message.rpartition(': ')[2] or 'bash refuses it'}"


if __name__ == "__main__":
    main()
