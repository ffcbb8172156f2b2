"""The page of the chart's values is fresh, and the schema knows every value."""

import importlib.util
import json
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture
def helm_values():
    spec = importlib.util.spec_from_file_location("helm_values", ROOT / "tools" / "helm_values.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_fresh(helm_values):
    assert (ROOT / "docs/helm-values.md").read_text() == helm_values.page(), "run `make generate`"


def test_a_value_without_description_is_refused(helm_values):
    with pytest.raises(ValueError, match=r"a in values\.yaml has no comment"):
        list(helm_values.described("b:\n  # -- said\n  c: 1\na: 2\n"))


def test_the_schema_closes_every_object_that_the_values_have():
    schema = json.loads((ROOT / "charts/kagents/values.schema.json").read_text())
    values = yaml.safe_load((ROOT / "charts/kagents/values.yaml").read_text())

    def check(node, value, path):
        if not isinstance(value, dict) or "properties" not in node:
            return
        assert node["additionalProperties"] is False, path
        assert set(value) == set(node["properties"]) - {"global"}, path
        for key, each in value.items():
            check(node["properties"][key], each, f"{path}.{key}")

    check(schema, values, "values")
