"""The keys of the DynamoDB store, and rows as Python has them. `docs/stores.md` shows the whole table.

All that is kept of an agent has the one partition key `agent#<agent id>`, compared whole: no prefix of an id, and so no
tenant, reaches another's rows. Rules have two pointers besides, by their id and by the key that they are found with.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple
from zlib import crc32

Row = dict[str, Any]
"""Attributes by name: str, int, bytes, and lists of str."""

SHARDS = 8
"""Partitions of the index per kind of row, so that no one of them takes all writes. Never to be changed."""
LONG = 900
"""Bytes of a text that may stand in a sort key, which has room for 1,024."""


class Key(NamedTuple):
    partition: str
    sort: str

    @property
    def row(self) -> Row:
        return {"pk": self.partition, "sk": self.sort}

    @classmethod
    def of(cls, row: Row) -> "Key":
        return cls(row["pk"], row["sk"])


def partition(agent_id: str) -> str:
    return f"agent#{agent_id}"


def fence(agent_id: str) -> Key:
    return Key(partition(agent_id), "fence")


def waiting(agent_id: str) -> Key:
    return Key(partition(agent_id), "waiting")


def claims(agent_id: str) -> Key:
    return Key(partition(agent_id), "claims")


def base(agent_id: str, digest: str) -> Key:
    return Key(partition(agent_id), f"base{named(digest)}")


def record(agent_id: str, key: str) -> Key:
    return Key(partition(agent_id), f"record{named(key)}")


def event(agent_id: str, number: int) -> Key:
    return Key(partition(agent_id), f"event#{number:016}")


def event_slot(agent_id: str, slot: str) -> Key:
    return Key(partition(agent_id), f"slot{named(slot)}")


def row(agent_id: str, number: int) -> Key:
    """A row of the transcript, by the number of the event that told of it first."""
    return Key(partition(agent_id), f"row#{number:016}")


def row_by_id(agent_id: str, row_id: str) -> Key:
    return Key(partition(agent_id), f"rowid{named(row_id)}")


def card(agent_id: str) -> Key:
    return Key(partition(agent_id), "card")


def log(agent_id: str) -> Key:
    """There as soon as the agent has a decision log."""
    return Key(partition(agent_id), "log")


def decision(agent_id: str, number: int) -> Key:
    return Key(partition(agent_id), f"decision#{number:016}")


def decision_slot(agent_id: str, slot: str) -> Key:
    return Key(partition(agent_id), f"decided{named(slot)}")


def rule(agent_id: str, rule_id: str) -> Key:
    return Key(partition(agent_id), f"rule{named(rule_id)}")


def rule_by_id(rule_id: str) -> Key:
    return Key(f"rule{named(rule_id)}", "rule")


def rules_under(key: str) -> str:
    """The partition of the pointers to rules with this key."""
    return f"rules{named(key)}"


def listed(kind: str, agent_id: str) -> Row:
    """What puts a row into the index, where those of one kind are found over all agents, sorted by tenant and agent."""
    return {"kind": shard(kind, crc32(agent_id.encode()) % SHARDS), "place": place(agent_id)}


def place(agent_id: str) -> str:
    """Where in the index an agent's rows stand; also where those begin whose ids begin like this."""
    return agent_id.encode()[:LONG].decode(errors="ignore")


def listed_below(agent_id: str) -> Row:
    """What puts the fence of a sub-agent into the index, where those of one root are found; nothing for a root."""
    root, slash, _ = agent_id.partition("/")
    return {"kind": below(root), "place": place(agent_id)} if slash else {}


def below(root_id: str) -> str:
    return f"below#{root_id}"


def shard(kind: str, number: int) -> str:
    return f"{kind}#{number}"


def packed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in the notation of DynamoDB."""
    return {name: _packed(value) for name, value in row.items()}


def unpacked(item: Mapping[str, Any]) -> Row:
    return {name: _unpacked(value) for name, value in item.items()}


def _packed(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case _:
            return {"L": [_packed(one) for one in value]}


def _unpacked(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(content)
        case "L":
            return [_unpacked(one) for one in content]
        case _:
            return content


def named(text: str) -> str:
    """A text as a part of a key: itself, or its digest where it has no room."""
    data = text.encode()
    return f"#{text}" if len(data) <= LONG else f"~{sha256(data).hexdigest()}"
