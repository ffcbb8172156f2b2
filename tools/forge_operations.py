"""Takes the operations that finishing uses out of GitHub's OpenAPI description, for a test's server.

The description comes in the npm package ``@octokit/openapi``: unpack it and give its ``api.github.com.json``:

    python tools/forge_operations.py api.github.com.json tests/fixtures/forge/github.json
"""

import json
import sys
from pathlib import Path

OPERATIONS = (
    ("get", "/repos/{owner}/{repo}/pulls"),
    ("post", "/repos/{owner}/{repo}/pulls"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/labels"),
    ("post", "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers"),
    ("post", "/app/installations/{installation_id}/access_tokens"),
    ("get", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
    ("get", "/repos/{owner}/{repo}/commits/{ref}/status"),
)
LISTS = frozenset({"check_runs", "statuses"})
"""Lists within an answer of which the fields of an entry are kept, and the words that a field may have."""
WORDS = frozenset({"description", "example", "examples", "externalDocs", "summary", "x-multi-segment"})
"""What explains, and checks nothing."""


def bare(document: dict, node: object) -> object:
    """The schema without its prose, and with what its references stand for."""
    if isinstance(node, dict):
        return {
            name: bare(document, value)
            for name, value in named(document, node).items()
            if name not in WORDS or name == "properties"
        }
    return [bare(document, entry) for entry in node] if isinstance(node, list) else node


def named(document: dict, node: dict) -> dict:
    """What a reference stands for."""
    while "$ref" in node:
        found = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def operation(document: dict, method: str, path: str) -> dict:
    """One operation: its query's parameters, its body, its answers' codes, the fields of a good answer."""
    found = document["paths"][path][method]
    parameters = [named(document, each) for each in found.get("parameters", ())]
    query = {
        each["name"]: bare(document, each.get("schema", {})) for each in parameters if each["in"] == "query"
    }
    content = found.get("requestBody", {}).get("content", {}).get("application/json", {})
    good = next(code for code in found["responses"] if code.startswith("2"))
    answer = named(document, found["responses"][good])["content"]["application/json"]["schema"]
    answer = named(document, answer.get("items", answer))
    properties = answer.get("properties", {})
    entries = {name: fields(document, answer["properties"][name]) for name in LISTS & set(properties)}
    return ({"entries": entries} if entries else {}) | {
        "query": query,
        "body": bare(document, content.get("schema")),
        "codes": sorted(found["responses"]),
        "good": int(good),
        "answer": sorted(properties),
    }


def fields(document: dict, entries: dict) -> dict:
    """The fields of a list's entries, each with the words that it may have, or none where it may have any."""
    properties = named(document, entries["items"])["properties"]
    return {name: named(document, schema).get("enum", []) for name, schema in properties.items()}


def main() -> None:
    """Reads the description named first, writes the file named second."""
    document = json.loads(Path(sys.argv[1]).read_text())
    result = {f"{method.upper()} {path}": operation(document, method, path) for method, path in OPERATIONS}
    Path(sys.argv[2]).write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
