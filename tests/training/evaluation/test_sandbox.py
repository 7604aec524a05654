"""Programs that mean no good: each must fail, and nothing outside may notice."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from midfill_training.errors import BadInput
from midfill_training.evaluation import sandbox
from midfill_training.evaluation.sandbox import PASSED, SandboxLimits, passes, run_command, run_python

LIMITS = SandboxLimits(cpu_s=1, wall_s=6.0, memory_bytes=256 << 20, file_bytes=1 << 16)

RIGHT = {
    "empty": "",
    "asserts": "assert sorted([2, 1]) == [1, 2]",
    "standard library": "import collections, hashlib, math, random, re, typing\nhashlib.md5(b'a').hexdigest()",
    "its own folder": "open('a.txt', 'w').write('a')\nimport os\nos.mkdir('b')\nassert os.listdir('b') == []",
    "threads": "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
    "main": "assert __name__ == '__main__'\nassert __import__('sys').argv == ['main.py']",
    "odd characters": "assert len('名🙂') == 2",
}

WRONG = {
    "assertion": "assert False",
    "syntax": "def f(:",
    "exit": "exit()",
    "exit 0": "import sys\nsys.exit(0)",
    "hard exit": "import os\nos._exit(0)",
    "closed": "import sys\nsys.stdout.close()",
    "recursion": "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "memory": "x = bytearray(1 << 30)",
    "fork": "import os\nos.fork()",
    "spawn": "import subprocess\nsubprocess.run(['true'])",
    "shell": "import os\nos.system('true')",
    "pool": "import multiprocessing\nmultiprocessing.Process(target=print).start()",
    "parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "parent's group": "import os, signal\nos.killpg(os.getpgid(os.getppid()), signal.SIGKILL)",
    "everybody": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "network": "import socket\nsocket.socket()",
    "foreign code": "import ctypes\nctypes.CDLL(None)",
    "a huge file": "open('a', 'wb').write(bytes(1 << 20))",
    "flood": "while True: print('x' * 1000)",
    "link out": "import os\nos.symlink('/', 'root')\nopen('root/midfill-was-here', 'w')",
}


@pytest.mark.parametrize("program", RIGHT.values(), ids=RIGHT)
def test_right_programs_pass(program: str) -> None:
    assert passes(program, LIMITS)


@pytest.mark.parametrize("program", WRONG.values(), ids=WRONG)
def test_wrong_programs_fail(program: str) -> None:
    assert not passes(program, LIMITS)


@pytest.mark.parametrize("program", ["while True: pass", "import time\ntime.sleep(99)"], ids=["busy", "asleep"])
def test_endless_programs_are_ended(program: str) -> None:
    started = time.monotonic()
    assert not passes(program, SandboxLimits(cpu_s=1, wall_s=2.0))
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "program",
    ["open({path!r}, 'w').write('x')", "import os\nos.remove({path!r})", "import os\nos.rename({path!r}, 'a')"],
    ids=["write", "remove", "rename"],
)
def test_files_elsewhere_stay_as_they_are(program: str, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("mine")
    assert not passes(program.format(path=str(path)), LIMITS)
    assert path.read_text() == "mine"


def test_what_hides_in_another_language_has_limits_too(tmp_path: Path) -> None:
    """A shell knows no audit hook; what it leaves behind is ended with it, and files have a size."""
    left_behind = tmp_path / "left-behind"
    script = f"(sleep 2; touch {left_behind}) & exec head -c 1000000 /dev/zero"
    ran = run_command(("sh", "-c", script), tmp_path, limits=LIMITS)
    assert ran.status != 0
    assert len(ran.output) <= LIMITS.file_bytes
    time.sleep(2.5)
    assert not left_behind.exists()


@pytest.mark.skipif(not sandbox._namespaces(), reason="this kernel gives no namespaces")
def test_namespaces_hide_other_processes_and_the_network(tmp_path: Path) -> None:
    ran = run_command(("sh", "-c", f"kill -0 {os.getpid()} || cat /proc/net/dev"), tmp_path, limits=LIMITS)
    assert ran.status == 0
    assert [line.split(":")[0].strip() for line in ran.output.splitlines()[2:]] == ["lo"]


def test_input_and_output() -> None:
    ran = run_python("print(sum(map(int, open(0).read().split())))", "1 2 3\n", LIMITS)
    assert (ran.status, ran.output) == (PASSED, "6\n")


def test_a_machine_without_limits_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than failing every program."""
    sandbox._namespaces.cache_clear()
    monkeypatch.setattr(sandbox, "SCRIPT", Path("no-such-script.py"))
    with pytest.raises(BadInput, match="cannot be run with limits on this machine"):
        passes("")
    sandbox._namespaces.cache_clear()
