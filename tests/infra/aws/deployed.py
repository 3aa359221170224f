"""The functions of template.yaml as they are deployed, each in its own process under Lambda's runtime client.

Temporal (real) ──invokes──▶ worker      api, socket, authorizer, trigger
     ▲                         │                      │
     └───────── line ◀─────────┴──────────────────────┤
DynamoDB, S3, Secrets Manager (moto), @connections ◀──┘
"""

import asyncio
import json
import os
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from temporalio.client import Client

from sagents_infra.cli.deploying import deploy
from sagents_infra.deployments import LambdaFunction
from sagents_infra.settings import Settings
from sagents_infra.stores.dynamodb import DynamoDBStore, dynamodb_client
from sagents_infra.stores.dynamodb_schema import ensure_table
from tests.infra.aws.templates import NAMES, ROOT, properties
from tests.infra.aws.variables import variables
from tests.support.api_gateway import STAGE, ApiGateway
from tests.support.aws import KEYS
from tests.support.dead_line import Line, line_to
from tests.support.lambda_runtime import Function, running
from tests.support.lambdas import EXTERNAL_ID, ROLE, Lambdas

REGION = "us-east-1"
BUILD = "b1"


@dataclass
class Stack:
    """`values` are what the template's references stand for here, `beside` is what only this place has to say."""

    name: str
    folder: Path
    line: Line
    workers_line: Line
    gateway: ApiGateway
    store: DynamoDBStore
    key: str
    values: Mapping[str, str]
    beside: Mapping[str, str]
    _ends: ExitStack
    _functions: dict[str, Function] = field(default_factory=dict)

    def start(self) -> None:
        """All functions. They end with this thread, so no other may start them."""
        self._functions = {name: self.another(name) for name in NAMES}

    def function(self, name: str) -> Function:
        return self._functions[name]

    def another(self, name: str, timeout: int | None = None, **changes: str) -> Function:
        """A process of a function's own, with these values."""
        given = properties(name)
        line = self.workers_line if name == "WorkerFunction" else self.line
        timeout = timeout or (given["Timeout"] if isinstance(given["Timeout"], int) else 300)
        environment = {
            **_of_lambda(name, timeout),
            **variables(name, {**self.values, "TemporalAddress": line.address, **changes}),
            **self.beside,
            "SAGENTS_HOME": str(self.folder / name),
        }
        output = self.folder / f"{name}-{uuid4().hex[:6]}.log"
        return self._ends.enter_context(running(given["Handler"], ROOT / given["CodeUri"], environment, output))


def _of_lambda(name: str, timeout: int) -> dict[str, str]:
    """What Lambda itself puts into a function's environment."""
    given = properties(name)
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(ROOT / given["CodeUri"]),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_LOG_FORMAT": given["LoggingConfig"]["LogFormat"],
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_SESSION_TOKEN": "test",
        **KEYS,
    }


@contextmanager
def stack(folder: Path, temporal: str, gateway: ApiGateway, aws_url: str, tables_url: str) -> Iterator[Stack]:
    """Resources with their names, and one function of each kind."""
    name = f"stack-{uuid4().hex[:8]}"
    with pytest.MonkeyPatch.context() as patch:
        for key, value in {**KEYS, "AWS_DEFAULT_REGION": REGION}.items():
            patch.setenv(key, value)
        tables = dynamodb_client(REGION, tables_url)
        ensure_table(tables, name)
        for kind in ("files", "payloads"):
            boto3.client("s3", endpoint_url=aws_url).create_bucket(Bucket=f"{name}-{kind}")
        key = b64encode(secrets.token_bytes(48)).decode()
        vault = boto3.client("secretsmanager", endpoint_url=aws_url)
        held = json.dumps({"SAGENTS_SIGNING_KEYS/first": key})
        signing = vault.create_secret(Name=f"{name}-signing", SecretString=held)["ARN"]
        empty = {part: vault.create_secret(Name=f"{name}-{part}")["ARN"] for part in ("temporal", "model")}
    values = {
        "AWS::Region": REGION, "AWS::StackName": name, "BuildId": BUILD, "TaskQueue": name, "IdleExitMs": "1000",
        "Table": name, "FilesBucket": f"{name}-files", "PayloadsBucket": f"{name}-payloads",
        "SigningSecret.Id": signing, "TemporalSecret.Id": empty["temporal"], "ModelSecret.Id": empty["model"],
        "TemporalTls": "false", "SocketApi": "sockets", "HttpApi.ApiEndpoint": "http://127.0.0.1:1",
        "IsEmulated": "yes", "Emulator": gateway.url.removesuffix(STAGE),
    }  # fmt: skip
    beside = {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ENDPOINT_URL_DYNAMODB": tables_url,
        "SAGENTS_HTTP_IDLE_MS": "0",  # any pause is long enough for a look at the connection
        "SAGENTS_STICKY_TIMEOUT_MS": "1000",  # what a worker that has left costs the next task
    }
    with line_to(temporal) as line, line_to(temporal) as workers_line, ExitStack() as ends:
        store = DynamoDBStore(tables, name)
        ends.callback(store.close)
        found = Stack(name, folder, line, workers_line, gateway, store, key, values, beside, ends)
        found.start()
        yield found


@contextmanager
def working(found: Stack, account: Lambdas, address: str) -> Iterator[Function]:
    """The worker's function, which Temporal knows and invokes while inside."""
    worker = found.function("WorkerFunction")
    arn = f"arn:aws:lambda:{REGION}:123456789012:function:{found.name}:1"
    account.functions[arn] = lambda: _invoked(worker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", address)
        here = Settings(home=found.folder, task_queue=found.name, deployment=found.name, build_id=BUILD)
        asyncio.run(deploy(here, found.name, BUILD, LambdaFunction(arn, ROLE, EXTERNAL_ID), wait=60))
    yield worker
    asyncio.run(_end_all(address, found.name))
    account.functions[arn] = lambda: None
    for invocation in account.invocations:
        invocation.join(30)


def _invoked(worker: Function) -> None:
    answer: Any = worker.invoke({})
    assert answer is None, answer


async def _end_all(address: str, task_queue: str) -> None:
    client = await Client.connect(address)
    async for found in client.list_workflows(f"TaskQueue = '{task_queue}' AND ExecutionStatus = 'Running'"):
        await client.get_workflow_handle(found.id).terminate()
