#!/usr/bin/env python3
"""docs/results.md says what the kept runs of bench/joint/results came to: the tables' scores, means, deviations and paired
differences are computed from the kept files again, and must stand in the document as they come out.

  tests/results/run.py --jade PATH
"""
import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from compare_results import differences, read, test_f1  # noqa: E402
from joint_experiment import ARMS  # noqa: E402

KEPT = ROOT / "bench/joint/results"
RATES = ("2e-4", "1e-4", "4e-4")
ESTIMATORS = ("counterfactual", "graph_gae", "gae")


def points(value, digits=1):
    """A difference of F1 in points, with the document's minus."""
    return f"{100 * value:.{digits}f}".replace("-", "−")


def dev_f1(run):
    """Dev F1 where it was measured, the start's first."""
    return [value for _, tag, value in run["curve"] if tag == "dev/f1"]


class Document:
    def __init__(self, path, jade):
        # Bold, line breaks and the places of columns do not matter.
        self.text = " ".join(path.read_text().replace("**", "").split())
        self.jade = jade
        self.count = 0
        self.wrong = []

    def says(self, what):
        self.count += 1
        if what not in self.text:
            self.wrong.append(what)

    def says_difference(self, before, runs, others, after=""):
        row = differences(self.jade, list(runs), list(others))["f1"]
        sign = "+" if row["difference"] > 0 else ""
        self.says(f"{before}{sign}{points(row['difference'])} ({points(row['low'])} to {points(row['high'])}){after}")


def check_arms(document):
    chosen = {}
    for arm in ARMS:
        tried = [rate for rate in RATES if any(KEPT.glob(f"{arm}-lr{rate}-s1.json"))]
        if len(tried) < len(RATES):
            continue
        first = {rate: read(KEPT / f"{arm}-lr{rate}-s1.json")[1] for rate in RATES}
        rate = max(RATES, key=lambda rate: first[rate]["result"]["best_f1"])
        chosen[arm] = read(KEPT / f"{arm}-lr{rate}-s*.json")
        mean, deviation = test_f1(chosen[arm].values())
        document.says(f"{arm} {mean:.4f} ± {deviation:.4f}")
        for run in [*chosen[arm].values(), *(first[other] for other in RATES if other != rate)]:
            dev = ", ".join(f"{value:.3f}" for value in dev_f1(run)[1:])
            result = run["result"]
            document.says(f"| {arm}, {run['rate']}, {run['seed']} | {dev} | {result['test/f1']:.3f}, {result['test/em']:.3f} |")
    words = {1: "one seed", 2: "two seeds", 3: "three seeds"}
    for arm, runs in chosen.items():
        if arm != "joint":
            seeds = sorted(runs.keys() & chosen["joint"].keys())
            document.says_difference(f"| joint − {arm}, {words[len(seeds)]} | ", [runs[seed] for seed in seeds],
                                     [chosen["joint"][seed] for seed in seeds], " |")


def check_estimators(document):
    runs = {name: read(KEPT / "estimators" / name) for name in ("groups", *ESTIMATORS)}
    for name, of_seeds in runs.items():
        dev = ", ".join(f"{dev_f1(run)[-1]:.3f}" for run in of_seeds.values())
        mean, deviation = test_f1(of_seeds.values())
        minutes = sum(run["result"]["seconds"] for run in of_seeds.values()) / 60 / len(of_seeds)
        document.says(f"| {dev} | {mean:.3f} ± {deviation:.3f} | {minutes:.1f} |")
    for name in ("groups", "counterfactual", "graph_gae"):
        document.says_difference("| ", runs["gae"].values(), runs[name].values(), " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jade", required=True)
    options = parser.parse_args()
    document = Document(ROOT / "docs/results.md", options.jade)
    check_arms(document)
    check_estimators(document)
    for line in document.wrong:
        print(f"docs/results.md does not say `{line}`, which is what bench/joint/results comes to", file=sys.stderr)
    print(f"{document.count - len(document.wrong)} of {document.count} figures of docs/results.md are those of the kept runs")
    sys.exit(1 if document.wrong else 0)


if __name__ == "__main__":
    main()
