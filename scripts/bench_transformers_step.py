#!/usr/bin/env python3
"""A step of joint training in PyTorch and `transformers`, as a plain loop writes it, beside JADE's.

  jade bench train --only train.step --work steps
  python3 scripts/bench_transformers_step.py steps/train.json [--json]

Does the work of the file (docs/benchmarks.md has its format) on random weights of the same shape: the calls of a level
together in padded batches of --batch, each batch until its longest reply is written; then PPO on a policy and a critic
of the same shape: old log-probabilities and values, whitened advantages (gamma and lambda 1), and in as many
mini-batches as JADE's a clipped loss, a value loss and AdamW for each. Prints rows, `ratio.*` being this time over
JADE's. Needs `pip install torch transformers`.
"""
import argparse
import json
import os
import sys
import time

PAD = 0


def arguments():
    """The options, and the work of the file that they name."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("work", help="a file of `jade bench train --work`")
    parser.add_argument("--batch", type=int, default=32, help="calls generated together")
    parser.add_argument("--micro", type=int, default=8, help="transitions in one forward pass of the update")
    parser.add_argument("--calls", type=int, default=0, help="only the first so many, without ratios; 0: all")
    parser.add_argument("--dtype", choices=["bf16", "fp32"], help="of the products; as the file says otherwise")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true", help='print a JSON array of {"name", "value", "unit"}')
    options = parser.parse_args()
    try:
        with open(options.work, encoding="utf-8") as file:
            work = json.load(file)
    except (OSError, ValueError) as error:
        parser.error(f"cannot read {options.work}: {error}")
    known = isinstance(work, dict) and work.get("format") == "jade-step" and work.get("version") == 1
    if not known or not work.get("calls"):
        parser.error(f"{options.work} is no file of `jade bench train --work` that this script knows")
    return options, work


OPTIONS, WORK = arguments()  # before what takes seconds to load and may not be there
try:
    import torch
    import transformers
except ImportError as error:
    sys.exit(f"bench_transformers_step: {error}: `pip install torch transformers` first")


def padded(rows, left):
    """Ids and their mask, [len(rows), longest]."""
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), PAD)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for i, row in enumerate(rows):
        place = slice(longest - len(row), longest) if left else slice(0, len(row))
        ids[i, place] = torch.tensor(row)
        mask[i, place] = 1
    return ids, mask


def pieces(items, size):
    return [items[i:i + size] for i in range(0, len(items), size)]


def roll_out(policy, calls, options, autocast):
    """Each call with its reply. The end of text is ruled out, as lengths are given."""
    done = []
    for level in sorted({call["level"] for call in calls}):
        waiting = sorted((call for call in calls if call["level"] == level), key=lambda call: len(call["prompt"]))
        for batch in pieces(waiting, options.batch):
            ids, mask = padded([call["prompt"] for call in batch], left=True)
            most = max(call["reply_tokens"] for call in batch)
            with torch.no_grad(), autocast():
                out = policy.generate(input_ids=ids, attention_mask=mask, do_sample=True, temperature=1.0, top_k=0,
                                      max_new_tokens=most, min_new_tokens=most, pad_token_id=PAD)
            replies = out[:, ids.shape[1]:].tolist()
            done += [(call, reply[:call["reply_tokens"]]) for call, reply in zip(batch, replies)]
    return done


class Critic(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.body = transformers.AutoModel.from_config(config)
        self.head = torch.nn.Linear(config.hidden_size, 1)
        torch.nn.init.zeros_(self.head.weight)

    def forward(self, ids, mask):
        hidden = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        return self.head(hidden.float()).squeeze(-1)[:, :-1].float()


def log_probs(policy, ids, mask):
    logits = policy(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
    return torch.log_softmax(logits, -1).gather(-1, ids[:, 1:, None]).squeeze(-1)


def packed(done):
    """Prompts and replies in one row each, and where a reply's tokens are predicted."""
    ids, mask = padded([call["prompt"] + reply for call, reply in done], left=False)
    counted = torch.zeros_like(mask)
    for i, (call, reply) in enumerate(done):
        counted[i, len(call["prompt"]):len(call["prompt"]) + len(reply)] = 1
    return ids, mask, counted[:, 1:].bool()


