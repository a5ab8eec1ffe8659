"""Makes random weights for the VAE and the text encoders, as files: make_encoders.py CONFIGS.json OUT [diffusers]

With `diffusers` OUT is a folder of folders as `from_pretrained` reads them, and without it one file for `encoders.py`. This is a
process of its own, so that making them is not in the peak of the process that is measured.
"""

import json
import os
import sys


def make_folders(configs, out):
    from diffusers import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
    from transformers.utils import logging

    logging.disable_progress_bar()
    AutoencoderKL.from_config(configs["vae"]).save_pretrained(os.path.join(out, "vae"))
    for name, kind in (("text_encoder", CLIPTextModel), ("text_encoder_2", CLIPTextModelWithProjection)):
        kind(CLIPTextConfig(**configs[name])).save_pretrained(os.path.join(out, name))


def make_file(configs, out):
    from encoders import networks
    from tensor_file import write_tensors

    write_tensors(out, dict(networks(configs).named_parameters()))


with open(sys.argv[1]) as file:
    configs = json.load(file)
out = sys.argv[2]
part = f"{out}.part"
(make_folders if sys.argv[3:] == ["diffusers"] else make_file)(configs, part)
os.rename(part, out)
