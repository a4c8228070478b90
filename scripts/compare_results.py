#!/usr/bin/env python3
"""Compares what two sets of runs came to that scripts/joint_experiment.py kept, a run with the run of its seed.

  scripts/compare_results.py RUNS OTHER [--jade PATH]
  scripts/compare_results.py 'bench/joint/results/planner-lr1e-4-*' 'bench/joint/results/joint-lr2e-4-*'

RUNS and OTHER are folders of kept runs or patterns of their names (in quotes), of one arm and rate each. Prints means of test
F1 over seeds, and the paired differences OTHER − RUNS with bootstrap intervals over questions and seeds (`jade eval --compare`).
"""
import argparse
import json
import os
import pathlib
import statistics
import sys

from joint_experiment import ROOT, differences


def read(where):
    """The kept runs of a folder or of a pattern, by seed."""
    where = pathlib.Path(where)
    paths = where.glob("*.json") if where.is_dir() else where.parent.glob(where.name)
    runs = {}
    for path in sorted(paths):
        try:
            kept = json.loads(path.read_text())
            kept["seed"], kept["result"]["test/f1"], kept["ids"], kept["scores"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.exit(f"{path}: no run that scripts/joint_experiment.py kept ({type(error).__name__}: {error})")
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs")
    parser.add_argument("other")
    parser.add_argument("--jade", default=str(ROOT / "build/release/jade"))
    options = parser.parse_args()
    if not os.access(options.jade, os.X_OK):
        parser.error(f"no {options.jade}: run scripts/build.sh first, or give --jade")
    a, b = read(options.runs), read(options.other)
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        sys.exit("the two have no seed in common")
    sides = [[runs[seed] for seed in seeds] for runs in (a, b)]
    for where, runs in zip((options.runs, options.other), sides):
        mean, deviation = test_f1(runs)
        minutes = statistics.mean(run["result"]["seconds"] for run in runs) / 60
        print(f"{where}: test F1 {mean:.4f} ± {deviation:.4f} ({len(seeds)} seeds), {minutes:.1f} minutes a run")
    try:
        measures = differences(options.jade, *sides)
    except RuntimeError as error:
        sys.exit(str(error))
    for measure in ("f1", "em", "accuracy", "turns", "retrievals"):
        row = measures[measure]
        print(f"  {measure:10} {row['difference']:+.4f}  ({row['low']:+.4f} to {row['high']:+.4f})")


if __name__ == "__main__":
    main()
