"""Stable Diffusion XL's UNet in plain PyTorch: the other side of this project's benchmarks.

One file, no dependency but torch. Module names are those of checkpoints in the diffusers layout, so `load_state_dict`
takes them as they are, and every projection is a `torch.nn.Linear` that an adapter can replace (`projections`).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


def attend(q, k, v):
    """softmax(q k^T / sqrt(d)) v for [b, heads, t, d], by the fused kernel where this torch has one."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v)
    scores = q @ (k.transpose(-1, -2) * q.shape[-1] ** -0.5)
    return torch.softmax(scores, dim=-1) @ v


def sinusoids(t, size):
    """[n] -> [n, size]: cosines, then sines, in float32."""
    half = size // 2
    frequencies = torch.exp(-math.log(10000) / half * torch.arange(half, dtype=torch.float32, device=t.device))
    angles = t.float()[:, None] * frequencies[None]
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class ResnetBlock2D(nn.Module):
    def __init__(self, c_in, c_out, t_dim, groups, eps):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, c_in, eps)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.time_emb_proj = nn.Linear(t_dim, c_out)
        self.norm2 = nn.GroupNorm(groups, c_out, eps)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else None

    def forward(self, x, temb):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time_emb_proj(F.silu(temb))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Attention(nn.Module):
    def __init__(self, dim, context_dim, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(context_dim, dim, bias=False)
        self.to_v = nn.Linear(context_dim, dim, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])

    def forward(self, x, context):
        b, t, c = x.shape
        split = lambda y: y.view(b, -1, self.heads, c // self.heads).transpose(1, 2)
        out = attend(split(self.to_q(x)), split(self.to_k(context)), split(self.to_v(context)))
        return self.to_out[0](out.transpose(1, 2).reshape(b, t, c))


class GEGLU(nn.Module):
    def __init__(self, dim, inner):
        super().__init__()
        self.proj = nn.Linear(dim, inner * 2)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(GEGLU(dim, dim * 4), nn.Identity(), nn.Linear(dim * 4, dim))

    def forward(self, x):
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, dim, context_dim, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn1 = Attention(dim, dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.attn2 = Attention(dim, context_dim, heads)
        self.norm3 = nn.LayerNorm(dim)
        self.ff = FeedForward(dim)

    def forward(self, x, context):
        n = self.norm1(x)
        x = x + self.attn1(n, n)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Transformer2D(nn.Module):
    def __init__(self, dim, layers, heads, context_dim, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, dim, 1e-6)
        self.proj_in = nn.Linear(dim, dim)
        self.transformer_blocks = nn.ModuleList(TransformerBlock(dim, context_dim, heads) for _ in range(layers))
        self.proj_out = nn.Linear(dim, dim)

    def forward(self, x, context):
        b, c, h, w = x.shape
        y = self.proj_in(self.norm(x).permute(0, 2, 3, 1).reshape(b, h * w, c))
        for block in self.transformer_blocks:
            y = block(y, context)
        return self.proj_out(y).view(b, h, w, c).permute(0, 3, 1, 2).contiguous() + x


class Resample(nn.Module):
    """The convolution of a step between resolutions."""

    def __init__(self, channels, stride):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=stride, padding=1)

    def forward(self, x, size=None):
        return self.conv(x if size is None else F.interpolate(x, size, mode="nearest"))


class Level(nn.Module):
    """Residual blocks of one resolution, each with a transformer behind it or none."""

    def __init__(self, channels_in, channels, transformers, options):
        super().__init__()
        self.resnets = nn.ModuleList(ResnetBlock2D(c, channels, **options["resnet"]) for c in channels_in)
        count = len(channels_in) if options["transformers_each"] is None else options["transformers_each"]
        self.attentions = (
            None if transformers is None else nn.ModuleList(Transformer2D(channels, transformers, **options["attention"]) for _ in range(count))
        )


class DownBlock(Level):
    def __init__(self, channels_in, channels, transformers, options, last):
        super().__init__(channels_in, channels, transformers, options)
        self.downsamplers = None if last else nn.ModuleList([Resample(channels, 2)])

    def forward(self, x, temb, context, skips):
        for i, resnet in enumerate(self.resnets):
            x = resnet(x, temb)
            if self.attentions is not None:
                x = self.attentions[i](x, context)
            skips.append(x)
        if self.downsamplers is not None:
            x = self.downsamplers[0](x)
            skips.append(x)
        return x


class MidBlock(Level):
    def forward(self, x, temb, context):
        x = self.resnets[0](x, temb)
        x = self.attentions[0](x, context)
        return self.resnets[1](x, temb)


class UpBlock(Level):
    def __init__(self, channels_in, channels, transformers, options, last):
        super().__init__(channels_in, channels, transformers, options)
        self.upsamplers = None if last else nn.ModuleList([Resample(channels, 1)])

    def forward(self, x, temb, context, skips):
        for i, resnet in enumerate(self.resnets):
            x = resnet(torch.cat([x, skips.pop()], dim=1), temb)
            if self.attentions is not None:
                x = self.attentions[i](x, context)
        return x if self.upsamplers is None else self.upsamplers[0](x, skips[-1].shape[2:])


class TimestepEmbedding(nn.Module):
    def __init__(self, dim_in, dim):
        super().__init__()
        self.linear_1 = nn.Linear(dim_in, dim)
        self.linear_2 = nn.Linear(dim, dim)

    def forward(self, x):
        return self.linear_2(F.silu(self.linear_1(x)))


def per_level(value, levels):
    return list(value) if isinstance(value, (list, tuple)) else [value] * levels


class SdxlUnet(nn.Module):
    def __init__(self, config):
        """`config` is the `config.json` of a `unet` folder. Its `attention_head_dim` is the number of heads."""
        super().__init__()
        channels = config["block_out_channels"]
        n = len(channels)
        layers = per_level(config.get("layers_per_block", 2), n)
        heads = per_level(config.get("num_attention_heads") or config["attention_head_dim"], n)
        depths = per_level(config["transformer_layers_per_block"], n)
        groups, eps = config.get("norm_num_groups", 32), config.get("norm_eps", 1e-5)
        t_dim = channels[0] * 4
        self.time_size, self.ids_size = channels[0], config["addition_time_embed_dim"]

        def options(level, transformers_each=None):
            return {
                "resnet": {"t_dim": t_dim, "groups": groups, "eps": eps},
                "attention": {"heads": heads[level], "context_dim": config["cross_attention_dim"], "groups": groups},
                "transformers_each": transformers_each,
            }

        self.conv_in = nn.Conv2d(config["in_channels"], channels[0], 3, padding=1)
        self.time_embedding = TimestepEmbedding(channels[0], t_dim)
        self.add_embedding = TimestepEmbedding(config["projection_class_embeddings_input_dim"], t_dim)
        self.down_blocks = nn.ModuleList()
        for i, kind in enumerate(config["down_block_types"]):
            before = channels[max(i - 1, 0)]
            self.down_blocks.append(
                DownBlock(
                    [before] + [channels[i]] * (layers[i] - 1),
                    channels[i],
                    depths[i] if kind == "CrossAttnDownBlock2D" else None,
                    options(i),
                    last=i == n - 1,
                )
            )
        self.mid_block = MidBlock([channels[-1]] * 2, channels[-1], depths[-1], options(n - 1, transformers_each=1))
        self.up_blocks = nn.ModuleList()
        for i, kind in zip(reversed(range(n)), config["up_block_types"]):
            below, above = channels[min(i + 1, n - 1)], channels[max(i - 1, 0)]
            skips = [channels[i]] * layers[i] + [above]
            inputs = [below] + [channels[i]] * layers[i]
            self.up_blocks.append(
                UpBlock(
                    [a + b for a, b in zip(inputs, skips)],
                    channels[i],
                    depths[i] if kind == "CrossAttnUpBlock2D" else None,
                    options(i),
                    last=i == 0,
                )
            )
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], eps)
        self.conv_out = nn.Conv2d(channels[0], config["out_channels"], 3, padding=1)

    def forward(self, x, timesteps, prompt_embeds, text_embeds, time_ids):
        """[b, c, h, w], [b], [b, s, k], [b, p], [b, 6] -> [b, c, h, w]"""
        ids = sinusoids(time_ids.flatten(), self.ids_size).view(x.shape[0], -1)
        temb = self.time_embedding(sinusoids(timesteps, self.time_size).to(x.dtype))
        temb = temb + self.add_embedding(torch.cat([text_embeds, ids.to(x.dtype)], dim=-1))
        h = self.conv_in(x)
        skips = [h]
        for block in self.down_blocks:
            h = block(h, temb, prompt_embeds, skips)
        h = self.mid_block(h, temb, prompt_embeds)
        for block in self.up_blocks:
            h = block(h, temb, prompt_embeds, skips)
        return self.conv_out(F.silu(self.conv_norm_out(h)))

    def projections(self, names=("to_q", "to_k", "to_v", "to_out.0")):
        """The linear layers that adapters go on, as (path, owner, key): setattr(owner, key, ...) replaces one."""
        for path, layer in list(self.named_modules()):
            if isinstance(layer, nn.Linear) and any(path.endswith("." + name) for name in names):
                parent, _, key = path.rpartition(".")
                yield path, self.get_submodule(parent), key
