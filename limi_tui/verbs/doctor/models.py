"""Models that can be asked from here: keys, local servers, the demo model."""

from __future__ import annotations

from collections.abc import Mapping

from limi_sessions.agent.demo import demo_status
from limi_sessions.agent.probe import probe_providers
from limi_sessions.paths import Home
from limi_tui.verbs.doctor.finding import Finding


def examine_models(home: Home, environ: Mapping[str, str]) -> list[Finding]:
    """What `limi model list` would offer, in two lines."""
    ready = [found for found in probe_providers(environ) if found.ready and found.name != "demo"]
    if ready:
        findings = [Finding("models", "ok", ", ".join(f"{found.name} ({found.model})" for found in ready))]
    else:
        fix = "set a key such as ZAI_API_KEY, or start Ollama or vLLM; `limi model list` says how to use each"
        findings = [Finding("models", "warning", "no key and no local server found", fix)]
    status = demo_status(home)
    if status.available:
        return [*findings, Finding("demo model", "ok", f"{status.gguf}, sha256 as published")]
    return [*findings, Finding("demo model", "warning", status.reason, "run `limi model fetch demo`")]
