"""Versions of workers, as Temporal knows them: which there are, who is invoked for them, which one is current."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.api.common.v1 import Payload
from temporalio.api.compute.v1 import (
    ComputeConfig,
    ComputeConfigScalingGroup,
    ComputeConfigScalingGroupUpdate,
    ComputeProvider,
)
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import RoutingConfigUpdateState
from temporalio.api.workflowservice.v1 import (
    CreateWorkerDeploymentRequest,
    CreateWorkerDeploymentVersionRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateWorkerDeploymentVersionComputeConfigRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from sagents.errors import SagentsError

GROUP = "default"
PASSING = {"__pycache__", ".lock"}
"""What a build leaves behind that is none of its contents."""


@dataclass(frozen=True)
class LambdaFunction:
    """The function that Temporal invokes when there is work for a version and nobody polls for it."""

    arn: str
    role: str
    external_id: str

    @property
    def compute(self) -> ComputeConfigScalingGroup:
        details = {"arn": self.arn, "role": self.role, "role_external_id": self.external_id}
        payload = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(details).encode())
        return ComputeConfigScalingGroup(provider=ComputeProvider(type="aws-lambda", details=payload))


def build_id_of(folder: Path) -> str:
    """A hash of what a folder holds: the same for the same files, whenever and wherever they were built."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if PASSING.isdisjoint(name.parts) and path.suffix != ".pyc":
            contents = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{name.as_posix()}\0{contents}\n".encode())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Deployments:
    """The versions of one deployment."""

    client: Client
    name: str

    async def register(self, build_id: str, function: LambdaFunction) -> None:
        """Make a version known, and who is invoked for it. One that is known gets this function from now on.

        A version of long-lived workers needs none of this: its first worker makes it known. Temporal tries the role and
        the function at once; raises `SagentsError` with what it says.
        """
        await self._call("create_worker_deployment", CreateWorkerDeploymentRequest(deployment_name=self.name))
        config = ComputeConfig(scaling_groups={GROUP: function.compute})
        version = WorkerDeploymentVersion(deployment_name=self.name, build_id=build_id)
        making = CreateWorkerDeploymentVersionRequest(deployment_version=version, compute_config=config)
        if await self._call("create_worker_deployment_version", making):
            return
        update = ComputeConfigScalingGroupUpdate(scaling_group=function.compute)
        await self._call(
            "update_worker_deployment_version_compute_config",
            UpdateWorkerDeploymentVersionComputeConfigRequest(
                deployment_version=version, compute_config_scaling_groups={GROUP: update}
            ),
        )

    async def polls(self, build_id: str) -> bool:
        """Whether a worker of a version has asked for work yet. Temporal invokes a function as soon as it knows it."""
        version = WorkerDeploymentVersion(deployment_name=self.name, build_id=build_id)
        request = DescribeWorkerDeploymentVersionRequest(namespace=self.client.namespace, deployment_version=version)
        try:
            answer = await self.client.workflow_service.describe_worker_deployment_version(request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise SagentsError(f"Temporal does not tell of version {build_id} of {self.name}: {error}") from error
        return bool(answer.version_task_queues)

    async def make_current(self, build_id: str) -> str:
        """Send all new work to a version, whoever polls for it by now: what was current before."""
        request = SetWorkerDeploymentCurrentVersionRequest(
            deployment_name=self.name, build_id=build_id, allow_no_pollers=True, ignore_missing_task_queues=True
        )
        request.namespace = self.client.namespace
        try:
            answer = await self.client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:
            raise SagentsError(f"Version {build_id} of {self.name} did not become current: {error}") from error
        return answer.previous_deployment_version.build_id

    async def is_routed(self) -> bool:
        """Whether all task queues know by now which version is current: work that comes sooner may go to nobody."""
        request = DescribeWorkerDeploymentRequest(namespace=self.client.namespace, deployment_name=self.name)
        try:
            answer = await self.client.workflow_service.describe_worker_deployment(request)
        except RPCError as error:
            raise SagentsError(f"Temporal does not tell of {self.name}: {error}") from error
        state = answer.worker_deployment_info.routing_config_update_state
        return state != RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS

    async def _call(self, name: str, request: Any) -> bool:
        """Whether it was done; it is not where it had been done before."""
        request.namespace, request.request_id = self.client.namespace, str(uuid4())
        try:
            await getattr(self.client.workflow_service, name)(request)
        except RPCError as error:
            if error.status is RPCStatusCode.ALREADY_EXISTS:
                return False
            raise SagentsError(f"Temporal did not take deployment {self.name}: {error}") from error
        return True
