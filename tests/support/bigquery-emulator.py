"""A BigQuery that listens on a free loopback port: bqemulator, with nothing fetched over the network.

Usage: bigquery-emulator.py PROJECT [GCS_ROOT]

DuckDB's spatial extension, which the emulator installs at start, is taken from its wheel; Avro and ORC stay off. `gs://bucket/name`
is the file GCS_ROOT/bucket/name. Writes one line of JSON, {"port": n}, when it answers; ends on SIGTERM, or when its standard
input closes (so it never outlives the process that started it).
"""

import asyncio
import json
import pathlib
import signal
import sys

import duckdb_extension_spatial
from bqemulator.config import LogLevel, Settings
from bqemulator.server import EmulatorServer
from bqemulator.storage.engine import DuckDBEngine

EXTENSIONS = pathlib.Path(duckdb_extension_spatial.__file__).parent / "extensions"


def load_spatial(engine: DuckDBEngine) -> None:
    file = next(EXTENSIONS.glob("*/spatial.duckdb_extension"))
    engine._connection.execute(f"LOAD '{file}'")


async def serve(project: str, gcs_root: str | None) -> None:
    DuckDBEngine._load_spatial = load_spatial
    server = EmulatorServer(
        Settings(
            rest_port=0,
            grpc_port=0,
            default_project_id=project,
            gcs_local_root=gcs_root,
            log_level=LogLevel.ERROR,
            enable_format_extensions=False,
        )
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), lambda: sys.stdin.buffer.read1(4096) or stop.set())
    await server.start()
    print(json.dumps({"port": server.rest_port}), flush=True)
    await stop.wait()
    await server.stop()


asyncio.run(serve(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
