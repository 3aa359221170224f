"""Looking at the world again before an approved call runs: an approval may come days after it was asked for."""

from __future__ import annotations

import asyncio
from typing import Any

from sagents.cancelling import Cancels
from sagents.replies import ModelRetry
from sagents.tool_context import ToolContext
from sagents.tools import Tool


async def objection(tool: Tool[..., Any], arguments: dict[str, Any], context: ToolContext) -> str | None:
    """Why an approved call is not to run; None where nothing speaks against it. What fails speaks against it."""
    if tool.revalidate is None:
        return None
    cancels = Cancels()
    try:
        async with asyncio.timeout(tool.timeout.total_seconds()):
            answer = await tool.revalidated(arguments, context)
    except ModelRetry as refused:
        return str(refused)
    except asyncio.CancelledError:
        if cancels.asked:
            raise
        return "looking at it again was cancelled"
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if answer is None or isinstance(answer, str):
        return answer
    return f"`revalidate` of the tool answered {answer!r}; only None lets a call run"
