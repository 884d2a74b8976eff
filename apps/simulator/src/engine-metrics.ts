import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Tokens in one block of the KV cache, vLLM's default. */
const blockSize = 16;

/** Model names that get series of their own; the rest share one, so that memory stays bounded. */
const maxModels = 100;

/** How an ended call is counted. */
interface EndedCall {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly latencySeconds: number;
  readonly firstTokenSeconds: number;
  readonly finishReason: "stop" | "length" | "abort";
}

/** The series of one model, under vLLM's names. */
interface ModelMetrics {
  queued(): void;
  unqueued(): void;
  /** A call took a slot; its prompt and answer hold `tokens` of the KV cache. */
  started(tokens: number): void;
  stopped(tokens: number): void;
  ended(call: EndedCall): void;
}

/** What vLLM serves at `/metrics`, as far as routers read it. */
export interface EngineMetrics {
  readonly contentType: string;
  forModel(model: string): ModelMetrics;
  render(): Promise<string>;
}

/** Metrics of an engine with `kvBlocks` blocks; `models` have series from the start. */
export function createEngineMetrics(kvBlocks: number, models: readonly string[]): EngineMetrics {
  const registry = new Registry();
  const series = createSeries(registry, kvBlocks);
  const known = new Map<string, ModelMetrics>();
  const forModel = (model: string): ModelMetrics => {
    const found = known.get(model);
    if (found !== undefined) return found;
    if (known.size >= maxModels && model !== "other") return forModel("other");
    const made = series(model);
    known.set(model, made);
    return made;
  };
  for (const model of models) forModel(model);
  return { contentType: registry.contentType, forModel, render: () => registry.metrics() };
}

const latencyBuckets = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960];
const firstTokenBuckets = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];

function createSeries(registry: Registry, kvBlocks: number): (model: string) => ModelMetrics {
  const shared = { labelNames: ["model_name"], registers: [registry] };
  const running = new Gauge({ name: "vllm:num_requests_running", help: "Requests being served.", ...shared });
  const waiting = new Gauge({
    name: "vllm:num_requests_waiting",
    help: "Requests waiting for a slot.",
    ...shared,
  });
  const cache = new Gauge({ name: "vllm:kv_cache_usage_perc", help: "KV-cache use, 1 is full.", ...shared });
  const prompt = new Counter({ name: "vllm:prompt_tokens_total", help: "Prompt tokens served.", ...shared });
  const generation = new Counter({
    name: "vllm:generation_tokens_total",
    help: "Tokens generated.",
    ...shared,
  });
  const labelNames = ["model_name", "finished_reason"];
  const success = new Counter({
    name: "vllm:request_success_total",
    help: "Requests served.",
    ...shared,
    labelNames,
  });
  const latency = new Histogram({
    name: "vllm:e2e_request_latency_seconds",
    help: "Latency of a request.",
    buckets: latencyBuckets,
    ...shared,
  });
  const firstToken = new Histogram({
    name: "vllm:time_to_first_token_seconds",
    help: "Time to the first token.",
    buckets: firstTokenBuckets,
    ...shared,
  });
  const config = { name: "vllm:cache_config_info", help: "KV-cache configuration.", registers: [registry] };
  const info = new Gauge({ ...config, labelNames: ["block_size", "num_gpu_blocks"] });
  info.set({ block_size: String(blockSize), num_gpu_blocks: String(kvBlocks) }, 1);
  return (model_name) => {
    const own = { model_name };
    const [runningHere, waitingHere, cacheHere] = [
      running.labels(own),
      waiting.labels(own),
      cache.labels(own),
    ];
    for (const gauge of [runningHere, waitingHere, cacheHere]) gauge.set(0);
    const [promptHere, generationHere] = [prompt.labels(own), generation.labels(own)];
    for (const counter of [promptHere, generationHere]) counter.inc(0);
    const [latencyHere, firstTokenHere] = [latency.labels(own), firstToken.labels(own)];
    let blocks = 0;
    const hold = (tokens: number, sign: 1 | -1): void => {
      blocks += sign * Math.ceil(tokens / blockSize);
      cacheHere.set(Math.min(1, blocks / kvBlocks));
    };
    return {
      queued: () => waitingHere.inc(),
      unqueued: () => waitingHere.dec(),
      started(tokens) {
        runningHere.inc();
        hold(tokens, 1);
      },
      stopped(tokens) {
        runningHere.dec();
        hold(tokens, -1);
      },
      ended(call) {
        success.inc({ model_name, finished_reason: call.finishReason });
        if (call.finishReason === "abort") return;
        promptHere.inc(call.inputTokens);
        generationHere.inc(call.outputTokens);
        latencyHere.observe(call.latencySeconds);
        firstTokenHere.observe(call.firstTokenSeconds);
      },
    };
  };
}
