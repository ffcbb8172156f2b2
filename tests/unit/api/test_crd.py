"""The generated definitions: fresh, small, structural, and with the columns people see."""

from pathlib import Path

import pytest

from kagents_core.api.crd import FIX, crd_files, crds
from kagents_core.api.manifests import read_manifests

COMMITTED = Path(__file__).parents[3] / "charts" / "kagents" / "files" / "crds"


def nodes(schema, path=""):
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


def schemas():
    return {
        each["spec"]["names"]["kind"]: each["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for each in crds()
    }


def test_the_committed_files_are_fresh():
    for name, text in crd_files().items():
        assert (COMMITTED / name).read_text() == text, f"{name} is not what the models say: {FIX}"
    assert {path.name for path in COMMITTED.iterdir()} == set(crd_files()), FIX


@pytest.mark.parametrize("name", crd_files())
def test_each_file_is_small_and_readable(name):
    text = crd_files()[name]
    assert len(text.encode()) < 256 * 1024
    (definition,) = read_manifests(text.encode(), source=name)
    assert definition["kind"] == "CustomResourceDefinition"


def test_every_node_is_structural():
    for kind, schema in schemas().items():
        for path, node in nodes(schema):
            where = f"{kind}{path}"
            assert "type" in node or node.get("x-kubernetes-int-or-string"), where
            assert not {"$ref", "$defs", "const", "title", "examples"} & set(node), where
            assert "default" not in node or node["default"] not in (None, ""), where


def test_texts_and_lists_of_a_spec_are_bounded():
    for kind, schema in schemas().items():
        for path, node in nodes(schema["properties"]["spec"]):
            where = f"{kind}.spec{path}"
            if node.get("type") == "string" and "enum" not in node:
                assert "maxLength" in node, where
            if node.get("type") == "array":
                assert "maxItems" in node, where
                assert (
                    node["items"].get("type") != "object"
                    or "x-kubernetes-list-type" in node
                    or path.endswith("Paths")
                ), where


def test_map_lists_require_their_keys():
    for kind, schema in schemas().items():
        for path, node in nodes(schema):
            for key in node.get("x-kubernetes-list-map-keys", ()):
                assert key in node["items"]["required"], f"{kind}{path}"


def test_a_status_has_no_defaults():
    told = [
        schema["properties"]["status"] for schema in schemas().values() if "status" in schema["properties"]
    ]
    assert len(told) == 4
    assert all("default" not in node for status in told for _, node in nodes(status))


def test_columns_and_names():
    shown = {
        each["spec"]["names"]["shortNames"][0]: [
            column["name"]
            for column in each["spec"]["versions"][0]["additionalPrinterColumns"]
            if not column.get("priority")
        ]
        for each in crds()
    }
    assert shown == {
        "at": ["Phase", "Ready", "Tasks Done", "Cost", "Age"],
        "att": ["Description", "Teammates", "Ready", "Age"],
        "atr": ["Template", "Phase", "Ready", "Age"],
        "ab": ["Period", "Spent", "Limit", "Exceeded", "Then", "Age"],
        "au": ["Team", "Phase", "Cost", "Estimated", "Ended", "Age"],
    }
