"""What a person may change in a live session between two requests: model, approval mode, sampling."""

from __future__ import annotations

from limi_sessions.agent.ports import LoopSettings
from limi_sessions.agent.spec import ModelSpec, secret_values
from limi_sessions.live_model import SessionModel
from limi_sessions.live_record import SessionRecord
from limi_sessions.masking import Masker
from limi_sessions.plan import SessionPlan
from limi_sessions.records.message import Sampling
from limi_sessions.records.payload import ApprovalMode, SettingsChanged


class LiveSettings:
    """The settings in force; every change is recorded. All methods are called on the event loop."""

    def __init__(self, plan: SessionPlan, served: SessionModel, *, record: SessionRecord, masker: Masker) -> None:
        """Begin with what the plan says.

        Args:
            plan: the session's plan.
            served: the model's process.
            record: where changes are recorded.
            masker: learns the keys of further models.
        """
        self._plan, self._served, self._record, self._masker = plan, served, record, masker
        self.mode: ApprovalMode = plan.mode
        self.sampling = plan.sampling

    @property
    def model(self) -> ModelSpec:
        """The model in use."""
        return self._served.spec

    def now(self) -> LoopSettings:
        """All of them, for the next request or call."""
        return LoopSettings(
            model=self.model.name,
            completer=self._served.client,
            sampling=self.sampling,
            mode=self.mode,
            demo=self.model.demo,
            limits=self._plan.limits,
        )

    async def change_model(self, spec: ModelSpec, *, close_retired: bool) -> None:
        """Use another model from the next request on.

        Args:
            spec: the model.
            close_retired: end the process of the one before at once: nobody waits for its answer.
        """
        self._masker.add(secret_values(self._plan.environ, spec))
        await self._served.use(spec)
        await self._record.human(
            SettingsChanged(model=spec.name, provider=self._served.client.provider_facts, demo=spec.demo)
        )
        if close_retired:
            await self._served.close_retired()

    async def change_mode(self, mode: ApprovalMode) -> None:
        """Decide otherwise about the calls that come; one that waits for the expert goes on waiting."""
        self.mode = mode
        await self._record.human(SettingsChanged(mode=mode))

    async def change_sampling(self, sampling: Sampling) -> None:
        """Sample differently from the next request on."""
        self.sampling = sampling
        await self._record.human(SettingsChanged(sampling=sampling))
