"""The kernel stays small, knows no agent, and reaches the world through its gate alone."""

import ast
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "workflows/sagents_workflows").glob("*.py"))
KERNEL = [*WORKFLOWS, ROOT / "sagents/loop.py"]
CAPABILITIES = sorted(path.stem for path in (ROOT / "sagents/middleware").glob("*.py") if path.stem != "__init__")
NAMES = {
    *CAPABILITIES,
    *("todo_list", "file_system", "sub_agent", "human_in_the_loop", "ask_user", "summarization", "write_todos"),
    *("patch_tool_calls", "conversation_title", "debug_log", "process_context", "write_file", "read_file"),
}
MAX_LINES = 1_950


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def strings(tree: ast.AST) -> Iterator[str]:
    """All texts of a module but its docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def imported(tree: ast.AST) -> Iterator[str]:
    """What a module imports, wherever it does: modules, and what is taken from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def code_lines(path: Path) -> int:
    """Lines that hold more than comments and docstrings."""
    lines: set[int] = set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.OP, tokenize.STRING) and token.string.strip():
                if token.type == tokenize.STRING and token.line.strip().startswith(('"""', "'''")):
                    continue
                lines.add(token.start[0])
    return len(lines)


@pytest.mark.parametrize("path", KERNEL, ids=relative)
def test_the_kernel_names_no_middleware_and_no_agent(path: Path) -> None:
    """No branch on what somebody called something: a name in a text or in a comparison would be one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = set(strings(tree)) | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    words = {word for text in said for word in re.findall(r"[A-Za-z_]+", text)}
    assert words & NAMES == set()
    assert not [name for name in imported(tree) if name.startswith("sagents.middleware")]


@pytest.mark.parametrize("path", KERNEL, ids=relative)
def test_the_kernel_never_compares_with_the_name_of_an_agent_a_tool_or_a_middleware(path: Path) -> None:
    """`agent.name == "…"`, `match call.name:` and the like; comparing two names of the kernel's own values is fine."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        sides += [node.subject] if isinstance(node, ast.Match) else []
        named = [side for side in sides if isinstance(side, ast.Attribute) and side.attr in ("name", "tool", "model")]
        literal = [side for side in sides if isinstance(side, ast.Constant) and isinstance(side.value, str)]
        assert not (named and (literal or isinstance(node, ast.Match))), (
            f"{relative(path)}:{getattr(node, 'lineno', 0)}"
        )


def test_the_kernel_is_small() -> None:
    """DESIGN 4.1 in the size of docs/decisions/0006: without comments and docstrings, the loop included."""
    assert sum(map(code_lines, KERNEL)) < MAX_LINES


@pytest.mark.parametrize("path", WORKFLOWS, ids=relative)
def test_the_workflows_import_the_core_the_gate_imports_the_activities_and_nobody_anything_else(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imported(ast.parse(path.read_text(encoding="utf-8")))}
    own = {"sagents", "sagents_workflows", "temporalio", *(("sagents_activities",) if path.stem == "gate" else ())}
    assert roots - own <= sys.stdlib_module_names


def test_the_loop_imports_nothing_but_the_core_and_the_standard_library() -> None:
    names = set(imported(ast.parse((ROOT / "sagents/loop.py").read_text(encoding="utf-8"))))
    assert {name.partition(".")[0] for name in names} - {"sagents"} <= {"__future__", "typing", "collections"}


def test_what_the_kernel_imports_brings_no_client_no_infrastructure_and_no_vendor_with_it() -> None:
    """In a process of its own: what a module imports at second hand counts too."""
    forbidden = (
        "sagents_infra",
        "sagents.client",
        "sagents.testing",
        "boto3",
        "botocore",
        "pydantic_ai",
        "httpx",
    )
    probe = f"import sys, sagents_workflows; print([m for m in sys.modules if m.startswith({forbidden!r})])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
