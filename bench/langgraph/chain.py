"""Ten nodes in a row that answer at once: microseconds of LangGraph for a node. Prints JSON.

usage: chain.py [RUNS a sample] [SAMPLES]
"""

import json
import sys
import time
from typing import TypedDict

from langgraph.graph import END, START, StateGraph

NODES = 10


class State(TypedDict):
    text: str


def compiled():
    graph = StateGraph(State)
    for i in range(NODES):
        graph.add_node(f"step{i}", lambda state: {"text": state["text"]})
    graph.add_edge(START, "step0")
    for i in range(1, NODES):
        graph.add_edge(f"step{i - 1}", f"step{i}")
    graph.add_edge(f"step{NODES - 1}", END)
    return graph.compile()


def sample(chain, runs):
    start = time.perf_counter()
    for _ in range(runs):
        if chain.invoke({"text": "x"})["text"] != "x":
            raise RuntimeError("the chain gave something else")
    return (time.perf_counter() - start) * 1e6 / runs / NODES


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    samples = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    chain = compiled()
    sample(chain, runs)  # warms up
    times = sorted(sample(chain, runs) for _ in range(samples))
    print(json.dumps({"median_us": times[samples // 2], "min_us": times[0]}))


main()
