"""The other side of `bench train`: a plain PyTorch loop that trains adapters on the same UNet."""

import time

import torch
import torch.nn.functional as F

from cached_inputs import draws_of, put_adapter, read_inputs
from encoders import Encoders
from lora import adapt
from mapped_weights import put_weights, without_memory
from sdxl_unet import SdxlUnet
from serve import serve
from tensor_file import map_tensors

unet = optimizer = encoders = alphas = None
trained = []
inputs = {}
latent_scale = 1.0


def products_of(schedule):
    """ᾱ of each timestep, `scaled_linear`"""
    start, end = schedule["beta_start"] ** 0.5, schedule["beta_end"] ** 0.5
    betas = torch.linspace(start, end, schedule["num_train_timesteps"], dtype=torch.float32) ** 2
    return torch.cumprod(1 - betas, dim=0)


def load(request):
    global unet, optimizer, encoders, trained, inputs, latent_scale, alphas
    with without_memory():
        unet = SdxlUnet(request["configs"]["unet"])
    put_weights(unet, map_tensors(request["weights"]))
    parameters = sum(p.numel() for p in unet.parameters())
    layers = adapt(unet, request["rank"])
    put_adapter(request["folder"], {path: (layer.a.weight, layer.b.weight) for path, layer in layers.items()})
    trained = [p for layer in layers.values() for p in (layer.a.weight, layer.b.weight)]
    optimizer = torch.optim.AdamW(trained, lr=request["lr"], weight_decay=0.01)
    inputs = read_inputs(request["folder"], request["batch"])
    alphas = products_of(request["schedule"])
    latent_scale = request["configs"]["vae"]["scaling_factor"]
    if request["encoders"] is not None:
        encoders = Encoders(request["configs"], request["batch"], request["side"], request["encoders"])
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
        posterior, noise, timesteps = draws_of(inputs, i)
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
    timesteps = torch.randint(0, len(alphas), (latents.shape[0],))
    step(latents, prompts, torch.randn_like(latents), timesteps)
    return {"seconds": time.perf_counter() - start}


serve({"load": load, "check": check, "run": run})
