"""`docs/deploy.md` says what is there."""

import json
import re

import pytest
from typer.main import get_command

from sagents_infra.aws.rules import read_rules
from sagents_infra.cli.app import app
from tests.infra.aws.templates import ROOT, template

PAGE = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_rules_of_the_page_are_rules() -> None:
    assert [rule.source for rule in read_rules(BLOCKS[0])] == ["eventbridge"]


def test_task_definition_names_a_worker() -> None:
    (container,) = json.loads(BLOCKS[1])["containerDefinitions"]
    assert {entry["name"] for entry in container["environment"]} >= {"TEMPORAL_ADDRESS", "SAGENTS_STORE"}


def test_everything_that_has_to_be_said_at_the_first_deploy_is_said() -> None:
    wanted = {name for name, parameter in template()["Parameters"].items() if "Default" not in parameter}
    assert {name for name in wanted if f"{name}=" not in PAGE} == set()


def test_outputs_that_the_page_names_are_there() -> None:
    named = {"HttpApiUrl", "TriggerFunction", "SchedulerRole", "DeadLettersUrl"}
    assert named <= set(re.findall(r"`(\w+)`", PAGE))
    assert named | {"WorkerVersion", "InvokerRole", "TemporalSecret", "ModelSecret"} <= set(template()["Outputs"])


@pytest.mark.parametrize("words", sorted(set(re.findall(r"^(?:BUILD_ID=\$\()?sagents ([a-z-]+)", PAGE, re.MULTILINE))))
def test_commands_of_the_page_are_commands(words: str) -> None:
    group = get_command(app)
    assert words in group.commands  # type: ignore[attr-defined] # a group has them