def update(policy, critic, done, mini_batches, options, autocast):
    policy.train()
    actor = torch.optim.AdamW(policy.parameters(), lr=1e-6)
    learner = torch.optim.AdamW(critic.parameters(), lr=1e-5)
    size = -(-len(done) // mini_batches)
    minis = [[packed(micro) for micro in pieces(mini, options.micro)] for mini in pieces(done, size)]
    with torch.no_grad(), autocast():
        old = [[(log_probs(policy, ids, mask), critic(ids, mask)) for ids, mask, _ in mini] for mini in minis]
    # A reward a call; with gamma and lambda 1 it is every token's return.
    returns = [[torch.rand(ids.shape[0], 1).expand(counted.shape) for ids, _, counted in mini] for mini in minis]
    advantages = [[g - value for g, (_, value) in zip(gs, was)] for gs, was in zip(returns, old)]
    every = torch.cat([a[counted] for mini, of in zip(minis, advantages) for (_, _, counted), a in zip(mini, of)])
    mean, deviation = every.mean(), every.std() + 1e-8
    for mini, of, gs, was in zip(minis, advantages, returns, old):
        tokens = sum(int(counted.sum()) for _, _, counted in mini)
        for (ids, mask, counted), advantage, g, (before, value) in zip(mini, of, gs, was):
            a = (advantage - mean) / deviation
            with autocast():
                ratio = torch.exp(log_probs(policy, ids, mask) - before)
            loss = torch.max(-a * ratio, -a * ratio.clamp(0.8, 1.2))[counted].sum() / tokens
            loss.backward()
            with autocast():
                now = critic(ids, mask)
            clipped = value + (now - value).clamp(-0.5, 0.5)
            (0.5 * torch.max((now - g) ** 2, (clipped - g) ** 2)[counted].sum() / tokens).backward()
        for model, optimiser in ((policy, actor), (critic, learner)):
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
    return len(minis)


def measure(work, options):
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    dtype = options.dtype or work["dtype"]

    def autocast():
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bf16")

    config = transformers.AutoConfig.for_model(**work["model"])
    config.eos_token_id = None
    policy = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    policy.generation_config.eos_token_id = None
    critic = Critic(config).float()
    calls = work["calls"][:options.calls] if options.calls else work["calls"]
    begin = time.perf_counter()
    done = roll_out(policy, calls, options, autocast)
    rolled_out = time.perf_counter()
    trained = [(call, reply) for call, reply in done if call["trained"]]
    mini_batches = update(policy, critic, trained, work["mini_batches"], options, autocast)
    end = time.perf_counter()
    rollout, step = rolled_out - begin, end - begin
    rows = [("transformers.rollout.calls_s", len(done) / rollout, "calls/s"), ("transformers.rollout.s", rollout, "s"),
            ("transformers.update_s", end - rolled_out, "s"), ("transformers.step.s", step, "s")]
    if not options.calls:
        rows += [(f"ratio.{part}", seconds / work["seconds"][part], "times JADE's")
                 for part, seconds in (("rollout", rollout), ("update", end - rolled_out), ("step", step))]
    about = f"{len(done)} calls, {mini_batches} mini-batches, {dtype}, torch {torch.__version__}"
    return rows, f"{about}, transformers {transformers.__version__}, {options.threads} threads"


def main():
    rows, about = measure(WORK, OPTIONS)
    if OPTIONS.json:
        print(json.dumps([{"name": name, "value": value, "unit": unit} for name, value, unit in rows]))
        return
    print(about)
    for name, value, unit in rows:
        print(f"{name:<34} {value:>14.2f} {unit}")


main()
