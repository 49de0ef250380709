"""The JSON Schema that editors use allows what the database allows."""

import json
import re
from typing import Any

import psycopg
import pytest
from ctl import Ctl, runner
from psycopg.types.json import Jsonb
from servers import Database

from controlplane.commands.rules import SCHEMA


@pytest.fixture
def ctl(monkeypatch: pytest.MonkeyPatch) -> Ctl:
    return runner(monkeypatch)


@pytest.mark.servers("one")
def test_the_schema_knows_what_the_database_knows(ctl: Ctl, db: Database) -> None:
    schema = json.loads(ctl("rules schema").stdout)
    assert schema == json.loads(SCHEMA.read_text())
    rule = schema["$defs"]["rule"]
    options = rule["properties"]["config"]["properties"]
    models = rule["properties"]["model_type"]["enum"]
    forbidden = {
        (model, option) for model in models for option in options if is_forbidden(rule, model, option)
    }
    with db.connect() as connection:
        assert {
            (model, option)
            for model in models
            for option in options
            if f"{option} is not an option of {model}" in mistakes(connection, model, {option: None})
        } == forbidden
        hints = mistakes(connection, "nonsense", {}, "hint")
        assert all(model in hints for model in models)
        for option, form in options.items():
            for choice in form.get("enum", []):
                model = next(model for model in models if (model, option) not in forbidden)
                assert f"{option} " not in mistakes(connection, model, {option: choice})
        filters = dict.fromkeys(rule["properties"]["applies_to"]["properties"])
        found = mistakes(connection, "linear", {}, applies_to=filters | {"nonsense": None})
        assert re.findall(r"(\w+) is not an option", found) == ["nonsense"]


def is_forbidden(rule: dict[str, Any], model: str, option: str) -> bool:
    for clause in rule["allOf"]:
        allowed = clause["if"].get("not", {}).get("properties", {}).get("model_type", {}).get("enum")
        closed = clause["then"]["properties"].get("config", {}).get("properties", {})
        if allowed and model not in allowed and closed.get(option) is False:
            return True
    return False


def mistakes(
    connection: psycopg.Connection[Any], model: str, config: Any, column: str = "message", **more: Any
) -> str:
    rule = Jsonb({"name": "x", "model_type": model, "config": config} | more)
    return "\n".join(
        dict(zip(("message", "hint"), row, strict=True))[column]
        for row in connection.execute("SELECT message, hint FROM attribution.validate_rule(%s)", [rule])
    )
