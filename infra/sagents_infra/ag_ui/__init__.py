"""AG-UI 1.0: agents on pages that speak this protocol. Takes the extra `sagents[ag-ui]`."""

from sagents_infra.ag_ui.projection import Projection, project
from sagents_infra.ag_ui.requests import read
from sagents_infra.ag_ui.runs import run
from sagents_infra.ag_ui.streaming import sse

__all__ = ["Projection", "project", "read", "run", "sse"]
