"""Finding a Python 3.10 that really runs."""

import subprocess
import sys

import pytest


def find_python(path, **environ):
    """Runs tools/python.sh with nothing but what a test puts on the path."""
    clean = {"PATH": f"{path}:/usr/bin:/bin", "HOME": str(path), "PYENV_ROOT": str(path)}
    return subprocess.run(
        ["sh", "tools/python.sh"], env={**clean, **environ}, capture_output=True, text=True
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path


def program(path, name, body):
    file = path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def test_a_python_on_the_path_is_taken(path):
    python = program(path, "python3.10", f'exec {sys.executable} "$@"')
    assert find_python(path).stdout.strip() == str(python)


def test_a_shim_that_fails_is_passed_over_for_one_of_pyenvs_versions(path):
    program(path, "python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    real = program(path, "versions/3.10.13/bin/python", f'exec {sys.executable} "$@"')
    assert find_python(path).stdout.strip() == str(real)


def test_a_named_python_that_does_not_fit_is_refused_by_name(path):
    old = program(path, "old", "exit 1")
    found = find_python(path, PYTHON=str(old))
    assert found.returncode == 1
    assert found.stderr.strip() == f"PYTHON={old} is not a Python 3.10 with venv and pip."


def test_without_any_the_message_says_how_to_get_one(path):
    for name in ("python3.10", "python3", "python", "uv"):
        program(path, name, "exit 1")
    found = find_python(path)
    assert found.returncode == 1
    assert "uv python install 3.10" in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
