"""Code of submissions that attack the limits or the grader: lines of an answer, or a cell."""

# Memory that no process' own size shows.
SHARED_MEMORY = """
import mmap, time
held = mmap.mmap(-1, 2 << 30)
for place in range(0, len(held), 4096): held[place] = 1
time.sleep(3)
"""
SOCKET_BUFFERS = """
import os, socket, time
for _ in range(20):
    if os.fork(): continue
    keep = []
    while True:
        try: keep += socket.socketpair()
        except OSError: break
        for one in keep[-2:]:
            one.setblocking(False)
            try:
                while one.send(b"x" * 65536): pass
            except BlockingIOError: pass
    time.sleep(15); os._exit(0)
time.sleep(8)
"""
EMPTY_FILES = """
import os
for folder in range(900):
    os.makedirs(f"/tmp/{folder}", exist_ok=True)
    for name in range(1000): os.makedirs(f"/tmp/{folder}/{name}", exist_ok=True)
"""
CHILDREN = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        held = bytearray(os.urandom(1)) * 150_000_000
        time.sleep(60)
time.sleep(20)
"""

# Blanks into every pipe, for a minute; the line that fills the time is put in with `format`.
DRIBBLE = """
import os, time
for descriptor in range(3, 20):
    try: os.write(descriptor, b" ")
    except OSError: continue
    if os.fork() == 0:
        try:
            while True: os.write(descriptor, b" "); time.sleep(0.003)
        finally: os._exit(0)
ends = time.monotonic() + 60
while time.monotonic() < ends: {}
"""

# Reads what the grader sends.
STEAL = """
import os, stat, threading
def steal():
    for descriptor in range(3, 20):
        try:
            while stat.S_ISFIFO(os.fstat(descriptor).st_mode): os.read(descriptor, 65536)
        except OSError: continue
threading.Thread(target=steal, daemon=True).start()
"""

# Writes what only the runner writes; the result is put in with `replace("{}", ...)`.
FORGED_RESULTS = """
import json, os, time
def say(message):
    for descriptor in range(3, 20):
        try: os.write(descriptor, (json.dumps(message) + chr(10)).encode())
        except OSError: pass
say([0, "end", {}])
for step in range(1, 60):
    say([step, "begin"]); say([step, "end", {}])
time.sleep(5)
"""
