"""template.yaml, built and deployed as docs/deploy.md says, but into an account on loopback."""

import base64
import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import boto3

from sagents_infra.deployments import build_id_of
from tools.aws import ROOT, add_bytecode, environment, tool
from tools.aws_local.cloud import ACCOUNT, Cloud
from tools.aws_local.working import run

NAME = "sagents-local"
APP = Path(__file__).with_name("app.py")
SOURCES = ("sagents", "workflows", "activities", "infra", "deploy", "template.yaml", "requirements-aws.lock", APP)
"""What the packages are made of."""

ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
EXTERNAL_ID = "a-word-for-one-machine"
IDLE_EXIT_MS = 1_000
BUCKET = "packages"


@dataclass(frozen=True)
class Stack:
    """What was deployed: the stack's outputs, and the version of its worker."""

    outputs: Mapping[str, str]
    url: str

    @property
    def api(self) -> str:
        """The HTTP API, by a path: it needs no name of its own in anybody's DNS."""
        return f"{self.url}{_path(self.outputs['HttpApiUrl'])}/$default"

    @property
    def sockets(self) -> str:
        """The WebSocket API, by a path."""
        return f"{self.url.replace('http', 'ws', 1)}{_path(self.outputs['SocketUrl'])}/live"


def _path(address: str) -> str:
    api_id = address.split("//")[1].split(".")[0]
    return f"/_aws/execute-api/{api_id}"


def build(folder: Path, minor: str, python: str) -> bool:
    """`sam build` for this machine, with bytecode; False where the packages are of these very sources already."""
    built, stamp = folder / "build", folder / "built-from"
    sources = f"{minor} {ARCHITECTURE} {_hash_of_sources()}"
    if stamp.exists() and stamp.read_text() == sources:
        return False
    stamp.unlink(missing_ok=True)
    shutil.rmtree(built, ignore_errors=True)
    chosen = ("--parameter-overrides", f"Architecture={ARCHITECTURE}", f"Runtime=python{minor}")
    beside = {"PATH": f"{Path(python).parent}{os.pathsep}{environment()['PATH']}"}
    sam = tool("sam", "sam")
    run(folder / "build.log", sam, "build", "--build-dir", built, *chosen, env={**environment(), **beside}, cwd=ROOT)
    shutil.copy(APP, built / "WorkerFunction/local_app.py")
    for package in [path for path in built.iterdir() if path.is_dir()]:
        add_bytecode(python, package)
        _pack(package, built / "template.yaml")
    stamp.write_text(sources)
    return True


def _pack(package: Path, template: Path) -> None:
    """Zip a package and let the template name the zip; else `sam deploy` packs it anew each time, for each function."""
    with ZipFile(package.with_name(f"{package.name}.zip"), "w", ZIP_DEFLATED, compresslevel=1) as packed:
        for path in sorted(package.rglob("*")):
            packed.write(path, path.relative_to(package))
    template.write_text(template.read_text().replace(f"CodeUri: {package.name}\n", f"CodeUri: {package.name}.zip\n"))


def _hash_of_sources() -> str:
    digest = hashlib.sha256()
    for source in (ROOT / name for name in SOURCES):
        one = build_id_of(source) if source.is_dir() else hashlib.sha256(source.read_bytes()).hexdigest()
        digest.update(one.encode())
    return digest.hexdigest()


def values_of(build_id: str, cloud: Cloud, minor: str, temporal: str, issuer: str) -> dict[str, str]:
    """The template's parameters."""
    return {
        "Architecture": ARCHITECTURE,
        "Runtime": f"python{minor}",
        "App": "local_app:app",
        "Agents": "desk",
        "BuildId": build_id,
        "TemporalAddress": temporal,
        "TemporalTls": "false",
        "TemporalPrincipals": f"arn:aws:iam::{ACCOUNT}:root",
        "TemporalExternalId": EXTERNAL_ID,
        "Emulator": cloud.url,
        "JwtIssuer": issuer,
        "IdleExitMs": str(IDLE_EXIT_MS),
    }


def deploy(folder: Path, cloud: Cloud, minor: str, temporal: str, issuer: str) -> Stack:
    """`sam deploy`, with secrets filled."""
    values = values_of(build_id_of(folder / "build/WorkerFunction"), cloud, minor, temporal, issuer)
    _client(cloud, "s3").create_bucket(
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
    found = _client(cloud, "cloudformation").describe_stacks(StackName=NAME)["Stacks"][0]["Outputs"]
    _fill_secrets(cloud)
    return Stack({output["OutputKey"]: output["OutputValue"] for output in found}, cloud.url)


def _fill_secrets(cloud: Cloud) -> None:
    """All three: ministack's empty secret is no JSON, and its random one has signs that the template excludes."""
    client = _client(cloud, "secretsmanager")
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


def _client(cloud: Cloud, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=cloud.url,
        region_name=cloud.environment["AWS_REGION"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
