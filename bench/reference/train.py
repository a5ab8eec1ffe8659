"""The other side of `bench train`: a plain PyTorch loop that trains adapters on the same UNet."""

import contextlib
import os
import re
import time

import torch
import torch.nn.functional as F

from encoders import Encoders
from lora import adapt
from sdxl_unet import SdxlUnet
from serve import serve
from tensor_file import map_tensors, read_tensors

TRAIN_STEPS = 1000
betas = torch.linspace(0.00085**0.5, 0.012**0.5, TRAIN_STEPS, dtype=torch.float32) ** 2
alphas = torch.cumprod(1 - betas, dim=0)

unet = optimizer = encoders = None
trained = []
inputs = {}
latent_scale = 1.0


@contextlib.contextmanager
def without_memory():
    """Layers made here hold no numbers; this torch may be too old for `with torch.device("meta")`."""
    usual = torch.empty
    torch.empty = lambda *args, **options: usual(*args, **{**options, "device": "meta"})
    try:
        yield
    finally:
        torch.empty = usual


def put_weights(module, tensors):
    """Makes the tensors of a file, which stay where they are, the weights of a module."""
    expected = dict(module.named_parameters())
    if expected.keys() != tensors.keys():
        raise ValueError(f"the file lacks or adds {sorted(expected.keys() ^ tensors.keys())[:4]}")
    for name, parameter in expected.items():
        if parameter.shape != tensors[name].shape:
            raise ValueError(f"{name} is {list(tensors[name].shape)} and not {list(parameter.shape)}")
        owner, _, key = name.rpartition(".")
        module.get_submodule(owner)._parameters[key] = torch.nn.Parameter(tensors[name], requires_grad=False)


def load(request):
    global unet, optimizer, encoders, trained, inputs, latent_scale
    with without_memory():
        unet = SdxlUnet(request["configs"]["unet"])
    put_weights(unet, map_tensors(request["weights"]))
    parameters = sum(p.numel() for p in unet.parameters())
    layers = adapt(unet, request["rank"])
    adapter = read_tensors(os.path.join(request["folder"], "adapter.safetensors"))
    if adapter.keys() != {f"unet.{path}.lora_{m}" for path in layers for m in "AB"}:
        raise ValueError("the two sides adapt different layers")
    with torch.no_grad():
        for path, layer in layers.items():
            layer.a.weight.copy_(adapter[f"unet.{path}.lora_A"])
            layer.b.weight.copy_(adapter[f"unet.{path}.lora_B"])
    trained = [p for layer in layers.values() for p in (layer.a.weight, layer.b.weight)]
    optimizer = torch.optim.AdamW(trained, lr=request["lr"], weight_decay=0.01)
    files = read_tensors(os.path.join(request["folder"], "inputs.safetensors"))
    rows = {key: [files.pop(f"{key}.{i}") for i in range(request["batch"])] for key in ("mean", "std", "promptEmbeds", "textEmbeds")}
    inputs = {**files, **{key: torch.cat(tensors) for key, tensors in rows.items()}}
    latent_scale = request["configs"]["vae"]["scaling_factor"]
    if request["uncached"]:
        encoders = Encoders(request["configs"], request["batch"], request["side"])
    return {"parameters": parameters}


def cached_latents(posterior):
    return (inputs["mean"] + inputs["std"] * posterior) * latent_scale


def step(latents, prompts, noise, timesteps):
    """One change of the weights: (loss, norm of the gradient before clipping)"""
    alpha = alphas[timesteps].sqrt()[:, None, None, None]
    sigma = (1 - alphas[timesteps]).sqrt()[:, None, None, None]
    noisy = alpha * latents + sigma * noise
    prediction = unet(noisy, timesteps, *prompts, inputs["timeIds"])
    loss = F.mse_loss(prediction.float(), noise.float())
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item(), norm.item()


def check(request):
    """Steps on what the other side drew."""
    steps = []
    for i in range(1, request["checkedSteps"] + 1):
        posterior, noise, timesteps = (inputs[f"{i}.{name}"] for name in ("posterior", "noise", "timesteps"))
        loss, norm = step(cached_latents(posterior), (inputs["promptEmbeds"], inputs["textEmbeds"]), noise, timesteps)
        steps.append({"loss": loss, "norm": norm})
    return {"steps": steps}


def run(request):
    start = time.perf_counter()
    if encoders is None:
        latents = cached_latents(torch.randn_like(inputs["mean"]))
        prompts = (inputs["promptEmbeds"], inputs["textEmbeds"])
    else:
        latents, prompts = encoders.latents(), encoders.prompts()
    timesteps = torch.randint(0, TRAIN_STEPS, (latents.shape[0],))
    step(latents, prompts, torch.randn_like(latents), timesteps)
    return {"seconds": time.perf_counter() - start}


def peak(request):
    with open("/proc/self/status") as file:
        return {"bytes": 1024 * int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))}


serve({"load": load, "check": check, "run": run, "peak": peak})
