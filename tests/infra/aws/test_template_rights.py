"""Who may do what in the stack of `template.yaml`: roles, secrets, routes."""

import json
import re

import pytest

from tests.infra.aws.templates import (
    NAMES,
    ROLES,
    ROOT,
    Node,
    as_list,
    names_in,
    properties,
    resources,
    rights,
    statements,
    template,
)

PUBLIC = {"GET /health", "GET /openapi.json", "GET /approvals/{token}", "POST /approvals/{token}"}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ROLES)
def test_role_may_do_what_is_named_with_what_is_named(role: str) -> None:
    given = rights(role)
    assert given
    for statement in given:
        assert statement["Effect"] == "Allow"
        assert [action for action in as_list(statement["Action"]) if "*" in action] == []
        assert "*" not in as_list(statement["Resource"])
        assert not any("*" in arn.split("/")[0] for arn in as_list(statement["Resource"]) if isinstance(arn, str))


def test_roles_take_no_managed_policies_of_wider_rights() -> None:
    assert [role for role in ROLES if "ManagedPolicyArns" in properties(role)] == []


@pytest.mark.parametrize("name", NAMES)
def test_function_has_a_role_of_its_own_and_logs_for_its_own(name: str) -> None:
    role, logs = name.replace("Function", "Role"), name.replace("Function", "Logs")
    assert names_in(properties(name)["Role"]) == {role}
    assert properties(name)["LoggingConfig"] == {"LogGroup": {"Ref": logs}, "LogFormat": "JSON"}
    (logging,) = [given for given in rights(role) if "logs:PutLogEvents" in as_list(given["Action"])]
    assert names_in(logging["Resource"]) == {logs}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "AuthorizerFunction"])
def test_rights_on_the_table_are_those_of_its_page(name: str) -> None:
    (written,) = re.findall(r"```json\n(\[\"dynamodb:.*?\])\n```", page("stores.md"), re.DOTALL)
    given = [right for right in rights(name.replace("Function", "Role")) if "dynamodb" in str(right["Action"])]
    assert sorted(as_list(given[0]["Action"])) == sorted(json.loads(written))
    assert given[0]["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
    assert as_list(given[1]["Action"]) == ["dynamodb:Query"]
    assert given[1]["Resource"] == {"Fn::Sub": "${Table.Arn}/index/listed"}


def test_no_secret_stands_in_the_template_or_in_what_functions_are_told() -> None:
    secret = re.compile("KEY|SECRET|TOKEN|PASSWORD")
    variables = [variable for told in _environments() for variable in told.items()]
    assert [name for name, value in variables if secret.search(name) and "Secret" not in str(value)] == []
    for body in resources("AWS::SecretsManager::Secret").values():
        assert "SecretString" not in body["Properties"]


def _environments() -> list[Node]:
    places = [*(properties(name) for name in NAMES), template().get("Globals", {}).get("Function", {})]
    return [place["Environment"]["Variables"] for place in places if "Environment" in place]


def test_only_the_worker_reads_the_keys_of_models() -> None:
    readers = [role for role in ROLES if "ModelSecret" in names_in(rights(role))]
    assert readers == ["WorkerRole"]


def test_temporal_may_invoke_the_worker_and_nothing_else_and_only_with_the_word_we_chose() -> None:
    (trust,) = statements(properties("InvokerRole")["AssumeRolePolicyDocument"])
    assert trust["Principal"] == {"AWS": {"Ref": "TemporalPrincipals"}}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "TemporalExternalId"}}}
    (given,) = rights("InvokerRole")
    assert names_in(given["Resource"]) == {"WorkerFunction"}
    assert "Default" not in template()["Parameters"]["TemporalExternalId"]


def test_every_route_asks_for_a_token_with_a_scope_but_those_that_say_nothing() -> None:
    routes = routes_of("HttpApi")
    assert len(routes) > len(PUBLIC)
    for route in routes:
        if route["RouteKey"] in PUBLIC:
            assert route["AuthorizationType"] == "NONE"
        else:
            assert route["AuthorizationType"] == "JWT"
            assert names_in(route["AuthorizerId"]) == {"HttpApiAuthorizer"}
            (scope,) = route["AuthorizationScopes"]
            assert scope in {"sagents:read", "sagents:write", "sagents:approve", "sagents:admin"}


