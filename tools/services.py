"""What the tests need beyond Python: found, installed where we may, started on free ports.

Chromium and a Chinese font for the browser tests; Redis and PostgreSQL for what runs on several
workers. Root on Debian gets them by apt; anybody else is told the command.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 30


@dataclass(frozen=True)
class Tool:
    """A program, how to see that it is there, and the Debian package that brings it."""

    name: str
    package: str

    def found(self) -> bool:
        """Whether it can be used."""
        if self.name != "font":
            return program(self.name) is not None
        if not program("fc-list"):
            return False
        fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True)
        return bool(fonts.stdout.strip())


TOOLS = (
    Tool("fc-list", "fontconfig"),
    Tool("chromium", "chromium"),
    Tool("font", "fonts-noto-cjk"),
    Tool("redis-server", "redis-server"),
    Tool("initdb", "postgresql"),
)


def program(name: str) -> str | None:
    """The path of a program; Debian keeps PostgreSQL's off the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(versions[0]) if versions else shutil.which(name)


def install() -> list[Tool]:
    """Installs what is missing where we may; returns what is missing still."""
    missing = [tool for tool in TOOLS if not tool.found()]
    if not missing:
        return []
    if os.geteuid() == 0 and shutil.which("apt-get"):
        packages = [tool.package for tool in missing]
        print(f"==> Installing {' '.join(packages)} (apt-get)", flush=True)
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "-qq", *command], env=environ, stdout=subprocess.DEVNULL)
    return [tool for tool in missing if not tool.found()]


@contextmanager
def redis(port: int | None = None) -> Iterator[str]:
    """A Redis server without persistence; yields its URL."""
    port = port or free_port()
    command = [program("redis-server"), "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # type: ignore[arg-type]
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server with an empty database; yields its URL. It refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="xiaoer-postgres-"))
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    port = free_port()

    def run(name: str, *arguments: str) -> None:
        command = [*user, str(program(name)), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    data = str(folder / "data")
    run("initdb", "-D", data, "-A", "trust", "-U", "xiaoer", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    run("pg_ctl", "-D", data, "-o", f"{options} -c fsync=off", "-w", "-l", f"{folder}/log", "start")
    try:
        yield f"postgresql://xiaoer@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def free_port() -> int:
    """A port nobody listens on, from below the range that Linux gives to clients.

    So no connection that is opened before the port is used can take it.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {START_TIMEOUT_S} s")
