import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { batchTransitions } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { noCounts, sampleBatch, sampleMoment } from "../../../test/kit/samples.ts";
import { skipUnless } from "../../../test/kit/skip.ts";
import { renderBatch } from "./views.ts";

const at = sampleMoment;
const batch = { ...sampleBatch, outputFileId: "file-out", errorFileId: "file-err" } as const;

describe("a batch", () => {
  test.each([
    [{ total: 5 }, null, null],
    [{ total: 5, succeeded: 1 }, "file-out", null],
    [{ total: 5, failed: 1 }, null, "file-err"],
    [{ total: 5, dead: 1 }, null, "file-err"],
    [{ total: 5, cancelled: 1 }, null, "file-err"],
    [{ total: 5, succeeded: 2, expired: 1 }, "file-out", "file-err"],
  ])("shows the file of each side that holds a line: %j", (counts, output, error) => {
    const view = renderBatch({ ...batch, counts: { ...noCounts, ...counts } });
    expect(view).toMatchObject({ output_file_id: output, error_file_id: error });
  });

  test("counts failed, dead and expired lines as failed, and sums its usage", () => {
    const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 3, reasoningTokens: 2 };
    const counts = {
      ...noCounts,
      total: 15,
      succeeded: 1,
      failed: 2,
      dead: 3,
      cancelled: 4,
      expired: 5,
      usage,
    };
    expect(renderBatch({ ...batch, counts })).toMatchObject({
      request_counts: { total: 15, completed: 1, failed: 10 },
      usage: {
        input_tokens: 10,
        input_tokens_details: { cached_tokens: 3 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 15,
      },
    });
  });

  test("shows what it may cost beside what it has cost", () => {
    const bounds = { maxSpendUsd: 5, stopOnErrorRate: 0.2 };
    expect(renderBatch({ ...batch, ...bounds, counts: { ...noCounts, costUsd: 1.5 } })).toMatchObject({
      cost_usd: 1.5,
      max_spend_usd: 5,
      stop_on_error_rate: 0.2,
    });
    expect(renderBatch(batch)).toMatchObject({ max_spend_usd: null, stop_on_error_rate: null });
  });

  test("names the batches that it goes on from and that go on from it", () => {
    const named = { retryOf: "batch_1", retriedAs: "batch_2", resumeFrom: "batch_3" } as const;
    const view = { retry_of: "batch_1", retried_as: "batch_2", resume_from: "batch_3" };
    expect(renderBatch({ ...batch, ...named })).toMatchObject(view);
    expect(renderBatch(batch)).toMatchObject({ retry_of: null, retried_as: null, resume_from: null });
  });

  test("has whole seconds and null for what has not happened", () => {
    const view = renderBatch({ ...batch, inProgressAt: at });
    expect(view).toMatchObject({
      created_at: Math.floor(at / 1000),
      in_progress_at: Math.floor(at / 1000),
      errors: null,
    });
    expect(view).toMatchObject({ completed_at: null, metadata: null });
    expect(Object.values(view)).not.toContain(undefined);
  });

  test("lists the faults of its file", () => {
    const errors = [{ code: "empty_file", line: undefined, message: "No lines.", param: undefined }];
    const data = [{ code: "empty_file", line: null, message: "No lines.", param: null }];
    expect(renderBatch({ ...batch, errors })).toMatchObject({ errors: { object: "list", data } });
  });

  test("has every field of OpenAI's Batch, and its statuses are OpenAI's", (context) => {
    const folder = process.env["SLUICE_SHARED_DIR"];
    const path = join(folder ?? "", "data", "openai-openapi.yaml");
    skipUnless(
      context,
      folder !== undefined && existsSync(path),
      "needs SLUICE_SHARED_DIR with openai-openapi.yaml",
    );
    const schema = /\n {4}Batch:\n((?: {5,}.*\n|\n)*)/.exec(readFileSync(path, "utf8"))?.[1] ?? "";
    const fields = [...schema.matchAll(/^ {8}(\w+):$/gm)].map((match) => match[1] ?? "");
    expect(fields.length).toBeGreaterThan(15);
    expect(Object.keys(renderBatch(batch))).toEqual(expect.arrayContaining(fields));
    const statuses = /status:\n(?:.*\n){3}((?: +- \w+\n)+)/.exec(schema)?.[1] ?? "";
    expect(statuses.match(/\w+/g)?.sort()).toEqual(Object.keys(batchTransitions).sort());
  });
});
