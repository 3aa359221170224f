"""template.yaml, built and deployed as docs/deploy.md says, but into an account on loopback."""

import base64
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagents_infra.deployments import build_id_of
from tools.aws import environment, tool
from tools.aws_local.cloud import ACCOUNT, Cloud
from tools.aws_local.notices import TOPIC, Notices, notices
from tools.aws_local.packages import ARCHITECTURE
from tools.aws_local.working import run

NAME = "sagents-local"
EXTERNAL_ID = "a-word-for-one-machine"
IDLE_EXIT_MS = 1_000
BUCKET = "packages"


@dataclass(frozen=True)
class Stack:
    """What was deployed: the stack's outputs, and the version of its worker."""

    outputs: Mapping[str, str]
    cloud: Cloud
    notices: Notices

    @property
    def api(self) -> str:
        """The HTTP API, by a path: it needs no name of its own in anybody's DNS."""
        return f"{self.cloud.url}{_path(self.outputs['HttpApiUrl'])}/$default"

    @property
    def sockets(self) -> str:
        """The WebSocket API, by a path."""
        return f"{self.cloud.url.replace('http', 'ws', 1)}{_path(self.outputs['SocketUrl'])}/live"

    def named(self, resource: str) -> str:
        """What a resource of the template is called here."""
        found = self.cloud.client("cloudformation").describe_stack_resource(StackName=NAME, LogicalResourceId=resource)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _path(address: str) -> str:
    api_id = address.split("//")[1].split(".")[0]
    return f"/_aws/execute-api/{api_id}"


def values_of(build_id: str, cloud: Cloud, minor: str, temporal: str, issuer: str) -> dict[str, str]:
    """The template's parameters."""
    return {
        "Architecture": ARCHITECTURE,
        "Runtime": f"python{minor}",
        "App": "local_app:app",
        "Agents": "desk,parrot",
        "BuildId": build_id,
        "TemporalAddress": temporal,
        "TemporalTls": "false",
        "TemporalPrincipals": f"arn:aws:iam::{ACCOUNT}:root",
        "TemporalExternalId": EXTERNAL_ID,
        "Emulator": cloud.url,
        "JwtIssuer": issuer,
        "IdleExitMs": str(IDLE_EXIT_MS),
        "Notify": f"sns://{TOPIC}",
        "NotifyBy": TOPIC,
    }


def deploy(folder: Path, cloud: Cloud, minor: str, temporal: str, issuer: str) -> Stack:
    """`sam deploy`, with secrets filled."""
    values = values_of(build_id_of(folder / "build/WorkerFunction"), cloud, minor, temporal, issuer)
    cloud.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": cloud.environment["AWS_REGION"]}
    )
    run(
        folder / "deploy.log",
        *(tool("sam", "sam"), "deploy", "--template-file", folder / "build/template.yaml", "--stack-name", NAME),
        *("--s3-bucket", BUCKET, "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"),
        *("--parameter-overrides", *(f"{name}={value}" for name, value in values.items())),
        env={**environment(), **cloud.environment, "SAM_CLI_POLL_DELAY": "0.5"},
        cwd=folder,  # samconfig.toml is for accounts
    )
    found = cloud.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0]["Outputs"]
    _fill_secrets(cloud)
    return Stack({output["OutputKey"]: output["OutputValue"] for output in found}, cloud, notices(cloud))


def _fill_secrets(cloud: Cloud) -> None:
    """All three: ministack's empty secret is no JSON, and its random one has signs that the template excludes."""
    client = cloud.client("secretsmanager")
    key = base64.b64encode(os.urandom(48)).decode()
    for secret in client.list_secrets()["SecretList"]:
        text = {"SAGENTS_SIGNING_KEYS/first": key} if "SigningSecret" in secret["Name"] else {}
        client.put_secret_value(SecretId=secret["ARN"], SecretString=json.dumps(text))


def register(folder: Path, stack: Stack, temporal: str) -> None:
    """`sagents deploy-worker`: Temporal assumes the role, invokes the function, and makes the version current."""
    run(
        folder / "deploy-worker.log",
        *(Path(sys.executable).with_name("sagents"), "deploy-worker", "--deployment", stack.outputs["Deployment"]),
        *("--build-id", stack.outputs["BuildId"], "--function", stack.outputs["WorkerVersion"]),
        *("--role", stack.outputs["InvokerRole"], "--external-id", EXTERNAL_ID, "--wait", "120"),
        env={**os.environ, "TEMPORAL_ADDRESS": temporal, "TEMPORAL_CONFIG_FILE": os.devnull},
        cwd=folder,
    )
