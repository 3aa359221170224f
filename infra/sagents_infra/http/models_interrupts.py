"""What travels over HTTP about that which waits for people."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import AwareDatetime, BaseModel, Field, JsonValue

from sagents.approvers import Approvers
from sagents.contract import DecisionAnswer
from sagents.decision_log import Remember
from sagents.inbox import InboxItem
from sagents.ports import Claim
from sagents_infra.http.models import shown

InterruptRef = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9._:@!-]{1,1500}~[A-Za-z0-9._:@#/-]{1,300}$",
        description="As the inbox names it: the agent's id, `~` and the interrupt's.",
        examples=["conversation-7~int_4f2a"],
    ),
]


class PendingInterrupt(BaseModel):
    """Something that waits for a person. `digest`, also the ETag, names the very call that is shown."""

    model_config = shown(
        {
            "id": "conversation-7~int_4f2a",
            "interrupt_id": "int_4f2a",
            "agent_id": "conversation-7",
            "agent": "support",
            "conversation_id": "7",
            "reason": "tool_call",
            "status": "pending",
            "tool": "refund",
            "arguments": {"order": "7", "amount": 120.0},
            "digest": "9b74c9897bac770f",
            "allowed_decisions": ["approve", "reject"],
        }
    )

    id: str
    interrupt_id: str
    agent_id: str
    agent: str = ""
    conversation_id: str | None = None
    owner: str | None = None
    run_id: str | None = None
    reason: str
    status: str
    message: str = ""
    tool: str | None = None
    arguments: dict[str, JsonValue] | None = None
    digest: str = ""
    data: dict[str, JsonValue] = Field(default_factory=dict)
    response_schema: dict[str, JsonValue] | None = None
    allowed_decisions: list[str] = Field(default_factory=list)
    approvers: Approvers | None = None
    required_approvals: int = 1
    approvals: int = 0
    risk: str | None = None
    path: list[str] = Field(default_factory=list, description="Names of sub-agents, outermost first.")
    problem: str | None = Field(default=None, description="Why it cannot be decided here, where that is so.")
    created_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    claim: Claim | None = None


class Waiting(BaseModel):
    """What waits for people, oldest first."""

    model_config = shown({"interrupts": []})

    interrupts: list[PendingInterrupt]


class NewDecision(BaseModel):
    """A decision. `answer` and `cancel` are the AG-UI names for respond and reject of a question."""

    model_config = shown({"type": "reject", "reason": "The order was delivered."})

    type: Literal["approve", "edit", "reject", "respond", "answer", "cancel"]
    extend: dict[str, JsonValue] | None = Field(default=None, description="approve: raises a budget.")
    arguments: dict[str, JsonValue] | None = Field(default=None, description="edit: what the tool runs with.")
    reason: str | None = Field(default=None, description="reject: what the model reads.")
    content: JsonValue = Field(default=None, description="respond: words, or a value that fits the schema.")
    selected: list[str] | None = Field(default=None, description="answer: the options that were chosen.")
    other_text: str | None = Field(default=None, description="answer: what none of the options says.")
    digest: str | None = Field(default=None, description="The call that was seen; `If-Match` says the same.")
    remember: Remember | None = None

    @property
    def wire(self) -> dict[str, Any]:
        """As the contract has it: only what was said."""
        return self.model_dump(mode="json", exclude_unset=True)


class NamedDecision(NewDecision):
    """A decision among several; without an id its place says what it is about."""

    model_config = shown({"interrupt_id": "int_4f2a", "type": "approve"})

    interrupt_id: str | None = None


class Decisions(BaseModel):
    """Decisions about what a conversation waits for; none lets a paused run go on."""

    model_config = shown({"decisions": [{"type": "approve"}]})

    decisions: list[NamedDecision] = Field(default_factory=list, max_length=100)


class Decided(BaseModel):
    """Where the interrupt stands now: `pending` while more people have to agree."""

    model_config = shown({"interrupt_id": "int_4f2a", "status": "rejected", "by": "ann", "approvals": 0, "required": 1})

    interrupt_id: str
    status: str
    by: str | None = None
    at: AwareDatetime | None = None
    approvals: int = 0
    required: int = 1

    @classmethod
    def of(cls, given: DecisionAnswer) -> "Decided":
        return cls.model_validate(given.model_dump())


def ref_of(agent_id: str, interrupt_id: str) -> str:
    """The interrupt's id in addresses; a gateway may decode a quoted `/`, so a sub-agent's has `!` in its place."""
    return f"{agent_id.replace('/', '!')}~{interrupt_id}"


def parts_of(ref: str) -> tuple[str, str]:
    """Whose interrupt, and its id there."""
    whose, _, interrupt_id = ref.partition("~")
    return whose.replace("!", "/"), interrupt_id


def pending(item: InboxItem, status: str) -> PendingInterrupt:
    """An item of the inbox as it is shown here."""
    interrupt = item.interrupt
    same = interrupt.model_dump(include=_SAME)
    return PendingInterrupt(
        id=ref_of(item.agent_id, interrupt.id),
        interrupt_id=interrupt.id,
        agent_id=item.agent_id,
        agent=item.agent,
        conversation_id=item.conversation_id,
        owner=item.owner,
        run_id=item.run_id,
        status=status,
        approvals=interrupt.approvals,
        approvers=interrupt.approvers,
        claim=item.claim,
        **same,
    )


_SAME = {
    "reason", "message", "tool", "arguments", "digest", "data", "response_schema", "allowed_decisions",
    "required_approvals", "risk", "path", "problem", "created_at", "expires_at",
}  # fmt: skip
