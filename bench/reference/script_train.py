"""The other side of `bench train --reference`: the training loop of diffusers' train_text_to_image_lora_sdxl.py.

The same classes of diffusers, peft, transformers and accelerate, made with the same arguments and called in the same order as
in that script (0.40, float32, no options but rank, learning rate and batch). Different are the pictures, which are in memory
already, and without `encoders` the latents and text embeddings, which are given in advance; the script cannot do that.
"""

import os
import time

import accelerate
import diffusers
import peft
import torch
import torch.nn.functional as F
import transformers
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, ProjectConfiguration, is_tensorboard_available
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.optimization import get_scheduler
from peft import LoraConfig
from tqdm.auto import tqdm
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from cached_inputs import draws_of, put_adapter, read_inputs
from diffusers_folder import link_network
from serve import serve

PICTURES = 1024  # to be shuffled for an epoch; they repeat those of one batch
LOG_WITH = "tensorboard" if is_tensorboard_available() else None
loop = None


class Pictures(torch.utils.data.Dataset):
    """Rows of `columns` over and over, each with the sizes that the script keeps beside a picture."""

    def __init__(self, columns, side):
        self.columns, self.size = columns, (side, side)
        self.count = len(next(iter(columns.values())))

    def __len__(self):
        return PICTURES

    def __getitem__(self, i):
        row = {name: column[i % self.count] for name, column in self.columns.items()}
        return {**row, "original_sizes": self.size, "crop_top_lefts": (0, 0)}


def collate(rows):
    batch = {key: [row[key] for row in rows] for key in rows[0]}
    return {key: torch.stack(v) if isinstance(v[0], torch.Tensor) else v for key, v in batch.items()}


def random_pictures(request):
    """Pixels and token ids as the script's data loader gives them; a caption begins and ends with its tokens."""
    batch, side, config = request["batch"], request["pixels"], request["configs"]["text_encoder"]
    ids = torch.randint(0, min(config["bos_token_id"], config["eos_token_id"]), (batch, 77))
    ids[:, 0], ids[:, -1] = config["bos_token_id"], config["eos_token_id"]
    return {"pixel_values": torch.rand(batch, 3, side, side) * 2 - 1, "input_ids_one": ids, "input_ids_two": ids}


