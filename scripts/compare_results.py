#!/usr/bin/env python3
"""Compares what two sets of runs came to that scripts/joint_experiment.py kept, a run with the run of its seed.

  scripts/compare_results.py RUNS OTHER [--jade PATH]
  scripts/compare_results.py 'bench/joint/results/planner-lr1e-4-*' 'bench/joint/results/joint-lr2e-4-*'

RUNS and OTHER are folders of kept runs or patterns of their names (in quotes), of one arm and rate each. Prints means of test
F1 over seeds, and the paired differences OTHER − RUNS with bootstrap intervals over questions and seeds (`jade eval --compare`).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from joint_experiment import ROOT, rows_of


def read(where):
    """The kept runs of a folder or of a pattern, by seed."""
    where = pathlib.Path(where)
    paths = where.glob("*.json") if where.is_dir() else where.parent.glob(where.name)
    runs = {}
    for path in sorted(paths):
        kept = json.loads(path.read_text())
        if kept["seed"] in runs:
            sys.exit(f"{where}: two runs of seed {kept['seed']}; name those of one arm and rate, as in '{where}/joint-lr2e-4-*'")
        runs[kept["seed"]] = kept
    if not runs:
        sys.exit(f"{where}: no kept runs; scripts/joint_experiment.py --results FOLDER keeps them")
    return runs


def test_f1(runs):
    """Mean and standard deviation over the runs."""
    f1 = [run["result"]["test/f1"] for run in runs]
    return statistics.mean(f1), statistics.stdev(f1) if len(f1) > 1 else 0.0


def differences(jade, runs, others):
    """By measure: the paired `difference` others − runs and the ends of its interval, `low` and `high`. Both in the same order
    of seeds."""
    with tempfile.TemporaryDirectory() as place:
        files = []
        for name, side in (("a", runs), ("b", others)):
            paths = [pathlib.Path(place) / f"{name}{at}.jsonl" for at in range(len(side))]
            for path, run in zip(paths, side):
                path.write_text(rows_of(run))
            files.append(",".join(map(str, paths)))
        done = subprocess.run([jade, "eval", "--compare", *files, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return json.loads(done.stdout)["measures"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs")
    parser.add_argument("other")
    parser.add_argument("--jade", default=str(ROOT / "build/release/jade"))
    options = parser.parse_args()
    a, b = read(options.runs), read(options.other)
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        sys.exit("the two have no seed in common")
    sides = [[runs[seed] for seed in seeds] for runs in (a, b)]
    for where, runs in zip((options.runs, options.other), sides):
        mean, deviation = test_f1(runs)
        minutes = statistics.mean(run["result"]["seconds"] for run in runs) / 60
        print(f"{where}: test F1 {mean:.4f} ± {deviation:.4f} ({len(seeds)} seeds), {minutes:.1f} minutes a run")
    measures = differences(options.jade, *sides)
    for measure in ("f1", "em", "accuracy", "turns", "retrievals"):
        row = measures[measure]
        print(f"  {measure:10} {row['difference']:+.4f}  ({row['low']:+.4f} to {row['high']:+.4f})")


if __name__ == "__main__":
    main()