def test_addresses_that_ask_for_no_token_have_a_rate_of_their_own() -> None:
    """Strangers use up their own room and nobody else's. Settings name routes, which must be there before them."""
    stage = template()["Resources"]["HttpApiStage"]
    settings = stage["Properties"]["RouteSettings"]
    assert set(settings) == PUBLIC
    for limits in (*settings.values(), stage["Properties"]["DefaultRouteSettings"]):
        assert limits["DetailedMetricsEnabled"] is True
        assert limits["ThrottlingRateLimit"] == limits["ThrottlingBurstLimit"]
    rates = {limits["ThrottlingRateLimit"]["Ref"] for limits in settings.values()}
    assert rates == {"OpenRequestsPerSecond"}
    given = template()["Parameters"]
    assert given["OpenRequestsPerSecond"]["Default"] < given["RequestsPerSecond"]["Default"]
    there = resources("AWS::ApiGatewayV2::Route")
    first = {there[name]["Properties"]["RouteKey"] for name in stage["DependsOn"]}
    assert first >= PUBLIC


def test_a_ticket_is_checked_before_anybody_is_connected_and_by_a_function_that_reaches_nothing_else() -> None:
    routes = {route["RouteKey"]: route for route in routes_of("SocketApi")}
    assert set(routes) == {"$connect", "$disconnect", "$default"}
    assert routes["$connect"]["AuthorizationType"] == "CUSTOM"
    assert names_in(routes["$connect"]["AuthorizerId"]) == {"SocketApiAuthorizer"}
    assert properties("SocketApiAuthorizer")["IdentitySource"] == ["route.request.querystring.ticket"]
    reached = set().union(*(names_in(given["Resource"]) for given in rights("AuthorizerRole")))
    assert reached == {"AuthorizerLogs", "SigningSecret", "DeadLetters", "Key"}
    invoking = {"SocketApiIntegration": "IntegrationUri", "SocketApiAuthorizer": "AuthorizerUri"}
    for name, uri in invoking.items():
        function = name.replace("SocketApiIntegration", "Socket").replace("SocketApiAuthorizer", "Authorizer")
        assert f"{function}FunctionAliaslive" in names_in(properties(name)[uri])


@pytest.mark.parametrize("role", ["ApiRole", "TriggerRole", "WorkerRole", "SocketRole"])
def test_who_announces_events_may_post_to_browsers_of_this_api_and_only_sockets_hang_up(role: str) -> None:
    (given,) = [right for right in rights(role) if right["Action"] == "execute-api:ManageConnections"]
    addresses = [address["Fn::Sub"] for address in as_list(given["Resource"])]
    assert all(":${SocketApi}/live/" in address and address.endswith("/@connections/*") for address in addresses)
    methods = [address.split("/")[2] for address in addresses]
    assert methods == (["POST", "DELETE"] if role == "SocketRole" else ["POST"])


def routes_of(api: str) -> list[Node]:
    routes = [body["Properties"] for body in resources("AWS::ApiGatewayV2::Route").values()]
    return [route for route in routes if names_in(route["ApiId"]) == {api}]


def test_gateway_invokes_the_alias_that_it_may_invoke() -> None:
    assert properties("HttpApiIntegration")["IntegrationUri"] == {"Ref": "ApiFunctionAliaslive"}
    assert properties("HttpApiPermission")["FunctionName"] == {"Ref": "ApiFunctionAliaslive"}
    assert names_in(properties("HttpApiPermission")["SourceArn"]) >= {"HttpApi"}


def test_notices_go_by_what_is_named_and_their_links_lead_to_the_api() -> None:
    told = properties("WorkerFunction")["Environment"]["Variables"]
    assert told["SAGENTS_PUBLIC_URL"] == {"Fn::GetAtt": ["HttpApi", "ApiEndpoint"]}
    assert template()["Parameters"]["Notify"]["Default"] == "log?links=no"  # a log is read by many
    (given,) = [right for right in rights("WorkerRole") if "ses:SendEmail" in as_list(right["Action"])]
    assert given["Resource"] == {"Ref": "NotifyBy"}
