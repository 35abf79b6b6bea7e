"""A model that can be asked: retries, watchdogs and cancellation around the model process.

Never imports litellm. Retries are ours, visible, and only before the first delta; there is no fallback to another model.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import json
import os
import random
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from limi_sessions.agent.assembly import Assembly, finish_of
from limi_sessions.agent.attempt import Attempt, Outcome, Stopped, Timeouts
from limi_sessions.agent.chat_format import arguments_of
from limi_sessions.agent.child import Child
from limi_sessions.agent.demo import CONTEXT_TOKENS, GGUF_SHA256, demo_status
from limi_sessions.agent.demo_answer import MAX_TOKENS, SayReader, plan_of, read_answer
from limi_sessions.agent.keys import key_value, without_secrets
from limi_sessions.agent.spec import ModelSpec
from limi_sessions.agent.stream import CompletionRequest, Delta, ModelError, RetryNotice, TextDelta
from limi_sessions.agent.tokens import count_text, estimate_text
from limi_sessions.agent.wire import Ask, Ended, Failed
from limi_sessions.agent.worker import KEY_VARIABLE
from limi_sessions.agent.worker_link import LocalServer, WorkerLink
from limi_sessions.records.message import Completion, FinishReason, TokenCount
from limi_sessions.records.value import JsonObject
