"""`python -m tools.aws_local`: exit code 0 if what was deployed did all that it should."""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sagents import SagentsError
from sagents_infra.cli.places import only_one
from sagents_infra.dev_server import INVOKING, DevServer
from tools.aws import ROOT, tool
from tools.aws_local.cloud import cloud
from tools.aws_local.denied import denied
from tools.aws_local.issuer import Issuer, issuer
from tools.aws_local.load import load
from tools.aws_local.packages import build
from tools.aws_local.pythons import python_of_functions
from tools.aws_local.stack import Stack, deploy, register
from tools.aws_local.talk import converse, wake
from tools.aws_local.working import note, step
from tools.set_up import Failed, say

FOLDER = ROOT / ".aws-sam/local"

ALL_OF_IT = 20 * 60
"""Seconds, after which something hangs."""

SCENARIOS = {"talk": converse, "denied": denied, "load": load}


def perform(folder: Path, scenarios: Sequence[str], keep: bool) -> None:
    """Everything, one after the other; what was started ends with this."""
    minor, python = python_of_functions()
    with step(f"tools: the SAM CLI, and ministack on Python {minor}, which is the functions' runtime then"):
        tool("sam", "sam")
        tool(f"ministack-{minor}", "python", python)
    with step("sam build"):
        if not build(folder, minor, python):
            note("the packages are of these very sources: built before")
    with ExitStack() as running:
        with step("AWS on loopback, IAM enforced; a Temporal server that invokes functions; an issuer of tokens"):
            aws = running.enter_context(cloud(folder, minor, python))
            os.environ.update(aws.environment)  # for all that is started from here
            temporal = _temporal(folder)
            running.callback(temporal.stop)
            tokens = running.enter_context(issuer())
        with step("sam deploy"):
            stack = deploy(folder, aws, minor, temporal.address, tokens.url)
        with step("sagents deploy-worker: Temporal assumes the role and invokes the worker"):
            register(folder, stack, temporal.address)
        with step("the API starts cold"):
            wake(stack)
        for scenario in scenarios:
            SCENARIOS[scenario](stack, tokens)
        _tell(stack, temporal, tokens)
        if keep:
            signal.alarm(0)
            say("\nEverything stays up until Ctrl-C.")
            signal.pause()


def _temporal(folder: Path) -> DevServer:
    kept = folder / "temporal"
    shutil.rmtree(kept, ignore_errors=True)  # it would invoke functions of an account that is no more
    return DevServer.start(kept, tied=True, flags=INVOKING)


def _tell(stack: Stack, temporal: DevServer, tokens: Issuer) -> None:
    say(f"\nAPI='{stack.api}'\nTOKEN={tokens.token('ann')}")
    say(f"WebSocket: {stack.sockets}?ticket=... of POST /ws-tickets")
    say(f"AWS_ENDPOINT_URL={stack.cloud.url}\nTemporal: {temporal.address}, to look at: {temporal.ui}")
    say('curl -H "Authorization: Bearer $TOKEN" "$API/conversations"')


def _too_long(*_: object) -> None:
    raise Failed(f"not done after {ALL_OF_IT // 60} minutes")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.aws_local", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="again for several; talk without it")
    parser.add_argument("--keep", action="store_true", help="leave it all running until Ctrl-C")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(ALL_OF_IT)
    try:
        with only_one(FOLDER):
            perform(FOLDER, given.scenario or ["talk"], given.keep)
    except KeyboardInterrupt:
        return 130
    except (Failed, SagentsError) as failure:
        say(f"aws-local: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
