"""An agent without Temporal: `python -m examples.first_taste`. It lives as long as this process; nothing is kept."""

import asyncio

from examples.support import helper
from sagents import AgentRequest


async def main() -> None:
    outcome = await helper(AgentRequest()).execute("How many words are in this sentence?")
    print(outcome.unwrap().text)


if __name__ == "__main__":
    asyncio.run(main())
