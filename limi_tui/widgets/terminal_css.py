"""How the shell pane looks, in theme variables. Knows nothing else."""

from __future__ import annotations

TERMINAL_CSS = """
TerminalView {
    width: 1fr;
    height: 1fr;
    background: $background;
    & > .terminal-pane--bar { background: $panel; color: $foreground 75%; }
    & > .terminal-pane--hint { background: $panel; color: $text-muted; }
    & > .terminal-pane--urgent { background: $warning; color: $background; text-style: bold; }
    & > .terminal-pane--human { background: $success; color: $background; text-style: bold; }
    & > .terminal-pane--agent { background: $primary; color: $background; text-style: bold; }
    & > .terminal-pane--free { background: $panel-lighten-2; color: $foreground; text-style: bold; }
    & > .terminal-pane--private { background: $error; color: $background; text-style: bold; }
    & > .terminal-pane--selection { background: $screen-selection-background; color: $screen-selection-foreground; }
    & > .terminal-pane--match { background: $primary-muted; color: $foreground; text-style: underline; }
    & > .terminal-pane--current-match { background: $accent; color: $background; text-style: bold underline; }
    &:focus > .terminal-pane--bar { color: $foreground; text-style: bold; }
    &:ansi > .terminal-pane--bar, &:ansi > .terminal-pane--hint { text-style: reverse; }
    &:ansi > .terminal-pane--urgent, &:ansi > .terminal-pane--human { text-style: bold reverse; }
    &:ansi > .terminal-pane--agent, &:ansi > .terminal-pane--free { text-style: bold reverse; }
    &:ansi > .terminal-pane--private { text-style: bold reverse; }
    &:ansi > .terminal-pane--selection { text-style: reverse; }
    &:ansi > .terminal-pane--current-match { text-style: bold reverse; }
}
"""
