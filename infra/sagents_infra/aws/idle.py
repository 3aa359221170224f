"""A worker that leaves when it has had nothing to do for a while."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import timedelta
from threading import Lock
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    Plugin,
    Replayer,
    ReplayerConfig,
    Worker,
    WorkerConfig,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowReplayResult,
    WorkflowRunner,
)
from temporalio.workflow import _Definition as Definition  # the one that a `WorkflowRunner` is given

Results = AbstractAsyncContextManager[AsyncIterator[WorkflowReplayResult]]


class Work:
    """What is under way, in whichever thread, and for how long nothing has been."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._under_way, self._last = 0, clock()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._last = self._clock()

    def left(self, patience: float) -> float:
        """Seconds until there was nothing to do for `patience`; all of them again while something is under way."""
        with self._lock:
            return patience if self._under_way else self._last + patience - self._clock()


class WorkerPlugin(Plugin):
    """A plugin that changes workers, and nothing of replayers."""

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        return config

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        await next(worker)

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        return config

    def run_replayer(
        self,
        replayer: Replayer,
        histories: AsyncIterator[WorkflowHistory],
        next: Callable[[Replayer, AsyncIterator[WorkflowHistory]], Results],
    ) -> Results:
        return next(replayer, histories)


class IdleExit(WorkerPlugin):
    """Ends its worker once no activity and no workflow task was under way for `patience`."""

    def __init__(self, patience: timedelta, work: Work | None = None) -> None:
        self._patience = patience.total_seconds()
        self._work = work or Work()

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        config["interceptors"] = [_Activities(self._work), *config.get("interceptors", [])]
        config["workflow_runner"] = _Workflows(config["workflow_runner"], self._work)
        return config

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        with self._work.under_way():  # the time until here was that of the start
            leaving = asyncio.create_task(self._leave(worker))
        try:
            await next(worker)
        finally:
            leaving.cancel()

    async def _leave(self, worker: Worker) -> None:
        while (seconds := self._work.left(self._patience)) > 0:  # noqa: ASYNC110 # nobody tells that nothing happens
            await asyncio.sleep(seconds)
        await worker.shutdown()


class _Activities(Interceptor):
    """The outermost interceptor: what others do around an activity is work, too."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Activity(next, self._work)


class _Activity(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, work: Work) -> None:
        super().__init__(next)
        self._work = work

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        with self._work.under_way():
            return await super().execute_activity(input)


class _Workflows(WorkflowRunner):
    """Runs workflows as another runner does; each of their tasks is work."""

    def __init__(self, runner: WorkflowRunner, work: Work) -> None:
        self._runner, self._work = runner, work

    def prepare_workflow(self, defn: Definition) -> None:
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = self._runner.create_instance(det)
        activate = instance.activate

        def noted(act: Any) -> Any:
            with self._work.under_way():
                return activate(act)

        instance.activate = noted  # type: ignore[method-assign] # all else of an instance stays its own
        return instance

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        self._runner.set_worker_level_failure_exception_types(types)
