"""Messages are read safely, by however many threads at once."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FIRST_TIME = """
import inspect, sys, threading
import msgspec
import protocol.messages as messages
sys.setswitchinterval(1e-6)
kinds = [kind for kind in vars(messages).values() if inspect.isclass(kind) and issubclass(kind, msgspec.Struct)]
together = threading.Barrier(4)
def decode_all():
    for kind in kinds:
        together.wait()
        try:
            messages.decode(b'{"number": 1, "numbers": [1], "adopted": [], "snapshots": [], "run": 1}', kind)
        except msgspec.DecodeError:
            pass
threads = [threading.Thread(target=decode_all) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(kinds))
"""


def test_threads_that_decode_a_kind_for_the_first_time_at_once_do_not_end_the_process() -> None:
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", FIRST_TIME], capture_output=True, text=True, check=False,
                              cwd=Path(__file__).parents[2])
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) > 20
