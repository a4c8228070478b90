"""The table of scripts/bench_langgraph.sh: medians of three rounds, and their ratio to `call.tier0.whole.us`."""

import json
import statistics
import sys

ROUNDS = (1, 2, 3)


def rounds(folder, name):
    for number in ROUNDS:
        with open(f"{folder}/{name}.{number}.json", encoding="utf-8") as file:
            yield json.load(file)


def figures(report):
    """By name, of `jade bench compiler --json`, whichever way it lists them."""
    listed = report.get("figures", report) if isinstance(report, dict) else report
    if isinstance(listed, dict):
        return {name: value["value"] if isinstance(value, dict) else value for name, value in listed.items()}
    return {figure["name"]: figure["value"] for figure in listed}


def main():
    folder, *others = sys.argv[1:]
    jade = [figures(report) for report in rounds(folder, "jade")]
    rows = []
    for name in ("call.tier0.us", "call.tier1.us", "call.tier0.whole.us", "call.tier1.whole.us"):
        values = [report[name] for report in jade if name in report]
        if values:
            rows.append((f"JADE `{name}`", statistics.median(values)))
    whole = statistics.median(report["call.tier0.whole.us"] for report in jade)
    for other, short in zip(others, ("js", "py")):
        label, there = other.split("=")
        if there:
            rows.append((label, statistics.median(report["median_us"] for report in rounds(folder, short))))
    print("| ten steps in a row | us a step | against a whole call of JADE |\n|---|---|---|")
    for label, value in rows:
        print(f"| {label} | {value:.2f} | {value / whole:.2f} |")


main()