class Loop:
    def __init__(self, request):
        folder = request["folder"]
        self.accelerator = Accelerator(
            gradient_accumulation_steps=1,
            mixed_precision="no",
            log_with=LOG_WITH,
            project_config=ProjectConfiguration(project_dir=folder, logging_dir=os.path.join(folder, "logs")),
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
            cpu=True,
        )
        self.scheduler = DDPMScheduler.from_config(request["schedule"])
        self.load_encoders(request)
        unet = UNet2DConditionModel.from_pretrained(link_network(folder, request["configs"]["unet"], request["weights"]))
        unet.requires_grad_(False)
        unet.to(self.accelerator.device, dtype=torch.float32)
        self.parameters = sum(p.numel() for p in unet.parameters())
        targets = ["to_k", "to_q", "to_v", "to_out.0"]
        rank = request["rank"]
        unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=targets))
        put_adapter(folder, {path: (m.lora_A["default"].weight, m.lora_B["default"].weight) for path, m in unet.named_modules() if hasattr(m, "lora_A")})
        self.trained = [p for p in unet.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(self.trained, lr=request["lr"], betas=(0.9, 0.999), weight_decay=1e-2, eps=1e-8)
        lr_scheduler = get_scheduler("constant", optimizer=optimizer, num_warmup_steps=500, num_training_steps=PICTURES)
        self.cached = read_inputs(folder, request["batch"])
        given = {key: self.cached[key] for key in ("mean", "std", "promptEmbeds", "textEmbeds")}
        pictures = Pictures(given if self.vae is None else random_pictures(request), request["pixels"])
        loader = torch.utils.data.DataLoader(pictures, shuffle=True, collate_fn=collate, batch_size=request["batch"], num_workers=0)
        self.unet, self.optimizer, loader, self.lr_scheduler = self.accelerator.prepare(unet, optimizer, loader, lr_scheduler)
        self.batches = self.endless(loader)
        self.batch_size, self.resolution = request["batch"], request["pixels"]
        self.latent_scale = request["configs"]["vae"]["scaling_factor"]
        self.accelerator.init_trackers("text2image-fine-tune")
        self.progress = tqdm(desc="Steps", file=open(os.devnull, "w"))
        self.global_step = 0
        self.unet.train()

    def load_encoders(self, request):
        self.vae, self.text_encoders = None, []
        if request["encoders"] is None:
            return
        part = lambda name: os.path.join(request["encoders"], name)
        self.vae = AutoencoderKL.from_pretrained(part("vae"))
        one = CLIPTextModel.from_pretrained(part("text_encoder"))
        two = CLIPTextModelWithProjection.from_pretrained(part("text_encoder_2"))
        self.text_encoders = [one, two]
        for model in (self.vae, one, two):
            model.requires_grad_(False)
            model.to(self.accelerator.device, dtype=torch.float32)

    @staticmethod
    def endless(loader):
        while True:
            yield from loader

    def latents_of(self, batch, posterior):
        """Scaled latents; the posterior of a given picture is drawn from as the VAE's own class does."""
        if self.vae is not None and posterior is None:
            return self.vae.encode(batch["pixel_values"]).latent_dist.sample() * self.vae.config.scaling_factor
        draw = torch.randn_like(batch["mean"]) if posterior is None else posterior
        return (batch["mean"] + batch["std"] * draw) * self.latent_scale

    def prompts_of(self, batch):
        """(states before the last layer of both encoders side by side, projection of the second)"""
        if "promptEmbeds" in batch:
            return batch["promptEmbeds"], batch["textEmbeds"]
        states = []
        for encoder, ids in zip(self.text_encoders, (batch["input_ids_one"], batch["input_ids_two"])):
            out = encoder(ids.to(encoder.device), output_hidden_states=True, return_dict=False)
            states.append(out[-1][-2])
        return torch.concat(states, dim=-1), out[0]

    def time_ids_of(self, batch):
        rows = []
        for size, corner in zip(batch["original_sizes"], batch["crop_top_lefts"]):
            ids = torch.tensor([[*size, *corner, self.resolution, self.resolution]])
            rows.append(ids.to(self.accelerator.device, dtype=torch.float32))
        return torch.cat(rows)

    def step(self, batch, drawn=(None, None, None)):
        """One change of the weights: (loss as it is logged, norm of the gradient before clipping)"""
        accelerator, posterior = self.accelerator, drawn[0]
        with accelerator.accumulate(self.unet):
            latents = self.latents_of(batch, posterior)
            noise = torch.randn_like(latents) if drawn[1] is None else drawn[1]
            steps = self.scheduler.config.num_train_timesteps
            timesteps = torch.randint(0, steps, (latents.shape[0],)).long() if drawn[2] is None else drawn[2]
            noisy = self.scheduler.add_noise(latents, noise, timesteps)
            time_ids = self.time_ids_of(batch)
            prompt_embeds, pooled = self.prompts_of(batch)
            conditions = {"time_ids": time_ids, "text_embeds": pooled}
            prediction = self.unet(noisy, timesteps, prompt_embeds, added_cond_kwargs=conditions, return_dict=False)[0]
            loss = F.mse_loss(prediction.float(), noise.float(), reduction="mean")
            train_loss = accelerator.gather(loss.repeat(self.batch_size)).mean().item()
            accelerator.backward(loss)
            norm = accelerator.clip_grad_norm_(self.trained, 1.0)
            self.optimizer.step()
            self.lr_scheduler.step()
            self.optimizer.zero_grad()
        self.progress.update(1)
        self.global_step += 1
        accelerator.log({"train_loss": train_loss}, step=self.global_step)
        self.progress.set_postfix(step_loss=loss.detach().item(), lr=self.lr_scheduler.get_last_lr()[0])
        return train_loss, norm

    def check(self, count):
        """Steps on what the other side drew."""
        size = self.resolution
        batch = {**self.cached, "original_sizes": [(size, size)] * self.batch_size, "crop_top_lefts": [(0, 0)] * self.batch_size}
        steps = [self.step(batch, draws_of(self.cached, i)) for i in range(1, count + 1)]
        return {"steps": [{"loss": loss, "norm": norm.item()} for loss, norm in steps]}

    def run(self):
        start = time.perf_counter()
        self.step(next(self.batches))
        return {"seconds": time.perf_counter() - start}


def load(request):
    global loop
    loop = Loop(request)
    return {"parameters": loop.parameters}


diffusers.utils.logging.set_verbosity_error()
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
libraries = {module.__name__: module.__version__ for module in (diffusers, peft, transformers, accelerate)}
serve(
    {"load": load, "check": lambda request: loop.check(request["checkedSteps"]), "run": lambda _: loop.run()},
    about={"libraries": libraries, "tracker": LOG_WITH},
)
