// Ten nodes in a row that answer at once: microseconds of LangGraph.js for a node. Prints JSON.
// usage: node chain.mjs [RUNS a sample] [SAMPLES]; @langchain/langgraph stands in node_modules of the working directory.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "package.json"));
const { Annotation, StateGraph, START, END } = await import(pathToFileURL(require.resolve("@langchain/langgraph")));

const kNodes = 10;
const runs = Number(process.argv[2] ?? 300);
const samples = Number(process.argv[3] ?? 9);

const State = Annotation.Root({ text: Annotation });
let graph = new StateGraph(State);
for (let i = 0; i < kNodes; ++i) graph = graph.addNode(`step${i}`, async (state) => ({ text: state.text }));
graph = graph.addEdge(START, "step0");
for (let i = 1; i < kNodes; ++i) graph = graph.addEdge(`step${i - 1}`, `step${i}`);
const chain = graph.addEdge(`step${kNodes - 1}`, END).compile();

async function sample() {
  const start = process.hrtime.bigint();
  for (let i = 0; i < runs; ++i) {
    const { text } = await chain.invoke({ text: "x" });
    if (text !== "x") throw new Error("the chain gave something else");
  }
  return Number(process.hrtime.bigint() - start) / 1e3 / runs / kNodes;
}

await sample(); // warms up
const times = [];
for (let i = 0; i < samples; ++i) times.push(await sample());
times.sort((a, b) => a - b);
console.log(JSON.stringify({ median_us: times[Math.floor(samples / 2)], min_us: times[0] }));
