#!/usr/bin/env python3
"""Runs the joint-training experiment as a queue that may be stopped and started again.

  scripts/joint_experiment.py [WORK_FOLDER] [--jade PATH] [--jobs N] [--minutes N] [--arms a,b] [--seeds 1,2,3] [--rates 1e-5,…]

Its training questions are about a pretend world, made first where they are missing (build/pretend, the same everywhere).
Every arm is run with three learning rates and the first seed; the rate with the best dev F1 is then run with the other
seeds. Each run takes one thread; --jobs runs go on side by side. A run that was cut off goes on from its checkpoint;
one that is done is not run again. What a run came to, with the scores of every test question, is kept in
bench/joint/results, so that the queue goes on in another clone. After each run WORK_FOLDER/ablation.json and
summary.txt are written anew. Needs nothing but Python 3 and a built `jade`.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARMS = {
    "joint": "train: all",
    "planner": "train: planners, others: start",
    "executors": "train: executors, others: start",
    "planner-filter": "train: planners, others: filter",
    "executors-filter": "train: executors, others: filter",
}
ROLES = "roles: { train: all"  # in the base configuration: an arm's own words take its place
RATE = "lr: RATE"  # the same for the policy's learning rate
PRETEND = ["--countries", "400", "--seed", "41", "--out", "build/pretend"]
RATES = ["2e-4", "1e-4", "4e-4"]
PAIRS = [("joint", "planner"), ("joint", "executors"), ("joint", "planner-filter"), ("joint", "executors-filter")]


def rows_of(kept):
    """The kept scores of a run as `jade eval --compare` reads them: it wants whole rows."""
    unscored = {"gold": [], "answer": "", "tokens": 0, "type": ""}
    lines = [json.dumps({"id": name, "question": name, **unscored,
                         **{key: values[i] for key, values in kept["scores"].items()}})
             for i, name in enumerate(kept["ids"])]
    return "\n".join(lines) + "\n"


def differences(jade, runs, others):
    """By measure: the paired `difference` others − runs over questions and seeds, and the ends of its interval, `low` and `high`.
    Both are kept runs in the same order of seeds. RuntimeError with what `jade eval --compare` said when it fails."""
    with tempfile.TemporaryDirectory() as place:
        sides = []
        for name, side in (("a", runs), ("b", others)):
            paths = [pathlib.Path(place) / f"{name}{at}.jsonl" for at in range(len(side))]
            for path, run in zip(paths, side):
                path.write_text(rows_of(run))
            sides.append(",".join(map(str, paths)))
        done = subprocess.run([jade, "eval", "--compare", *sides, "--json"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)["measures"]


class Queue:
    def __init__(self, options):
        self.options = options
        self.place = pathlib.Path(options.work).resolve()
        self.place.mkdir(parents=True, exist_ok=True)
        self.deadline = time.monotonic() + 60 * options.minutes if options.minutes else None
        self.base = (ROOT / options.base).read_text()
        if ROLES not in self.base or RATE not in self.base:
            sys.exit(f"{options.base}: it says `{ROLES} …`, where each arm says what it trains, and `{RATE}`")
        self.results = ROOT / options.results
        self.results.mkdir(parents=True, exist_ok=True)
        self.changed = threading.Condition()  # guards what follows, and the files of keep() and report()
        self.started = set()
        self.running = set()
        self.stopped = False  # nothing new is started
        self.failed = False

    def folder(self, arm, rate, seed):
        return self.place / f"{arm}-lr{rate}-s{seed}"

    def config(self, arm, rate, seed):
        folder = self.folder(arm, rate, seed)
        own = self.base.rstrip("\n").replace(ROLES, f"roles: {{ {ARMS[arm]}").replace(RATE, f"lr: {rate}")
        path = self.place / f"{folder.name}.yaml"
        path.write_text(own + f"\n  run: {folder}\n  arm: {arm}\n  seed: {seed}\n")
        return path

    def kept(self, arm, rate, seed):
        """What was kept of a run that is done, of this configuration; or None."""
        path = self.results / f"{self.folder(arm, rate, seed).name}.json"
        if not path.exists():
            return None
        kept = json.loads(path.read_text())
        return kept if kept["base"] == self.base else None

    def result(self, arm, rate, seed):
        kept = self.kept(arm, rate, seed)
        return kept["result"] if kept else None

    def keep(self, arm, rate, seed):
        folder = self.folder(arm, rate, seed)
        rows = [json.loads(line) for line in (folder / "test.jsonl").read_text().splitlines()]
        scores = {key: [round(row[key], 4) for row in rows] for key in ("em", "f1", "accuracy", "turns", "retrievals")}
        curve = []
        for line in (folder / "metrics.jsonl").read_text().splitlines():
            step = json.loads(line)
            for tag in ("dev/f1", "dev/turns", "dev/retrievals", "reward/mean"):
                if tag in step["scalars"]:
                    curve.append([step["step"], tag, round(step["scalars"][tag], 4)])
        kept = {"arm": arm, "rate": rate, "seed": seed, "base": self.base, "curve": curve,
                "result": json.loads((folder / "result.json").read_text()),
                "ids": [row["id"] for row in rows], "scores": scores}
        (self.results / f"{folder.name}.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n")

    def run(self, arm, rate, seed):
        """True when the run is done; False when time is up."""
        if self.result(arm, rate, seed):
            return True
        left = self.deadline - time.monotonic() if self.deadline else None
        if self.stopped or (left is not None and left < 30):
            return False
        print(f"{time.strftime('%H:%M:%S')} {arm}, rate {rate}, seed {seed}", flush=True)
        config = self.config(arm, rate, seed)
        log = open(self.place / f"{config.stem}.log", "ab")
        # In a session of its own: Ctrl-C reaches it once, by work_through().
        process = subprocess.Popen([self.options.jade, "train", str(config), "--resume"], cwd=ROOT, stdout=log,
                                   stderr=log, start_new_session=True)
        self.running.add(process)
        try:
            status = process.wait(timeout=left)
        except subprocess.TimeoutExpired:
            process.terminate()  # leaves a checkpoint
            process.wait()
            return False
        finally:
            self.running.discard(process)
        if status == 130:
            return False
        if status != 0:
            print(f"{config}: exit status {status}; see {log.name}", file=sys.stderr)
            self.failed = True
            return False
        with self.changed:
            self.keep(arm, rate, seed)
            self.report()
        return True

    def best_rate(self, arm):
        done = [(self.result(arm, rate, self.options.seeds[0]), rate) for rate in self.options.rates]
        if any(result is None for result, _ in done):
            return None
        return max(done, key=lambda item: item[0]["best_f1"])[1]

    def next(self):
        """The next run, None where it waits for the rate that another one under way decides, or False: there is none."""
        first, *others = self.options.seeds
        waiting = False
        for rate in self.options.rates:
            for arm in self.options.arms:
                if (arm, rate, first) not in self.started:
                    return arm, rate, first
        for seed in others:
            for arm in self.options.arms:
                rate = self.best_rate(arm)
                if rate is None:
                    waiting = True
                elif (arm, rate, seed) not in self.started:
                    return arm, rate, seed
        return None if waiting else False

    def work(self):
        """One of the jobs: a run after the other, until there is none or one did not come to its end."""
        while True:
            with self.changed:
                while not self.stopped and (of := self.next()) is None:
                    self.changed.wait()
                if self.stopped or not of:
                    return
                self.started.add(of)
            done = self.run(*of)
            with self.changed:
                self.stopped |= not done
                self.changed.notify_all()

    def work_through(self):
        threads = [threading.Thread(target=self.work) for _ in range(self.options.jobs)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            with self.changed:
                self.stopped = True
                self.changed.notify_all()
            for process in list(self.running):
                process.terminate()  # leaves a checkpoint
            for thread in threads:
                thread.join()
            raise

    def compare(self, a, b):
        runs = {}
        for arm in (a, b):
            rate = self.best_rate(arm)
            kept = [self.kept(arm, rate, seed) for seed in self.options.seeds] if rate else []
            runs[arm] = [run for run in kept if run]
        count = min(len(runs[a]), len(runs[b]))
        if count == 0:
            return None
        try:
            f1 = differences(self.options.jade, runs[b][:count], runs[a][:count])["f1"]
        except RuntimeError as error:
            return {"a": a, "b": b, "error": str(error)}
        return {"a": a, "b": b, "seeds": count, "difference": f1["difference"], "low": f1["low"], "high": f1["high"]}

    def report(self):
        rows = []
        for arm in self.options.arms:
            for rate in self.options.rates:
                for seed in self.options.seeds:
                    result = self.result(arm, rate, seed)
                    if result:
                        valid = [v for k, v in result.items() if re.fullmatch(r"test/role/.*/valid", k)]
                        rows.append({"arm": arm, "seed": seed, "lr": float(rate), "dev_f1": result["best_f1"],
                                     "test_f1": result.get("test/f1"), "test_em": result.get("test/em"),
                                     "turns": result.get("test/turns"), "retrievals": result.get("test/retrievals"),
                                     "valid_min": min(valid, default=None), "minutes": result["seconds"] / 60,
                                     "chosen": rate == self.best_rate(arm)})
        comparisons = [c for c in (self.compare(a, b) for a, b in PAIRS if {a, b} <= set(self.options.arms)) if c]
        ablation = {"rows": rows, "comparisons": comparisons}
        (self.place / "ablation.json").write_text(json.dumps(ablation, indent=1) + "\n")
        lines = []
        for arm in self.options.arms:
            chosen = [r for r in rows if r["arm"] == arm and r["chosen"]]
            if chosen:
                f1 = [r["test_f1"] for r in chosen]
                deviation = statistics.stdev(f1) if len(f1) > 1 else 0.0
                lines.append(f"{arm:18} rate {chosen[0]['lr']:g}  test F1 {statistics.mean(f1):.4f} ± {deviation:.4f} "
                             f"({len(f1)} seeds)  valid ≥ {min(r['valid_min'] for r in chosen):.3f}")
        lines += [json.dumps(c) for c in comparisons]
        (self.place / "summary.txt").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="?", default=str(ROOT / "build/joint"))
    parser.add_argument("--jade", default=str(ROOT / "build/release/jade"))
    parser.add_argument("--base", default="bench/joint/base.yaml")
    parser.add_argument("--results", default="bench/joint/results", help="where what runs came to is kept")
    parser.add_argument("--minutes", type=float, default=0, help="stop with a checkpoint after so long (0: go on to the end)")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side, of a thread each")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--rates", default=",".join(RATES))
    options = parser.parse_args()
    options.arms = options.arms.split(",")
    options.seeds = [int(seed) for seed in options.seeds.split(",")]
    options.rates = options.rates.split(",")
    unknown = [arm for arm in options.arms if arm not in ARMS]
    if unknown:
        parser.error(f"unknown arm {unknown[0]}; known are {', '.join(ARMS)}")
    if not os.access(options.jade, os.X_OK):
        parser.error(f"no {options.jade}: run scripts/build.sh first, or give --jade")
    if not (ROOT / "build/pretend/questions.jsonl").exists():
        subprocess.run([options.jade, "data", "pretend", *PRETEND], cwd=ROOT, check=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    queue = Queue(options)
    try:
        queue.work_through()
    except KeyboardInterrupt:
        print(f"interrupted; the runs under way left checkpoints in {queue.place}: the same command goes on from there",
              file=sys.stderr)
        sys.exit(130)
    queue.report()
    print((queue.place / "summary.txt").read_text(), end="")
    sys.exit(1 if queue.failed else 0)


if __name__ == "__main__":
    main()
