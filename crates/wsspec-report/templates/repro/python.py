#!/usr/bin/env python3
{{HEADING}}
# usage: python3 SCRIPT [HOST [PORT]]     Python 3, nothing else
import base64
import hashlib
import socket
import ssl
import struct
import sys
import time

HOST = sys.argv[1] if len(sys.argv) > 1 else {{HOST}}
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else {{PORT}}
CONNECTS, TLS, END, PATIENCE = {{CONNECTS}}, {{TLS}}, {{END}}, {{PATIENCE}}
EXPECTED = [
{{EXPECTED}}]


def octets(*parts):
    return b"".join(bytes.fromhex(part) if isinstance(part, str) else bytes.fromhex(part[0]) * part[1] for part in parts)


# Seconds of pause, whether the peer has to send something first, what it is, the octets.
MOVES = [
{{MOVES}}]

received, ended, stream = bytearray(), None, None


def connect():
    if CONNECTS:
        opened = socket.create_connection((HOST, PORT), timeout=10)
        if TLS:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            opened = context.wrap_socket(opened, server_hostname=HOST)
    else:
        listener = socket.create_server((HOST, PORT))
        print(f"waiting for the client at ws://{HOST}:{listener.getsockname()[1]}", flush=True)
        opened = listener.accept()[0]
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def hear(seconds, enough=lambda: False):
    global ended
    deadline = time.monotonic() + seconds
    while ended is None and not enough():
        left = deadline - time.monotonic()
        if left <= 0:
            return
        stream.settimeout(left)
        try:
            data = stream.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError):
            return
        except OSError:
            ended = "TCP was reset"
            return
        if not data:
            ended = "the peer ended TCP"
        received.extend(data)


def accept_key():
    for line in bytes(received).split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"sec-websocket-key":
            return base64.b64encode(hashlib.sha1(value.strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return b"no key came"


def head_is_there():
    return b"\r\n\r\n" in received


def converse():
    global ended
    if not CONNECTS:
        hear(30, head_is_there)
    mark = 0
    for place, (pause, listens, what, data) in enumerate(MOVES):
        if place == 0:
            data = data.replace(b"@ACCEPT@", accept_key())
        if place == 1 and CONNECTS:
            hear(10, head_is_there)
        elif listens:
            hear(10, lambda: len(received) > mark)
        hear(pause)
        if ended:
            print(f"not sent  {len(data):>7} octets  {what}: {ended}")
            return
        try:
            stream.settimeout(10)
            stream.sendall(data)
        except OSError:
            ended = "the peer does not read any more"
        print(f"sent      {len(data):>7} octets  {what}")
        mark = len(received)
    if END == "fin":
        stream.shutdown(socket.SHUT_WR)
    hear(PATIENCE)
    if END == "reset" and not ended:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ended = "this script reset TCP"


def text_of(data):
    return ascii(bytes(data[:60])) + ("..." if len(data) > 60 else "")


def lines_of(data):
    head, separator, rest = bytes(data).partition(b"\r\n\r\n")
    if separator and (head.startswith(b"HTTP/") or not CONNECTS):
        for line in head.split(b"\r\n"):
            yield ascii(line)[2:-1]
    else:
        rest = bytes(data)
    while rest:
        if len(rest) < 2:
            break
        first, second = rest[0], rest[1]
        at, length, mask = 2, second & 127, b""
        if length > 125:
            size = 2 if length == 126 else 8
            length, at = int.from_bytes(rest[2:2 + size], "big"), 2 + size
        if second & 128:
            mask, at = rest[at:at + 4], at + 4
        if len(rest) < at + length:
            break
        payload = rest[at:at + length]
        if mask:
            payload = bytes(octet ^ mask[place % 4] for place, octet in enumerate(payload))
        names = {0: "Continuation", 1: "Text", 2: "Binary", 8: "Close", 9: "Ping", 10: "Pong"}
        name = names.get(first & 15, f"opcode {first & 15}")
        bits = f"fin={first >> 7}" + (f" rsv={first >> 4 & 7}" if first >> 4 & 7 else "")
        if first & 15 == 8 and length >= 2:
            code, payload = int.from_bytes(payload[:2], "big"), payload[2:]
            yield f"{name} {bits} code {code} {text_of(payload)}"
        else:
            yield f"{name} {bits} length {length} {text_of(payload)}"
        rest = rest[at + length:]
    if rest:
        yield f"{len(rest)} octets that are no whole frame: {rest[:60].hex(' ')}"


stream = connect()
converse()
print("\nexpected")
for line in EXPECTED:
    print("   ", line)
print("received")
for line in lines_of(received):
    print("   ", line)
print("   ", ended or f"nothing more for {PATIENCE} s; the connection is open")
stream.close()
