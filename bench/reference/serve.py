"""Answers requests of the benchmark over standard input and output, one JSON object a line."""

import json
import os
import sys

import torch

threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
torch.set_num_threads(threads)
_out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
sys.stdout = sys.stderr  # what libraries print must not end up among the answers


def serve(commands, about=None):
    """`commands` maps a name to a function of the request; its result is the answer. `about` is said at the start."""
    hello = {"torch": torch.__version__, "threads": torch.get_num_threads(), **(about or {})}
    print(json.dumps(hello), file=_out, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(commands[request["command"]](request)), file=_out, flush=True)
