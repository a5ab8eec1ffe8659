"""Low-rank adapters on the linear layers of a network, as a training script without further packages has them."""

from torch import nn


class LoraLinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base
        self.a = nn.Linear(base.in_features, rank, bias=False)
        self.b = nn.Linear(rank, base.out_features, bias=False)
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.b(self.a(x)) * self.scale


def adapt(unet, rank):
    """Freezes the network and puts an adapter on each of its projections: {path: layer}."""
    unet.requires_grad_(False)
    layers = {}
    for path, owner, key in list(unet.projections()):
        layer = LoraLinear(owner._modules[key], rank, alpha=rank)
        owner._modules[key] = layers[path] = layer
    return layers
