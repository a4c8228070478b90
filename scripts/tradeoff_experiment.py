#!/usr/bin/env python3
"""What a price of turns and retrievals does to a trained team: the joint arm goes on with alpha = beta = each weight.

  scripts/tradeoff_experiment.py --from build/joint/joint-lr2e-4-s1/best [WORK_FOLDER] [--jobs N] [--minutes N]

Of every weight and seed a run of bench/joint/tradeoff.yaml; a run that was cut off is made again, one that is done is
not. What the last model of each came to on dev is kept in bench/joint/results/tradeoff.jsonl; WORK_FOLDER/tradeoff.svg shows F1
over turns and over retrievals. Prints the rank correlations (Spearman's, over all runs) of the weight with both.
Needs nothing but Python 3 and a built `jade`.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEPT = ROOT / "bench/joint/results/tradeoff.jsonl"
COLOURS = ["#0072b2", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#56b4e9"]  # Okabe and Ito


def ranks(values):
    """Ranks from 1, equal values sharing the mean of theirs."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    out = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for i in order[begin:end]:
            out[i] = (begin + 1 + end) / 2
        begin = end
    return out


def spearman(x, y):
    """None where one of them is all equal."""
    rx, ry = ranks(x), ranks(y)
    if len(set(rx)) < 2 or len(set(ry)) < 2:
        return None
    return statistics.correlation(rx, ry)


def run(options, weight, seed):
    """The figures of a run, or None when it failed or time was up."""
    folder = options.work / f"w{weight}-s{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    base = options.base.replace("MODEL", str(pathlib.Path(options.start).resolve()))
    config = options.work / f"{folder.name}.yaml"
    config.write_text(f"{base}  run: {folder}\n  arm: price {weight}\n  seed: {seed}\n"
                      f"params: {{ alpha: {weight}, beta: {weight} }}\n")
    left = options.deadline - time.monotonic() if options.deadline else None
    if left is not None and left < 30:
        return None
    print(f"{time.strftime('%H:%M:%S')} weight {weight}, seed {seed}", flush=True)
    with open(options.work / f"{folder.name}.log", "wb") as log:
        try:
            done = subprocess.run([options.jade, "train", str(config)], cwd=ROOT, stdout=log, stderr=log, timeout=left)
        except subprocess.TimeoutExpired:
            return None
    if done.returncode != 0:
        print(f"{config}: exit status {done.returncode}; see {log.name}", file=sys.stderr)
        return None
    steps = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    first, *_, last = [s for s in steps if "dev/f1" in s["scalars"]]
    row = {"weight": weight, "seed": seed, "start": options.start, "base": options.base, "steps": last["step"]}
    for name, step in (("first", first), ("last", last)):
        row[name] = {key: round(step["scalars"][f"dev/{key}"], 4) for key in ("f1", "em", "turns", "retrievals", "reward")}
    return row


def panel(rows, key, left):
    """F1 over `key`: a point a run, and a line through the means of the weights."""
    xs, ys = [r["last"][key] for r in rows], [r["last"]["f1"] for r in rows]
    low_x, high_x = min(xs) - 0.05, max(xs) + 0.05
    low_y, high_y = min(ys) - 0.02, max(ys) + 0.02
    at = lambda x, y: (left + 50 + 300 * (x - low_x) / (high_x - low_x), 260 - 220 * (y - low_y) / (high_y - low_y))
    out = [f'<path d="M{left + 50} 40V260H{left + 350}" fill="none" stroke="#888"/>']
    for i in range(5):
        x, y = low_x + (high_x - low_x) * i / 4, low_y + (high_y - low_y) * i / 4
        out.append(f'<text x="{at(x, 0)[0]:.1f}" y="276" text-anchor="middle">{x:.2f}</text>')
        out.append(f'<text x="{left + 44}" y="{at(0, y)[1] + 4:.1f}" text-anchor="end">{y:.2f}</text>')
    out.append(f'<text x="{left + 200}" y="296" text-anchor="middle">{key} a question</text>')
    out.append(f'<text x="{left + 50}" y="28">F1 on dev</text>')
    weights = sorted({r["weight"] for r in rows})
    means = [at(statistics.mean(r["last"][key] for r in rows if r["weight"] == w),
                statistics.mean(r["last"]["f1"] for r in rows if r["weight"] == w)) for w in weights]
    out.append('<polyline fill="none" stroke="#888" stroke-dasharray="4 3" points="'
               + " ".join(f"{x:.1f},{y:.1f}" for x, y in means) + '"/>')
    for r in rows:
        x, y = at(r["last"][key], r["last"]["f1"])
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{COLOURS[weights.index(r["weight"]) % len(COLOURS)]}" '
                   f'fill-opacity="0.8"><title>weight {r["weight"]}, seed {r["seed"]}</title></circle>')
    return out


