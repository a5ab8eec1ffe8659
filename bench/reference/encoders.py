"""What the reference script runs in every step beside the UNet: SDXL's VAE encoder and its two CLIP text encoders.

Plain PyTorch with random weights; sizes come from `config.json` of the respective folders.
"""

import torch
import torch.nn.functional as F
from torch import nn

from mapped_weights import put_weights, without_memory
from sdxl_unet import attend
from tensor_file import map_tensors


class VaeResnet(nn.Module):
    def __init__(self, c_in, c_out, groups):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, c_in, 1e-6), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(groups, c_out, 1e-6), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.shortcut = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return self.conv2(F.silu(self.norm2(h))) + self.shortcut(x)


class VaeAttention(nn.Module):
    """One head over all channels, the pixels being the sequence."""

    def __init__(self, channels, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, 1e-6)
        self.q, self.k, self.v, self.out = (nn.Linear(channels, channels) for _ in range(4))

    def forward(self, x):
        y = self.norm(x).flatten(2).transpose(1, 2)
        q, k, v = (p(y).unsqueeze(1) for p in (self.q, self.k, self.v))
        return self.out(attend(q, k, v).squeeze(1)).transpose(1, 2).reshape(x.shape) + x


class VaeEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        channels, groups = config["block_out_channels"], config["norm_num_groups"]
        self.factor, self.scale = 2 ** (len(channels) - 1), config["scaling_factor"]
        layers = [nn.Conv2d(3, channels[0], 3, padding=1)]
        before = channels[0]
        for i, c in enumerate(channels):
            for _ in range(config["layers_per_block"]):
                layers.append(VaeResnet(before, c, groups))
                before = c
            if i < len(channels) - 1:
                layers += [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(c, c, 3, stride=2)]
        layers += [VaeResnet(before, before, groups), VaeAttention(before, groups), VaeResnet(before, before, groups)]
        moments = 2 * config["latent_channels"]
        layers += [nn.GroupNorm(groups, before, 1e-6), nn.SiLU(), nn.Conv2d(before, moments, 3, padding=1)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(moments, moments, 1))

    def forward(self, pixels):
        """[b, 3, h, w] -> scaled latents, drawn from the posterior"""
        mean, logvar = self.layers(pixels).chunk(2, dim=1)
        return (mean + torch.exp(0.5 * logvar.clamp(-30, 20)) * torch.randn_like(mean)) * self.scale


class ClipLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        c, inner = config["hidden_size"], config["intermediate_size"]
        self.heads, self.quick = config["num_attention_heads"], config["hidden_act"] == "quick_gelu"
        self.norm1, self.norm2 = nn.LayerNorm(c), nn.LayerNorm(c)
        self.q, self.k, self.v, self.out = (nn.Linear(c, c) for _ in range(4))
        self.fc1, self.fc2 = nn.Linear(c, inner), nn.Linear(inner, c)

    def attention(self, x, mask):
        b, t, c = x.shape
        q, k, v = (p(x).view(b, t, self.heads, -1).transpose(1, 2) for p in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + mask
        return self.out((torch.softmax(scores, dim=-1) @ v).transpose(1, 2).reshape(b, t, c))

    def forward(self, x, mask):
        x = x + self.attention(self.norm1(x), mask)
        h = self.fc1(self.norm2(x))
        return x + self.fc2(h * torch.sigmoid(1.702 * h) if self.quick else F.gelu(h))


class ClipText(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = config["hidden_size"]
        self.tokens, self.positions = nn.Embedding(config["vocab_size"], c), nn.Embedding(config["max_position_embeddings"], c)
        self.layers = nn.ModuleList(ClipLayer(config) for _ in range(config["num_hidden_layers"]))
        self.norm, self.projection = nn.LayerNorm(c), nn.Linear(c, config["projection_dim"], bias=False)

    def forward(self, ids):
        """[b, t] -> input of the last layer [b, t, c], projected output of the last position [b, p]"""
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        mask = torch.full((ids.shape[1],) * 2, float("-inf")).triu(1)
        for layer in self.layers:
            penultimate, x = x, layer(x, mask)
        return penultimate, self.projection(self.norm(x)[:, -1])


def networks(configs):
    """The VAE encoder and both text encoders, so named."""
    names = ("text_encoder", "text_encoder_2")
    return nn.ModuleDict({"vae": VaeEncoder(configs["vae"]), **{name: ClipText(configs[name]) for name in names}})


class Encoders:
    """Pictures and captions -> what the UNet takes."""

    def __init__(self, configs, batch, side, weights):
        """`weights` is a file made by `make_encoders.py`; it is mapped."""
        with without_memory():
            models = networks(configs)
        put_weights(models, map_tensors(weights))
        self.vae, self.texts = models["vae"], [models["text_encoder"], models["text_encoder_2"]]
        self.pixels = torch.rand(batch, 3, side * self.vae.factor, side * self.vae.factor) * 2 - 1
        self.ids = torch.randint(0, configs["text_encoder"]["vocab_size"], (batch, 77))

    def latents(self):
        return self.vae(self.pixels)

    def prompts(self):
        (one, _), (two, pooled) = [text(self.ids) for text in self.texts]
        return torch.cat([one, two], dim=-1), pooled
