"""The same as train-child.ts with PyTorch: train_reference.py FOLDER CASE, where FOLDER holds dar_reference.py. See train.ts."""
import copy
import json
import resource
import sys
import time

import torch

folder, case = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, folder)
import dar_reference as dar  # noqa: E402

torch.set_num_threads(case['threads'])
torch.manual_seed(1)
model = dar.DepthModel(dar.config_from_json(json.dumps(case['config'])))
average = copy.deepcopy(model)
optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.1)
shape = (case['batch'], 1, case['height'], case['width'])
image = torch.rand(shape[0], 3, *shape[2:])
depth = 0.5 + 9 * torch.rand(shape)

for line in sys.stdin:
    if line.strip() == 'memory':
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
        continue
    begin = time.perf_counter()
    loss = sum(model.losses(model(image), depth))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimiser.step()
    with torch.no_grad():
        for p, q in zip(average.parameters(), model.parameters()):
            p.lerp_(q, 0.001)
    print(1000 * (time.perf_counter() - begin), flush=True)
