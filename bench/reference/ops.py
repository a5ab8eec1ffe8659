"""The other side of `bench ops`: seconds for so many calls of one operator on tensors of one element."""

import time

import torch
import torch.nn.functional as F

from serve import serve


def add(n, a, b):
    for _ in range(n):
        a + b


def view(n, a, b):
    for _ in range(n):
        a.view(1, 1)


def silu(n, a, b):
    silu = F.silu
    for _ in range(n):
        silu(a)


def linear(n, a, b):
    linear = F.linear
    x, w = a.view(1, 1), b.view(1, 1)
    for _ in range(n):
        linear(x, w)


def backward(n, a, b):
    """A graph of one addition and its backward pass."""
    for _ in range(n):
        (a + b).backward()
        a.grad = None


CASES = {"add": add, "view": view, "silu": silu, "linear": linear, "backward": backward}


def run(request):
    a = torch.ones(1, requires_grad=request["grad"])
    b = torch.ones(1)
    case = CASES[request["case"]]
    start = time.perf_counter()
    case(request["n"], a, b)
    return {"seconds": time.perf_counter() - start}


serve({"run": run})
