"""What goes between the kernel and the review of decisions: who made them, and whether what they say fits."""

from __future__ import annotations

from sagents.commands import Answering
from sagents.frozen import Frozen
from sagents.interrupts import Interrupt
from sagents.plan import AgentRef
from sagents.principal import Attestation, Who


class ReviewRequest(Frozen):
    """Check decisions before the kernel judges them.

    A decision without `interrupt_id` is about the interrupt in its place, as in `resume`; what belongs to none of the
    interrupts is left to the kernel. `record` is the step's that asked.
    """

    agent: AgentRef
    run_id: str = ""
    record: str = ""
    interrupts: tuple[Interrupt, ...] = ()
    decisions: tuple[Answering, ...] = ()
    attestation: Attestation | None = None


class Refusal(Frozen):
    """Why the decisions are not taken. `type` is the name of an error, `pointer` (RFC 6901) a place in the decision."""

    type: str
    message: str
    interrupt_id: str = ""
    pointer: str = ""


class Reviewed(Frozen):
    """Whose decisions these are: an operator's where no door vouched for anybody, None where its word is refused.

    With a `refusal` none of them may be taken.
    """

    who: Who | None = None
    refusal: Refusal | None = None
