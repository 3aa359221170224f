"""Who may decide about an interrupt."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from sagents.principal import Who


@dataclass(frozen=True)
class Approvers:
    """People by name or by group; who is in either may decide. Joined by `|`."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def admits(self, who: Who) -> bool:
        """Whether this person is one of them; an operator never is."""
        return who.subject is not None and (who.subject in self.users or bool({*self.groups} & {*who.groups}))

    def __or__(self, other: Approvers) -> Approvers:
        return Approvers(
            users=tuple(dict.fromkeys((*self.users, *other.users))),
            groups=tuple(dict.fromkeys((*self.groups, *other.groups))),
        )

    def __str__(self) -> str:
        return ", ".join([*self.users, *(f"group {name}" for name in self.groups)]) or "nobody"


def users(*names: str) -> Approvers:
    """These people."""
    return Approvers(users=names)


def groups(*names: str) -> Approvers:
    """Everybody in these groups."""
    return Approvers(groups=names)
