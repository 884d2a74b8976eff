import { describe, expect, test } from "vitest";
import { readEngineLoad, readGpuLoad } from "./read-engine-load.ts";

describe("the load of an engine", () => {
  test("of vLLM is read by its new names and by its old ones", () => {
    const page = (cache: string) =>
      `vllm:num_requests_waiting{model_name="m"} 4\nvllm:num_requests_running{model_name="m"} 12\n${cache}{model_name="m"} 0.75`;
    const expected = { waiting: 4, running: 12, kvCacheUsage: 0.75 };
    expect(readEngineLoad(page("vllm:kv_cache_usage_perc"), "vllm")).toEqual(expected);
    expect(readEngineLoad(page("vllm:gpu_cache_usage_perc"), "vllm")).toEqual(expected);
  });

  test("of several engines behind one page adds requests up and takes the fullest cache", () => {
    const page = ["0", "1"]
      .map(
        (engine) =>
          `vllm:num_requests_waiting{engine="${engine}"} ${engine}\nvllm:kv_cache_usage_perc{engine="${engine}"} 0.${engine}5`,
      )
      .join("\n");
    expect(readEngineLoad(page, "vllm")).toEqual({ waiting: 1, kvCacheUsage: 0.15 });
  });

  test("of SGLang, TensorRT-LLM, Triton and TGI is read by their own names", () => {
    expect(
      readEngineLoad("sglang:num_queue_reqs 1\nsglang:num_running_reqs 2\nsglang:token_usage 0.3", "sglang"),
    ).toEqual({ waiting: 1, running: 2, kvCacheUsage: 0.3 });
    expect(
      readEngineLoad(
        "trtllm_num_requests_waiting 1\ntrtllm_num_requests_running 2\ntrtllm_kv_cache_utilization 0.3",
        "trtllm",
      ),
    ).toEqual({ waiting: 1, running: 2, kvCacheUsage: 0.3 });
    const triton = [
      'nv_trt_llm_request_metrics{model="t",request_type="waiting",version="1"} 5',
      'nv_trt_llm_request_metrics{model="t",request_type="scheduled",version="1"} 6',
      'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="t"} 0.25',
      'nv_gpu_utilization{gpu_uuid="a"} 0.5',
      'nv_gpu_utilization{gpu_uuid="b"} 1',
    ].join("\n");
    expect(readEngineLoad(triton, "triton")).toEqual({
      waiting: 5,
      running: 6,
      kvCacheUsage: 0.25,
      gpuUtilisation: 0.75,
    });
    expect(readEngineLoad("tgi_queue_size 3\ntgi_batch_current_size 8", "tgi")).toEqual({
      waiting: 3,
      running: 8,
    });
  });

  test("of any other engine is read by the names that the configuration gives", () => {
    const page = 'my_queue{status="waiting"} 3\nmy_queue{status="done"} 99\nmy_cache 1.7';
    const names = { waiting: ["my_queue{status=waiting}"], kvCacheUsage: ["my_cache"] };
    expect(readEngineLoad(page, "custom", names)).toEqual({ waiting: 3, kvCacheUsage: 1 });
  });

  test("has only what the page says", () => {
    expect(readEngineLoad("", "vllm")).toEqual({});
    expect(readEngineLoad("vllm:num_requests_waiting NaN", "vllm")).toEqual({});
  });
});

test("the GPUs of DCGM are read as mean utilisation and as share of all their memory", () => {
  const page = [
    'DCGM_FI_DEV_GPU_UTIL{gpu="0"} 100',
    'DCGM_FI_DEV_GPU_UTIL{gpu="1"} 50',
    'DCGM_FI_DEV_FB_USED{gpu="0"} 60000',
    'DCGM_FI_DEV_FB_USED{gpu="1"} 20000',
    'DCGM_FI_DEV_FB_FREE{gpu="0"} 20000',
    'DCGM_FI_DEV_FB_FREE{gpu="1"} 60000',
  ].join("\n");
  expect(readGpuLoad(page)).toEqual({ gpuUtilisation: 0.75, gpuMemoryUsed: 0.5 });
  expect(readGpuLoad("up 1")).toEqual({});
});
