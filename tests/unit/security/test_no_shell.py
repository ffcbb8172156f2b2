"""No text from outside meets a shell: programs are started with a list of arguments, and few are a shell."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODULES = sorted(
    path for part in ("core", "controller", "runner", "local", "tui") for path in (ROOT / part).rglob("*.py")
)
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "/bin/sh", "/bin/bash", "/usr/bin/env"})
SUSPICIOUS = re.compile(r"subprocess|os\.(system|popen)|getoutput|getstatus|[\"'/](ba|da|z)?sh[\"']")
"""Only such modules are read closely."""

WITH_A_SHELL = {
    "runner/kagents_runner/quality/shell.py",
    "runner/kagents_runner/pty_process.py",
}
"""``qualityGates`` are commands of ``sh`` by their meaning; a fixed line takes the terminal."""


def shells_in(source: str) -> Iterator[str]:
    """What in a module starts a shell, or a program by one line of text."""
    if not SUSPICIOUS.search(source):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.endswith(("os.system", "os.popen", "subprocess_shell", "getoutput", "getstatusoutput")):
                yield f"line {node.lineno}: {name}"
            for word in node.keywords:
                if word.arg == "shell" and not (
                    isinstance(word.value, ast.Constant) and not word.value.value
                ):
                    yield f"line {node.lineno}: shell="
            if len(node.args) > 1 and _is_shell(node.args[:1]):
                yield f"line {node.lineno}: {name} of a shell"
        elif isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1 and _is_shell(node.elts[:1]):
            yield f"line {node.lineno}: a shell's arguments"


def _is_shell(first: list[ast.expr]) -> bool:
    return bool(first) and isinstance(first[0], ast.Constant) and first[0].value in SHELLS


def test_only_these_modules_start_a_shell() -> None:
    found = {str(path.relative_to(ROOT)): list(shells_in(path.read_text())) for path in MODULES}
    assert {path for path, places in found.items() if places} == WITH_A_SHELL, found


def test_what_the_shells_are_given_is_fixed_or_a_declared_command() -> None:
    """The line for ``claude`` is a constant, with words behind it as arguments: nothing is put into it."""
    source = (ROOT / "runner/kagents_runner/pty_process.py").read_text()
    line = next(
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign | ast.AnnAssign) and "_ACQUIRE_TERMINAL" in ast.unparse(node)
    )
    assert not any(isinstance(node, ast.JoinedStr | ast.BinOp) for node in ast.walk(line))


@pytest.mark.parametrize(
    "source",
    [
        "os.system(x)",
        "subprocess.run(x, shell=True)",
        "subprocess.run(x, shell=flag)",
        "asyncio.create_subprocess_shell(x)",
        "subprocess.run(['sh', '-c', x])",
        "create_subprocess_exec('/bin/sh', '-c', x)",
        "subprocess.getoutput(x)",
    ],
)
def test_the_rule_finds_what_it_forbids(source: str) -> None:
    assert list(shells_in(source))


def test_the_rule_lets_a_list_pass() -> None:
    assert not list(shells_in("subprocess.run(['git', '--', x], shell=False); print('sh')"))
