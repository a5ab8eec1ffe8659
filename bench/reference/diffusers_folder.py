"""Folders as diffusers reads them, around weights that are elsewhere."""

import json
import os


def link_network(folder, config, weights):
    """Makes `folder`/unet, whose weights are a link to a safetensors file, and gives its path."""
    path = os.path.join(folder, "unet")
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "config.json"), "w") as file:
        json.dump({**config, "_class_name": "UNet2DConditionModel"}, file)
    link = os.path.join(path, "diffusion_pytorch_model.safetensors")
    if not os.path.lexists(link):
        os.symlink(os.path.abspath(weights), link)
    return path
