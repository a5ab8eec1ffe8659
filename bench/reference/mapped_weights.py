"""Networks whose weights stay in the file that they come from."""

import contextlib

import torch


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
