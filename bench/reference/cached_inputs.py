"""What both Python loops of `bench train` are given in advance: the files that the other side wrote."""

import os

import torch

from tensor_file import read_tensors

_ROWS = ("mean", "std", "promptEmbeds", "textEmbeds")


def read_inputs(folder, batch):
    """Pictures and captions by name, rows of one kind joined; what step n draws is under "n.noise" and so on."""
    files = read_tensors(os.path.join(folder, "inputs.safetensors"))
    rows = {key: [files.pop(f"{key}.{i}") for i in range(batch)] for key in _ROWS}
    return {**files, **{key: torch.cat(tensors) for key, tensors in rows.items()}}


def draws_of(inputs, step):
    """(noise of the posterior, noise, timesteps)"""
    return tuple(inputs[f"{step}.{name}"] for name in ("posterior", "noise", "timesteps"))


def put_adapter(folder, layers):
    """Copies the other side's adapter; `layers` is {path in the UNet: (A, B)}."""
    adapter = read_tensors(os.path.join(folder, "adapter.safetensors"))
    if adapter.keys() != {f"unet.{path}.lora_{m}" for path in layers for m in "AB"}:
        raise ValueError("the two sides adapt different layers")
    with torch.no_grad():
        for path, (a, b) in layers.items():
            a.copy_(adapter[f"unet.{path}.lora_A"])
            b.copy_(adapter[f"unet.{path}.lora_B"])
