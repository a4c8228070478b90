#!/usr/bin/env python3
"""Compares what two sets of runs came to that scripts/joint_experiment.py kept, a run with the run of its seed.

  scripts/compare_results.py FOLDER OTHER [--jade PATH]

FOLDER and OTHER hold kept runs (ARM-lrRATE-sSEED.json), of one arm and rate each. Prints means of test F1 over seeds, and
the paired differences OTHER − FOLDER with bootstrap intervals over questions and seeds (`jade eval --compare`).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from joint_experiment import ROOT, rows_of


def read(folder):
    """The kept runs of a folder by seed."""
    runs = {}
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        kept = json.loads(path.read_text())
        if kept["seed"] in runs:
            sys.exit(f"{folder}: two runs of seed {kept['seed']}; keep those of one arm and rate in a folder of their own")
        runs[kept["seed"]] = kept
    if not runs:
        sys.exit(f"{folder}: no kept runs (*.json); scripts/joint_experiment.py --results {folder} keeps them")
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("other")
    parser.add_argument("--jade", default=str(ROOT / "build/release/jade"))
    options = parser.parse_args()
    sets = [read(options.folder), read(options.other)]
    seeds = sorted(sets[0].keys() & sets[1].keys())
    if not seeds:
        sys.exit("the two have no seed in common")
    for folder, runs in zip((options.folder, options.other), sets):
        f1 = [runs[seed]["result"]["test/f1"] for seed in seeds]
        deviation = statistics.stdev(f1) if len(f1) > 1 else 0.0
        minutes = statistics.mean(runs[seed]["result"]["seconds"] for seed in seeds) / 60
        print(f"{folder}: test F1 {statistics.mean(f1):.4f} ± {deviation:.4f} ({len(f1)} seeds), {minutes:.1f} minutes a run")
    with tempfile.TemporaryDirectory() as place:
        files = []
        for name, runs in zip("ab", sets):
            paths = [pathlib.Path(place) / f"{name}{seed}.jsonl" for seed in seeds]
            for path, seed in zip(paths, seeds):
                path.write_text(rows_of(runs[seed]))
            files.append(",".join(map(str, paths)))
        done = subprocess.run([options.jade, "eval", "--compare", *files, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    measures = json.loads(done.stdout)["measures"]
    for measure in ("f1", "em", "accuracy", "turns", "retrievals"):
        row = measures[measure]
        print(f"  {measure:10} {row['difference']:+.4f}  ({row['low']:+.4f} to {row['high']:+.4f})")


if __name__ == "__main__":
    main()
