/** What is read of an engine. */
export const quantities = ["waiting", "running", "kvCacheUsage", "gpuUtilisation", "gpuMemoryUsed"] as const;

export type Quantity = (typeof quantities)[number];

/** Specs by quantity; the first that the page has is read. */
export type MetricNames = Readonly<Partial<Record<Quantity, readonly string[]>>>;

/** Kinds of engines whose metrics are known. `custom` says all of them itself. */
export type EngineKind = "vllm" | "sglang" | "trtllm" | "triton" | "tgi" | "custom";

const tritonGpu = { gpuUtilisation: ["nv_gpu_utilization"] } as const;

/** The names that engines give their load, newest first. */
export const presets: Readonly<Record<EngineKind, MetricNames>> = {
  vllm: {
    waiting: ["vllm:num_requests_waiting"],
    running: ["vllm:num_requests_running"],
    kvCacheUsage: ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"],
  },
  sglang: {
    waiting: ["sglang:num_queue_reqs"],
    running: ["sglang:num_running_reqs"],
    kvCacheUsage: ["sglang:token_usage"],
  },
  trtllm: {
    waiting: ["trtllm_num_requests_waiting", "nv_trt_llm_request_metrics{request_type=waiting}"],
    running: ["trtllm_num_requests_running", "nv_trt_llm_request_metrics{request_type=scheduled}"],
    kvCacheUsage: [
      "trtllm_kv_cache_utilization",
      "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=fraction}",
    ],
    ...tritonGpu,
  },
  triton: {
    waiting: ["nv_trt_llm_request_metrics{request_type=waiting}", "nv_inference_pending_request_count"],
    running: ["nv_trt_llm_request_metrics{request_type=scheduled}"],
    kvCacheUsage: ["nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=fraction}"],
    ...tritonGpu,
  },
  tgi: { waiting: ["tgi_queue_size"], running: ["tgi_batch_current_size"] },
  custom: {},
};

/** NVIDIA DCGM: utilisation in percent, memory in MiB, a series for each GPU. */
export const dcgmNames = {
  utilisation: "DCGM_FI_DEV_GPU_UTIL",
  memoryUsed: "DCGM_FI_DEV_FB_USED",
  memoryFree: "DCGM_FI_DEV_FB_FREE",
} as const;
