"""Record the load of a web application, to replay it with `python -m sim examples/webapp.json`.

A threaded HTTP server answers from an SQLite database, through a pool of connections. Clients on the same
machine ask it for a minute, sometimes few of them and sometimes many. Nothing is started that does not end
with that minute.

    python examples/record_webapp.py
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import shlex
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import sim
from ya.resourcepool import ResourcePool

# How many clients there are, for how many seconds.
DAY = [(2, 6), (6, 8), (16, 8), (4, 6), (1, 6), (24, 6), (8, 8), (2, 6), (12, 6)]
THINK = 0.05  # seconds between an answer and the next question, on average
MOST_REQUESTS = 30_000  # in all, whatever happens
SEED = 1

SETTINGS = {
    "pool": {"alloc": True},
    "sweep": {"maxsize": [1, 2, 4, 6, 8], "minsize": [None, 2], "maxage": [0.5, 2, 10, None]},
    "cost": {"alloc": 1, "idle_second": 0.1},
    "slo": {"hit_ratio": 0.98},
}


def fill(path: Path) -> None:
    """Make a database of 20,000 articles."""
    words = ("pool", "lease", "idle", "waiter", "floor", "age", "clock", "thread", "lock", "deque")
    generator = random.Random(SEED)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE article (id INTEGER PRIMARY KEY, title TEXT, body TEXT)")
        connection.executemany(
            "INSERT INTO article (title, body) VALUES (?, ?)",
            (
                (" ".join(generator.choices(words, k=3)), " ".join(generator.choices(words, k=40)))
                for _ in range(20_000)
            ),
        )
    connection.close()


def handler(pool: sim.Recorder[sqlite3.Connection]) -> type[BaseHTTPRequestHandler]:
    """A request handler that holds a connection for as long as it takes to answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, _, argument = self.path.strip("/").partition("/")
            with pool(timeout=10) as connection:
                if kind == "article":
                    query = "SELECT title, body FROM article WHERE id = ?"
                    rows = connection.execute(query, (argument,)).fetchall()
                else:
                    query = "SELECT title, body FROM article WHERE body LIKE ? LIMIT 20"
                    rows = connection.execute(query, (f"%{argument}%",)).fetchall()
                answer = "\n".join(f"<h1>{title}</h1><p>{body}</p>" for title, body in rows).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def ask(port: int, client: int, wanted: Callable[[], int], spend: Callable[[], bool]) -> None:
    """Be a client: ask while at least so many clients are wanted, and pause while not."""
    generator = random.Random(f"{SEED} {client}")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    while (now := wanted()) >= 0:
        if client < now:
            if not spend():
                break
            search = generator.random() < 0.2
            path = f"/search/{generator.choice('abcdefgh')}x" if search else f"/article/{generator.randint(1, 20_000)}"
            connection.request("GET", path)
            connection.getresponse().read()
        time.sleep(generator.expovariate(1 / THINK))
    connection.close()


def main() -> None:
    """Record a minute, and write it beside this file."""
    parser = argparse.ArgumentParser(description="Record the load of a web application.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("webapp.json"))
    parser.add_argument("--speed", type=float, default=1, help="how much shorter than a minute")
    options = parser.parse_args()
    if options.output.suffix != ".json" or not options.output.parent.is_dir():
        parser.error(f"--output: expected the path of a .json file in a folder that exists, not {options.output}")

    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "articles.sqlite")
        fill(database)
        pool = ResourcePool(
            alloc=lambda: sqlite3.connect(database, check_same_thread=False),
            dealloc=sqlite3.Connection.close,
            maxsize=16,
            maxage=5,
        )
        with sim.record(pool) as recorder:
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler(recorder))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            play(server.server_address[1], options.speed)
            server.shutdown()
            server.server_close()
            recorder.write(options.output, **SETTINGS)
    path = shlex.quote(os.path.relpath(options.output))
    print(f"{len(recorder.rows())} requests recorded; now try: python -m sim {path}")


def play(port: int, speed: float) -> None:
    """Let the clients ask, as many at each time as the day says."""
    start = time.monotonic()
    requests = iter(range(MOST_REQUESTS))

    def wanted() -> int:
        left = (time.monotonic() - start) * speed
        for clients, seconds in DAY:
            if left < seconds:
                return clients
            left -= seconds
        return -1

    clients = [
        threading.Thread(target=ask, args=(port, i, wanted, lambda: next(requests, None) is not None))
        for i in range(max(clients for clients, _ in DAY))
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


if __name__ == "__main__":
    main()
