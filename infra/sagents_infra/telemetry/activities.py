"""The worker's side of tracing: spans of runs, steps, models and tools, made in activities, where things happen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span
from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from sagents.briefs import BriefRequest, ConcludeRequest
from sagents_activities.kit import Kit
from sagents_infra.telemetry import contents, ending, listening, stepping
from sagents_infra.telemetry.carrying import Carrying
from sagents_infra.telemetry.headers import heard
from sagents_infra.telemetry.origins import Origins
from sagents_infra.telemetry.places import Place
from sagents_infra.telemetry.spans import Spans, failed


class TracedWorker(Interceptor):
    """Traces the activities of one worker, and lets its workflows hand on where requests come from."""

    def __init__(self, spans: Spans, kit: Kit) -> None:
        self._spans, self._origins = spans, Origins(kit.store, kit.fence)
        listening.attached()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return TracedActivity(next, self._spans, self._origins)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: ARG002 - the SDK's own signature
    ) -> type[WorkflowInboundInterceptor] | None:
        return Carrying


class TracedActivity(ActivityInboundInterceptor):
    """One activity, below the run that it is for. A trouble of tracing's own is no trouble of the run."""

    def __init__(self, next: ActivityInboundInterceptor, spans: Spans, origins: Origins) -> None:
        super().__init__(next)
        self._spans, self._origins = spans, origins

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        with listening.listening(self._spans) as scope, attached(await self._context(input)):
            try:
                with self._step(input.args) as span:
                    result = await super().execute_activity(input)
                    if self._spans.contents:
                        contents.show(span, scope.tools, result)
                    return result
            finally:
                await ending.told(scope, self._origins)

    async def _context(self, input: ExecuteActivityInput) -> Context:
        base, place = heard(input.headers), Place.of_request(input.args)
        if place is None:
            return base
        writer = activity.info().workflow_run_id or "" if stepping.begins(input.args) else ""
        caller = await self._origins.of(place, base, writer)
        below_call = isinstance(input.args[0], BriefRequest | ConcludeRequest)
        return self._spans.under(place, caller, place.call_span if below_call else place.run_span, base)

    @contextmanager
    def _step(self, arguments: Any) -> Iterator[Span | None]:
        """The span of a step, which models and inline tools work in. Other activities are no step."""
        named = stepping.named(arguments)
        if named is None:
            yield None
            return
        name, attributes = named
        about = {**attributes, "sagents.attempt": activity.info().attempt}
        with self._spans.tracer.start_as_current_span(
            name, attributes=about, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                failed(span, getattr(error, "type", None) or type(error).__name__)
                raise


@contextmanager
def attached(context: Context) -> Iterator[None]:
    """The context holds while inside."""
    token = attach(context)
    try:
        yield
    finally:
        detach(token)
