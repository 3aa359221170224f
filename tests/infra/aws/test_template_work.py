"""What the stack of `template.yaml` does when something fails, and how it changes.

`make check-aws` runs the tests of the template once more over what SAM makes of it, for each stage.
"""

import json

import pytest

from tests.infra.aws.templates import (
    IS_PROCESSED,
    NAMES,
    STAGE,
    Node,
    names_in,
    properties,
    resources,
    rights,
    template,
)

CHANGED_IN_STEPS = ("ApiFunction", "AuthorizerFunction", "SocketFunction", "TriggerFunction")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_function_fails_to_do_has_a_destination_it_may_write_to(name: str) -> None:
    if IS_PROCESSED:
        (invoking,) = [
            body["Properties"]
            for body in resources("AWS::Lambda::EventInvokeConfig").values()
            if names_in(body["Properties"]["FunctionName"]) == {name}
        ]
    else:
        invoking = properties(name)["EventInvokeConfig"]
    assert names_in(invoking["DestinationConfig"]["OnFailure"]["Destination"]) == {"DeadLetters"}
    sending = [given for given in rights(name.replace("Function", "Role")) if given["Action"] == "sqs:SendMessage"]
    assert [names_in(given["Resource"]) for given in sending] == [{"DeadLetters"}]


def test_what_events_bring_has_dead_letters_on_every_way() -> None:
    assert names_in(properties("TriggerQueue")["RedrivePolicy"]) == {"DeadLetters"}
    assert names_in(properties("EventBus")["DeadLetterConfig"]) == {"DeadLetters"}
    ways: list[Node]
    if IS_PROCESSED:
        ways = [target for rule in resources("AWS::Events::Rule").values() for target in rule["Properties"]["Targets"]]
        ways += [
            body["Properties"]
            for body in resources("AWS::SNS::Subscription").values()
            if body["Properties"]["Protocol"] == "lambda"
        ]
    else:
        events = properties("TriggerFunction")["Events"]
        ways = [body["Properties"] for body in events.values() if body["Type"] != "SQS"]
    assert len(ways) == 2
    assert [names_in(way.get("DeadLetterConfig", way.get("RedrivePolicy"))) for way in ways] == [{"DeadLetters"}] * 2


def test_a_bad_message_of_a_batch_comes_again_alone() -> None:
    if IS_PROCESSED:
        (mapping,) = resources("AWS::Lambda::EventSourceMapping").values()
        source = mapping["Properties"]
    else:
        source = properties("TriggerFunction")["Events"]["Queue"]["Properties"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties("TriggerQueue")["VisibilityTimeout"] >= 6 * properties("TriggerFunction")["Timeout"]


def test_new_version_takes_over_in_steps_in_prod_and_at_once_in_dev() -> None:
    stages = template()["Mappings"]["Stages"]
    assert (stages["prod"]["Canary"], stages["dev"]["Canary"]) == ("true", "false")
    for name in CHANGED_IN_STEPS:
        if not IS_PROCESSED:
            preference = properties(name)["DeploymentPreference"]
            assert preference["Enabled"] == {"Fn::FindInMap": ["Stages", {"Ref": "Stage"}, "Canary"]}
            assert names_in(preference["Alarms"]) == {name.replace("Function", "ErrorsAlarm")}
    groups = resources("AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == (len(CHANGED_IN_STEPS) if STAGE == "prod" else 0)


def test_worker_has_its_concurrency_reserved_and_is_invoked_again_by_temporal_only() -> None:
    assert properties("WorkerFunction")["ReservedConcurrentExecutions"] == {"Ref": "WorkerConcurrency"}
    timeout = template()["Parameters"]["WorkerTimeout"]
    assert timeout["MinValue"] >= 60
    if not IS_PROCESSED:
        assert properties("WorkerFunction")["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


def test_somebody_is_told_of_every_function_that_fails_and_of_what_was_not_done() -> None:
    alarms = [body["Properties"] for body in resources("AWS::CloudWatch::Alarm").values()]
    assert all(alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}] for alarm in alarms)
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms)
    watched = {(alarm["MetricName"], name) for alarm in alarms for name in names_in(alarm["Dimensions"])}
    assert {(metric, name) for metric in ("Errors", "Throttles") for name in NAMES} <= watched
    assert ("ApproximateNumberOfMessagesVisible", "DeadLetters") in watched


def test_dashboard_is_what_cloudwatch_can_read() -> None:
    board = json.loads(properties("Dashboard")["DashboardBody"]["Fn::Sub"])
    assert next(widget["properties"]["title"] for widget in board["widgets"]) == "Requests"


def test_every_address_is_an_output() -> None:
    told = names_in(template()["Outputs"])
    assert {
        "HttpApi",
        "SocketApi",
        "Table",
        "EventBus",
        "TriggerQueue",
        "TriggerTopic",
        "DeadLetters",
        "InvokerRole",
    } <= told


def test_every_parameter_has_a_group_and_is_used() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template()["Parameters"])
    used = names_in({name: part for name, part in template().items() if name not in ("Parameters", "Metadata")})
    used |= names_in(template()["Conditions"])
    assert set(grouped) - used - {"Stage", "Architecture"} == set()
