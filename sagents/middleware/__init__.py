"""Capabilities of agents, one a file, and the protocol they share."""

from sagents.hooks import HookContext, Middleware

__all__ = ["HookContext", "Middleware", "default_stack"]


def default_stack() -> tuple[Middleware, ...]:
    """What every agent gets unless it says `default_middleware=False`, in order (B-2)."""
    return ()
