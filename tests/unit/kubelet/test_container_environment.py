"""Variables of a container from values, fields, Secrets and ConfigMaps."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_local.kubelet.environment import Sources, VariableError, named_sources, variables
from kagents_local.kubelet.expand import expand
from kagents_local.kubelet.process_plan import niceness

POD = {
    "metadata": {
        "name": "p",
        "namespace": "ns",
        "uid": "u1",
        "labels": {"a": "1"},
        "annotations": {"k/x": "v"},
    },
    "spec": {"containers": []},
}
SOURCES = Sources(secrets={"s": {"key": b"secret"}}, config_maps={"c": {"one": b"1", "bad name": b"2"}})


def made(
    *env: dict[str, Any], env_from: tuple[dict[str, Any], ...] = (), sources: Sources = SOURCES
) -> dict[str, str]:
    return variables(POD, {"name": "main", "env": list(env), "envFrom": list(env_from)}, sources)


def test_later_variables_may_refer_to_earlier_ones() -> None:
    env = made({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(C)-$$(A)"}, {"name": "C"})
    assert env == {"A": "1", "B": "1-$(C)-$(A)", "C": ""}


def test_every_source_of_a_value() -> None:
    env = made(
        {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}},
        {"name": "M", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['k/x']"}}},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "one"}}},
        {"name": "O", "valueFrom": {"secretKeyRef": {"name": "none", "key": "key", "optional": True}}},
        env_from=({"prefix": "P_", "configMapRef": {"name": "c"}},),
    )
    assert env == {"P_one": "1", "N": "p", "L": "1", "M": "v", "S": "secret", "C": "1"}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"secretKeyRef": {"name": "s", "key": "k"}}, "couldn't find key k in Secret ns/s"),
        ({"configMapKeyRef": {"name": "c", "key": "k"}}, "couldn't find key k in ConfigMap ns/c"),
        (
            {"fieldRef": {"fieldPath": "spec.secrets"}},
            'the embedded engine knows no field "spec.secrets" of a pod',
        ),
        ({"resourceFieldRef": {}}, 'variable X: the embedded engine has no source "resourceFieldRef"'),
    ],
)
def test_what_is_missing_is_named(source: dict[str, Any], sentence: str) -> None:
    with pytest.raises(VariableError) as caught:
        made({"name": "X", "valueFrom": source})
    assert str(caught.value) == sentence


def test_a_missing_whole_object_is_named_unless_optional() -> None:
    with pytest.raises(VariableError, match='secret "none" not found'):
        made(env_from=({"secretRef": {"name": "none"}},))
    assert made(env_from=({"secretRef": {"name": "none", "optional": True}},)) == {}


def test_named_sources_are_all_that_a_container_needs() -> None:
    container = {
        "name": "main",
        "envFrom": [{"secretRef": {"name": "a"}}, {"configMapRef": {"name": "b"}}],
        "env": [
            {"name": "X", "valueFrom": {"secretKeyRef": {"name": "c", "key": "k"}}},
            {"name": "Y", "valueFrom": {"configMapKeyRef": {"name": "d", "key": "k"}}},
            {"name": "Z", "value": "v"},
        ],
    }
    assert named_sources(container) == ({"a", "c"}, {"b", "d"})


@given(st.text(), st.dictionaries(st.text(alphabet="ABC", min_size=1), st.text()))
def test_text_without_a_dollar_is_never_changed(text: str, known: dict[str, str]) -> None:
    plain = text.replace("$", "")
    assert expand(plain, known) == plain
    assert expand(plain.replace("(", "") + "$$", known) == plain.replace("(", "") + "$"


def test_recorders_go_before_agents() -> None:
    def of(role: str) -> int:
        return niceness({"metadata": {"name": "p", "labels": {"claude.amcheste.io/role": role}}})

    assert of("hub") < of("lead") == of("teammate") == niceness({"metadata": {"name": "p"}})