def draw(rows, path):
    weights = sorted({r["weight"] for r in rows})
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 330" font-family="sans-serif" font-size="11">',
           '<rect width="760" height="330" fill="#fff"/>']
    out += panel(rows, "turns", 0) + panel(rows, "retrievals", 380)
    for i, weight in enumerate(weights):
        out.append(f'<circle cx="{60 + 150 * i}" cy="315" r="5" fill="{COLOURS[i % len(COLOURS)]}"/>'
                   f'<text x="{70 + 150 * i}" y="319">alpha = beta = {weight}</text>')
    path.write_text("\n".join(out + ["</svg>"]) + "\n")


def weights(text):
    return [float(part) for part in text.split(",")]


def seeds(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", nargs="?", type=pathlib.Path, default=ROOT / "build/tradeoff")
    parser.add_argument("--from", dest="start", required=True, help="the model that all runs go on from")
    parser.add_argument("--jade", default=str(ROOT / "build/release/jade"))
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side, of a thread each")
    parser.add_argument("--minutes", type=float, default=0, help="start and leave no run after so long (0: no limit)")
    parser.add_argument("--weights", type=weights, default="0,0.1,0.3,0.9")
    parser.add_argument("--seeds", type=seeds, default="1,2,3")
    options = parser.parse_args()
    if not os.access(options.jade, os.X_OK):
        parser.error(f"no {options.jade}: run scripts/build.sh first, or give --jade")
    if not pathlib.Path(options.start).is_dir():
        parser.error(f"no model in {options.start}: run scripts/joint_experiment.py first, or name another folder")
    options.work.mkdir(parents=True, exist_ok=True)
    options.deadline = time.monotonic() + 60 * options.minutes if options.minutes else None
    options.base = (ROOT / "bench/joint/tradeoff.yaml").read_text()
    kept = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    rows = [r for r in kept if (r["start"], r["base"]) == (options.start, options.base)]
    done = {(r["weight"], r["seed"]) for r in rows}
    wanted = [(weight, seed) for seed in options.seeds for weight in options.weights]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(run, options, *of) for of in wanted if of not in done]
        try:
            for job in concurrent.futures.as_completed(jobs):
                if job.result() is None:
                    continue
                rows.append(job.result())
                rows.sort(key=lambda r: (r["weight"], r["seed"]))
                KEPT.parent.mkdir(parents=True, exist_ok=True)
                KEPT.write_text("".join(json.dumps(r) + "\n" for r in rows))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not rows:
        sys.exit("nothing was measured")
    draw(rows, options.work / "tradeoff.svg")
    for weight in sorted({r["weight"] for r in rows}):
        of = [r["last"] for r in rows if r["weight"] == weight]
        print(f"weight {weight:g}: " + ", ".join(f"{key} {statistics.mean(o[key] for o in of):.3f}"
                                                 for key in ("f1", "turns", "retrievals")) + f" ({len(of)} seeds)")
    for key in ("turns", "retrievals"):
        value = spearman([r["weight"] for r in rows], [r["last"][key] for r in rows])
        print(f"rank correlation of the weight with {key}: {value if value is None else round(value, 3)}")


if __name__ == "__main__":
    main()
