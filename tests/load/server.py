"""A server on the loopback that counts its sessions: `python server.py GENERATION PORT`. It ends with its input."""

from __future__ import annotations

import os
import socketserver
import sys
import threading

PATIENCE = float(os.environ.get("PATIENCE", "20"))


class Server(socketserver.ThreadingTCPServer):
    """One of several that have the same port, one after the other."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, generation: int, port: int) -> None:
        super().__init__(("127.0.0.1", port), Session)
        self.generation = generation
        self.sessions = 0
        self.changed = threading.Condition()

    def count(self, change: int) -> None:
        with self.changed:
            self.sessions += change
            self.changed.notify_all()

    def await_sessions(self, number: int) -> int:
        """How many there are: this number, unless that lasts too long."""
        with self.changed:
            self.changed.wait_for(lambda: self.sessions == number, PATIENCE)
            return self.sessions


class Session(socketserver.StreamRequestHandler):
    """Answers each line with one. It counts from the first `ping` on."""

    server: Server

    def handle(self) -> None:
        counted = False
        try:
            for line in self.rfile:
                what, *number = line.split()
                if what == b"ping":
                    if not counted:
                        counted = True
                        self.server.count(1)
                    answer = self.server.generation
                else:
                    answer = self.server.await_sessions(int(number[0]))
                self.wfile.write(b"%d\n" % answer)
        except OSError:
            pass  # the client is gone
        finally:
            if counted:
                self.server.count(-1)


def main() -> None:
    with Server(int(sys.argv[1]), int(sys.argv[2])) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()
        os._exit(0)


if __name__ == "__main__":
    main()
