"""What the demo puts on the screen: what it does, seconds since it began, and between it what the agent does."""

import time

from sagents import Event
from sagents_infra.cli.drawing import Screen
from sagents_infra.cli.output import console


class Stage:
    """Tells the story."""

    def __init__(self) -> None:
        self._screen = Screen(console())
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def tell(self, text: str, style: str = "bold") -> None:
        """Something that the demo does."""
        self._screen.line(f"[{self.seconds:4.0f} s] {text}", style)

    def note(self, text: str) -> None:
        """Something beside it."""
        self._screen.line(f"         {text}")

    def heading(self, text: str) -> None:
        self._screen.line(f"\n{text}\n", "bold")

    def show(self, what: object, style: str | None = None) -> None:
        self._screen.console.print(what, style=style)

    def draw(self, event: Event) -> None:
        """Something that the agent does."""
        self._screen.draw(event)
