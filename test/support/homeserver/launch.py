"""
Runs Synapse so that it never outlives the process that started it, however that one ended:

    python -I -c <this file> PARENT_PID CONFIG

Handed over as text, not as a path, so that it also runs where this folder is not to be seen (debian.ts).
"""

import ctypes
import os
import signal
import sys
import threading

parent, config = int(sys.argv[1]), sys.argv[2]


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_when_parent_is_gone() -> None:
    # Standard input is a pipe whose other end only the parent holds, so its end of file is the parent's end.
    os.read(0, 1)
    end()


if sys.platform == "linux":
    # The kernel's own word (PR_SET_PDEATHSIG), which reaches even a Synapse that a test has stopped with SIGSTOP ...
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    # ... unless the parent died before we asked.
    if os.getppid() != parent:
        end()
threading.Thread(target=end_when_parent_is_gone, daemon=True).start()

from synapse.app.homeserver import main  # noqa: E402  (slow, so only once the watch stands)

sys.argv = ["synapse_homeserver", "-c", config]
main()
