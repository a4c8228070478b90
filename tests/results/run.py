#!/usr/bin/env python3
"""docs/results.md and README.md say what the kept runs of bench/joint/results came to: the tables' scores, means, deviations and
paired differences are computed from the kept files again, and must stand in the documents as they come out.

  tests/results/run.py --jade PATH
"""
import argparse
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from compare_results import read, test_f1  # noqa: E402
from joint_experiment import ARMS, RATES, differences  # noqa: E402

KEPT = ROOT / "bench/joint/results"
IN_README = {"executors": "executors only", "planner": "planner only", "joint": "both, jointly"}
ESTIMATORS = ("counterfactual", "graph_gae", "gae")


def points(value):
    """A difference of F1 in points, with the document's minus."""
    return f"{100 * value:.1f}".replace("-", "−")


def dev_f1(run):
    """Dev F1 where it was measured, the start's first."""
    return [value for _, tag, value in run["curve"] if tag == "dev/f1"]


class Document:
    def __init__(self, path, jade):
        # Bold, line breaks and the places of columns do not matter.
        self.name = str(path.relative_to(ROOT))
        self.text = " ".join(path.read_text().replace("**", "").split())
        self.jade = jade
        self.count = 0
        self.wrong = []

    def says(self, what):
        self.count += 1
        if what not in self.text:
            self.wrong.append(what)

    def says_difference(self, before, runs, others):
        row = differences(self.jade, list(runs), list(others))["f1"]
        sign = "+" if row["difference"] > 0 else ""
        self.says(f"{before}{sign}{points(row['difference'])} ({points(row['low'])} to {points(row['high'])}) |")


def check_arms(document, readme):
    chosen = {}
    for arm in ARMS:
        first = {rate: read(KEPT / f"{arm}-lr{rate}-s1.json")[1] for rate in RATES}
        rate = max(RATES, key=lambda rate: first[rate]["result"]["best_f1"])
        chosen[arm] = read(KEPT / f"{arm}-lr{rate}-s*.json")
        mean, deviation = test_f1(chosen[arm].values())
        document.says(f"{arm} {mean:.4f} ± {deviation:.4f}")
        for run in [*chosen[arm].values(), *(first[other] for other in RATES if other != rate)]:
            dev = ", ".join(f"{value:.3f}" for value in dev_f1(run)[1:])
            result = run["result"]
            document.says(f"| {arm}, {run['rate']}, {run['seed']} | {dev} | {result['test/f1']:.3f}, {result['test/em']:.3f} |")
    for arm, words in IN_README.items():
        mean, deviation = test_f1(chosen[arm].values())
        turns = statistics.mean(run["result"]["test/turns"] for run in chosen[arm].values())
        readme.says(f"| {words} | {mean:.3f} ± {deviation:.3f} | {turns:.2f} |")
    for arm in ARMS:
        if arm != "joint":
            document.says_difference(f"| joint − {arm}, three seeds | ", chosen[arm].values(), chosen["joint"].values())


def check_estimators(document):
    runs = {name: read(KEPT / "estimators" / name) for name in ("groups", *ESTIMATORS)}
    for name, of_seeds in runs.items():
        dev = ", ".join(f"{dev_f1(run)[-1]:.3f}" for run in of_seeds.values())
        mean, deviation = test_f1(of_seeds.values())
        minutes = sum(run["result"]["seconds"] for run in of_seeds.values()) / 60 / len(of_seeds)
        document.says(f"| {dev} | {mean:.3f} ± {deviation:.3f} | {minutes:.1f} |")
    for name in ("groups", "counterfactual", "graph_gae"):
        document.says_difference("| ", runs["gae"].values(), runs[name].values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jade", required=True)
    options = parser.parse_args()
    results, readme = (Document(ROOT / name, options.jade) for name in ("docs/results.md", "README.md"))
    check_arms(results, readme)
    check_estimators(results)
    for document in (results, readme):
        for line in document.wrong:
            print(f"{document.name} does not say `{line}`, which is what bench/joint/results comes to", file=sys.stderr)
        right = document.count - len(document.wrong)
        print(f"{right} of {document.count} figures of {document.name} are those of the kept runs")
    sys.exit(1 if results.wrong or readme.wrong else 0)


if __name__ == "__main__":
    main()
