"""One of several processes that train a model together: tells two spirals apart. Needs torch alone.

MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE are in the environment, as torch.distributed has them.
"""

import fcntl
import hashlib
import math
import os
import socket
import struct

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

STEPS = 300
BATCH = 128
"""Points a step, over all processes."""


def interface(address: str) -> str:
    """The network interface that leads to an address: what gloo would guess from the host's name is often the loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((address, 9))
        own = way.getsockname()[0]
        for _, name in socket.if_nameindex():
            try:  # SIOCGIFADDR, netdevice(7)
                found = fcntl.ioctl(way.fileno(), 0x8915, struct.pack("256s", name.encode()))
            except OSError:
                continue
            if socket.inet_ntoa(found[20:24]) == own:
                return name
    raise SystemExit(f"no interface leads to {address}")


def spirals(count: int, noise: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of two spirals, and which one each is of."""
    label = torch.randint(0, 2, (count,), generator=noise)
    angle = 3 * math.pi * torch.rand(count, generator=noise).sqrt()
    radius = angle / (3 * math.pi) + 0.02 * torch.randn(count, generator=noise)
    turned = angle + math.pi * label
    return torch.stack((radius * turned.cos(), radius * turned.sin()), dim=1), label


def main() -> None:
    address = os.environ["MASTER_ADDR"]
    os.environ.setdefault("GLOO_SOCKET_IFNAME", interface(address))
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(1)  # all begin with the same model; DistributedDataParallel makes sure of it
    model = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))
    shared = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(shared.parameters(), lr=0.01)
    mine = torch.Generator().manual_seed(100 + rank)  # and each sees points of its own
    for step in range(STEPS):
        points, label = spirals(BATCH // world, mine)
        loss = nn.functional.cross_entropy(shared(points), label)
        optimizer.zero_grad()
        loss.backward()  # gradients are summed over the network here
        optimizer.step()
        if rank == 0 and step % 50 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    points, label = spirals(4000, torch.Generator().manual_seed(7))
    with torch.no_grad():
        right = (model(points).argmax(dim=1) == label).float().mean().item()
    weights = hashlib.sha256(b"".join(tensor.detach().numpy().tobytes() for tensor in model.parameters())).hexdigest()
    print(f"rank {rank} of {world} on {socket.gethostname()}: {right:.1%} right, weights {weights[:16]}", flush=True)
    if rank == 0:
        torch.save(model.state_dict(), "model.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
