#!/usr/bin/env python3
"""Checks that includes point down: cli -> runtime -> compiler, each outside library in its own room, no cycles.

Reads the `#include` lines of tracked sources. Exit status 1 and one line for each wrong include.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYER = {"compiler": 0, "runtime": 1, "bench": 1, "cli": 2, "tests": 3}
# Library header -> the rooms that may include it.
WALLS = {
    r"antlr4|(generated/|grammar/)?Jade(Lexer|Parser)": ("compiler/parse", "grammar"),
    r"torch/|ATen/|c10/": ("runtime/backbone", "runtime/encoder", "runtime/train"),
    r"faiss/": ("runtime/dense",),
    r"sqlite3\.h": ("runtime/sqlite",),
    r"yaml-cpp/": ("runtime/config",),
    r"llvm/": ("compiler/codegen", "runtime/jit"),
    r"CLI/": ("cli", "cli/repl"),
    r"histedit\.h": ("cli/line",),
    r"curl/": ("runtime/http",),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def room_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def find_cycle(graph):
    state, stack = {}, []

    def visit(node):
        state[node] = "open"
        stack.append(node)
        for to in sorted(graph.get(node, ())):
            if state.get(to) == "open":
                return stack[stack.index(to):] + [to]
            if to not in state:
                cycle = visit(to)
                if cycle:
                    return cycle
        state[node] = "closed"
        stack.pop()
        return None

    for node in sorted(graph):
        if node not in state:
            cycle = visit(node)
            if cycle:
                return cycle
    return None


def main():
    listed = subprocess.run(["git", "ls-files", "*.h", "*.cpp"], cwd=ROOT, capture_output=True, text=True, check=True)
    problems, graph = [], {}
    for path in listed.stdout.split():
        top, room = path.split("/")[0], room_of(path)
        is_test = path.endswith("_test.cpp") or top == "tests"
        for quote, header in INCLUDE.findall((ROOT / path).read_text(encoding="utf-8")):
            for pattern, rooms in WALLS.items():
                if re.match(pattern, header) and room not in rooms:
                    problems.append(f"{path}: `{header}` may be included only in {', '.join(rooms)}")
            target = header.split("/")[0]
            if quote == '"' and target in LAYER:
                if LAYER[target] > LAYER.get(top, 3):
                    problems.append(f"{path}: `{header}` points up from {top} to {target}")
                if room_of(header) != room and not is_test:
                    graph.setdefault(room, set()).add(room_of(header))
    cycle = find_cycle(graph)
    if cycle:
        problems.append("rooms include each other in a cycle: " + " -> ".join(cycle))
    for problem in problems:
        print(f"check_includes: {problem}", file=sys.stderr)
    if not problems:
        print(f"check_includes: {len(graph)} rooms, all includes point down")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
