"""The wheel holds four packages with names of their own, and lives beside a project that has a folder `workflows/`.

The source distribution holds what its tests need.
"""

import ast
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"sagents", "sagents_workflows", "sagents_activities", "sagents_infra"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with the tools of this environment and no network."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out], cwd=ROOT, check=True)
    (built,) = out.glob("sagents-*.whl")
    return built


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """A folder that holds nothing but what the wheel installs."""
    target = tmp_path / "installed"
    uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps")
    subprocess.run((*uv, "--target", target, wheel), check=True)
    return target


def test_wheel_holds_the_four_typed_packages_and_nothing_beside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_wheel_announces_its_doors(installed: Path) -> None:
    (entry_points,) = installed.glob("sagents-*.dist-info/entry_points.txt")
    assert entry_points.read_text().split() == [
        "[console_scripts]",
        *("sagents", "=", "sagents_infra.cli:main"),
        "[pytest11]",
        *("sagents", "=", "sagents_infra.testing"),
        "[sagents.models]",
        *("pydantic_ai", "=", "sagents_infra.models.pydantic_ai:resolve"),
        "[sagents.tool_servers]",
        *("mcp", "=", "sagents_infra.mcp:connect"),
        "[sagents.wiring]",
        *("default", "=", "sagents_infra.wiring:connect"),
    ]


PROJECT = """
import sys

project, installed, *dependencies = sys.argv[1:]
sys.path[:0] = [project, installed]  # started with -S: no other `sagents` is on the path
sys.path += dependencies

import sagents, sagents_activities, sagents_infra, sagents_workflows
from workflows.billing import RATE

ours = [sagents, sagents_activities, sagents_infra, sagents_workflows]
assert all(package.__file__.startswith(installed) for package in ours), ours
assert RATE == 7
print("both work")
"""


def test_wheel_lives_beside_a_project_with_a_folder_workflows(installed: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "workflows").mkdir(parents=True)
    (project / "workflows/__init__.py").touch()
    (project / "workflows/billing.py").write_text("RATE = 7\n")
    (project / "main.py").write_text(PROJECT)
    dependencies = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    command = (sys.executable, "-S", str(project / "main.py"), str(project), str(installed), *dependencies)
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("both work\n", "")


def test_source_distribution_holds_all_that_its_tests_and_makefile_use(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], cwd=ROOT, check=True)
    (built,) = tmp_path.glob("sagents-*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    imported = {top for test in (ROOT / "tests").rglob("*.py") for top in _imports(test)} & folders
    assert imported >= {"benchmarks", "examples", "tools", "sagents"}
    assert imported <= {name.split("/")[0] for name in names}
    locks = {".npmrc", "package.json", "package-lock.json", "requirements.lock", "requirements-node.lock"}
    assert names >= {"README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "tools/set_up.py", "LICENSE", *locks}
    assert not any(name.startswith(("node_modules", ".venv", ".sagents")) for name in names)


def _imports(module: Path) -> set[str]:
    """The first names of what a module imports."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found
