#!/usr/bin/env python3
"""Kills a short training at random points, resumes it until it is done, and compares it with one that nothing disturbed.

  scripts/test_resume.py [--jade PATH] [--kills 10] [--interrupts 5] [--seed 1] [--steps 8] [--work FOLDER]

Every disturbed run gets one to three signals, SIGKILL (`--kills` runs) or SIGINT (`--interrupts` runs), at times drawn from
the seed over the time that the undisturbed run took. What must be equal to the last byte: the figures of metrics.jsonl but
those of a clock (time/, speed/, seconds), plans, samples, alarms, the answers on dev, and the models best/ and last/.
Prints a table; exit status 1 when a run differs. Needs nothing but Python 3 and a built `jade`.
"""
import argparse
import hashlib
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIG = """
backbone: {{ model: {root}/models/nano-start, prompts: brief, threads: {threads}, kv_cache: 256MiB }}
retriever: {{ index: atlas, top_k: 2 }}
train:
  preset: nano
  file: {root}/workflows/jade.jade
  data: {{ train: {root}/data/atlas/train.jsonl, dev: {root}/data/atlas/dev.jsonl, dev_limit: 8 }}
  run: {run}
  steps: {steps}
  checkpoint_every: 2
  dev: {{ every: 3, samples: 2 }}
  rollout: {{ questions: 8 }}
  critic: {{ warm_up: 2 }}
  update: {{ mini_batch: 16, micro_tokens: 2048 }}
"""
EXACT = ["plans.jsonl", "samples.jsonl", "alarms.jsonl", "dev.jsonl", "best/model.safetensors", "last/model.safetensors"]
MOST_SECONDS = 600  # of one start of the program


class Trial:
    """One run folder, its configuration, and what was done to it."""

    def __init__(self, options, work, name):
        self.jade = options.jade
        self.folder = work / name
        self.config = work / f"{name}.yaml"
        self.config.write_text(CONFIG.format(root=ROOT, run=self.folder, steps=options.steps, threads=options.threads))
        self.hit = []  # the last step whose figures were written when the signal came; −1: none

    def start(self, disturb=None, after=0.0):
        """Runs until it ends, or for `after` seconds and then until `disturb` has ended it. Its exit status."""
        child = subprocess.Popen([str(self.jade), "train", str(self.config), "--resume"], cwd=ROOT,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, errors = child.communicate(timeout=after if disturb else MOST_SECONDS)
        except subprocess.TimeoutExpired:
            child.send_signal(disturb or signal.SIGKILL)
            _, errors = child.communicate()
            self.hit.append(self.last_step())
        finally:
            child.kill()  # nothing is left when this script itself is stopped
        # −SIGINT: the signal came before the program had taken it over.
        if child.returncode not in (0, 130, -signal.SIGKILL, -signal.SIGINT):
            sys.exit(f"{self.config}: exit status {child.returncode}\n{errors}")
        return child.returncode

    def last_step(self):
        steps = [step for step, _ in self.figures()]
        return max(steps, default=-1)

    def figures(self):
        """(step, tag) -> value; a line that is cut off counts for nothing."""
        path, found = self.folder / "metrics.jsonl", {}
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            for tag, value in row["scalars"].items():
                if not tag.startswith(("time/", "speed/")):
                    found[row["step"], tag] = value
        return found

    def digests(self):
        return {name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
                for name in EXACT if (self.folder / name).exists()}


def disturbed(options, work, whole_seconds, number, which, rng):
    """A run that got its signals and was then left alone until it was done."""
    trial = Trial(options, work, f"{which.name.lower()}-{number}")
    for _ in range(rng.randint(1, 3)):
        if trial.start(which, rng.uniform(0, whole_seconds)) == 0:
            break
    while trial.start() != 0:
        pass
    return trial


def differences(whole, trial):
    expected, found = whole.figures(), trial.figures()
    places = [place for place in sorted(set(expected) | set(found)) if expected.get(place) != found.get(place)]
    texts = [f"{tag} of step {step}: {found.get((step, tag))}, not {expected.get((step, tag))}" for step, tag in places]
    ours, theirs = trial.digests(), whole.digests()
    return texts + [name for name in EXACT if ours.get(name) != theirs.get(name)]


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jade", type=pathlib.Path, default=ROOT / "build/release/jade")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--interrupts", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", help="kept afterwards; otherwise a temporary folder is used")
    options = parser.parse_args()
    options.jade = options.jade.resolve()
    return options


def compare(options, work):
    whole = Trial(options, work, "whole")
    begin = time.monotonic()
    if whole.start() != 0:
        sys.exit("the undisturbed run did not end")
    seconds = time.monotonic() - begin
    print(f"undisturbed: {options.steps} steps in {seconds:.1f} s, {len(whole.figures())} figures", flush=True)
    rng, failed = random.Random(options.seed), 0
    plan = [signal.SIGKILL] * options.kills + [signal.SIGINT] * options.interrupts
    for number, which in enumerate(plan, 1):
        trial = disturbed(options, work, seconds, number, which, rng)
        wrong = differences(whole, trial)
        failed += bool(wrong)
        print(f"{number:3} {which.name} after step {', '.join(map(str, trial.hit)) or 'none, it was done'}: "
              f"{'equal' if not wrong else f'{len(wrong)} differences, among them {wrong[0]}'}", flush=True)
    print(f"{len(plan)} disturbed runs, {failed} differ")
    return 1 if failed else 0


def main():
    options = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.work:
        work = pathlib.Path(options.work).resolve()
        work.mkdir(parents=True)
        return compare(options, work)
    with tempfile.TemporaryDirectory(prefix="jade_resume_") as folder:
        return compare(options, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
