"""The other side of `bench unet`: the same network, weights and inputs in plain PyTorch."""

import json
import time

import torch

from sdxl_unet import SdxlUnet
from serve import serve
from tensor_file import read_tensors, write_tensors

unet = None
inputs = None


def load(request):
    global unet, inputs
    with open(request["config"]) as file:
        unet = SdxlUnet(json.load(file))
    unet.load_state_dict(read_tensors(request["weights"]))
    inputs = read_tensors(request["inputs"])
    return {"parameters": sum(p.numel() for p in unet.parameters())}


def forward():
    return unet(inputs["x"], inputs["timesteps"], inputs["prompt_embeds"], inputs["text_embeds"], inputs["time_ids"])


def step():
    for p in unet.parameters():
        p.grad = None
    output = forward()
    output.square().mean().backward()
    return output


def results(request):
    output = step()
    write_tensors(request["file"], {"output": output, **{name: p.grad for name, p in unet.named_parameters()}})
    return {}


def run(request):
    start = time.perf_counter()
    if request["case"] == "forward":
        with torch.no_grad():
            forward()
    else:
        step()
    return {"seconds": time.perf_counter() - start}


serve({"load": load, "results": results, "run": run})
