"""A topic of somebody's that the stack may write to, and a queue in which what it wrote is read."""

import json
import re
from dataclasses import dataclass
from typing import Any

from tools.aws_local.cloud import ACCOUNT, REGION, Cloud
from tools.aws_local.working import wait

NAME = "notices"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAME}"
LINK = re.compile(r"/approvals/[^\s\"<>]+")


@dataclass(frozen=True)
class Notices:
    """What was told to people."""

    cloud: Cloud
    queue: str

    def link(self, interrupt_id: str, patience: float = 60) -> str:
        """The path of the link to this question."""
        found: list[str] = []

        def has_come() -> bool:
            for notice in self._all():
                if interrupt_id in notice["MessageAttributes"]["notice_id"]["Value"]:
                    found.extend(LINK.findall(notice["Message"]))
            return bool(found)

        wait(has_come, f"a link to {interrupt_id}", patience)
        return found[0]

    def _all(self) -> list[dict[str, Any]]:
        told = self.cloud.client("sqs").receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in told.get("Messages", [])]


def notices(cloud: Cloud) -> Notices:
    """Makes the topic and the queue, where they are not there."""
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    queue = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=sns.create_topic(Name=NAME)["TopicArn"], Protocol="sqs", Endpoint=arn)
    return Notices(cloud, queue)
