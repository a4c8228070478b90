#!/usr/bin/env python3
"""The table of bench_questions.sh: reads summary.json and, where there is one, perf.txt of a folder, and writes
shares.json beside them.

A line of perf.txt is `overhead|library|symbol`. Each is counted once, for the first part in PARTS whose pattern it
matches; what matches none is the rest.
"""
import json
import pathlib
import re
import sys

# Symbols and libraries by what they are part of.
BACKBONE = r"jade::backbone::(\(anonymous namespace\)::)?"
PARTS = [
    ("loading of programs", r"ld-linux"),
    ("SQLite", r"libsqlite3|jade::(sqlite|trace|retrieve)::"),
    ("tokenizer", r"jade::tokenizer::|" + BACKBONE + r"RenderObservation"),
    ("constraints", r"jade::constrain::"),
    ("scheduler", BACKBONE + r"(Scheduler|Threaded|EngineLoop|BlockPool|PrefixTree|RoleStarts|Call::|StopText)"),
    ("sampler", r"jade::backbone::.*(Sample|LogSumExp|Highest|RandomStream)"),
    ("waiting for a thread", r"kernels::Member::Barrier|kernels::Team::|sched_yield"),
    ("kernels", r"libtorch|libopenblas|libblas|libdnnl|libmkldnn|jade::kernels::|jade::backbone::|libgomp|libc10|libmvec"),
    ("compiler", r"libantlr4|antlr4|jade::(abi|ast|bounds|diag|format|ir|lower|parse|passes|sema|source|types)::"),
    ("orchestration", r"jade::"),
    ("libc, libstdc++", r"libc\.so|libstdc\+\+|libm\.so"),
    ("kernel of the system", r"\[kernel|\[k\]"),
]


def shares(lines):
    """Percent of the samples, by part; and the symbols that the rest consists of."""
    sums, rest = {}, {}
    for line in lines:
        fields = [field.strip() for field in line.split("|", 2)]
        match = re.match(r"([0-9.]+)%", fields[0])
        if len(fields) < 3 or not match:
            continue
        percent = float(match.group(1))
        where = fields[1] + " " + fields[2]
        for part, pattern in PARTS:
            if re.search(pattern, where):
                break
        else:
            part = "rest"
            rest[where] = rest.get(where, 0) + percent
        sums[part] = sums.get(part, 0) + percent
    largest = dict(sorted(rest.items(), key=lambda item: -item[1])[:10])
    return sums, largest


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: bench_questions.py FOLDER")
    folder = pathlib.Path(sys.argv[1])
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for name in ("questions", "failed", "seconds_per_question", "calls", "tokens", "prompt_tokens", "em", "f1", "turns",
                 "retrievals"):
        print(f"{name:<24} {summary[name]:.4g}")
    for name, value in summary.get("engine", {}).items():
        text = f"{100 * value:.2f} %" if name.endswith("_share") else f"{value:.6g}"
        print(f"{'engine ' + name:<24} {text}")
    perf = folder / "perf.txt"
    if not perf.exists():
        return
    with perf.open(encoding="utf-8", errors="replace") as lines:
        parts, rest = shares(lines)
    for part, percent in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"{part:<24} {percent:.1f} % of the processor's time")
    (folder / "shares.json").write_text(json.dumps({"parts": parts, "rest": rest}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
