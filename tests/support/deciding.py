"""People who decide, as doors let them: an AgentServer with keys, and the people themselves."""

from datetime import timedelta

from sagents.client import AgentServer
from sagents.principal import Principal
from sagents_infra.testing import AgentEnv

ALICE = Principal("alice", ("finance",))
BOB = Principal("bob", ("finance",))
CAROL = Principal("carol", ("managers",))
MALLORY = Principal("mallory", ("interns",))


def server_of(env: AgentEnv, patience: timedelta = timedelta(seconds=20)) -> AgentServer:
    """A door to the environment's agents; its worker believes what it signs."""
    return AgentServer(
        env.client,
        store=env.store,
        channel=env.channel,
        presence=env.presence,
        signer=env.signer,
        blobs=env.blobs,
        task_queue=env.settings.task_queue,
        patience=patience,
    )
