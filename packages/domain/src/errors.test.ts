import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  assertNever,
  batchErrorCodes,
  batchStops,
  errorCatalogue,
  jobFailureCodes,
  SluiceError,
} from "./errors.ts";
import { jobTransitions } from "./job.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/errors.md"), "utf8");

/** Cells of the table below a heading of docs/errors.md, without its two head rows. */
function tableBelow(heading: string): string[][] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

describe("docs/errors.md", () => {
  test("lists every error of the API with its status, and no other", () => {
    const listed = tableBelow("Answers of the API").map(([code, status]) => [code, Number(status)]);
    expect(listed).toEqual(Object.entries(errorCatalogue).map(([code, { status }]) => [code, status]));
  });

  test("lists every failure of jobs with a terminal state, and no other", () => {
    const listed = tableBelow("Jobs and lines that end without a result");
    expect(listed.map(([code]) => code)).toEqual(Object.keys(jobFailureCodes));
    for (const [, state = ""] of listed) expect(jobTransitions).toHaveProperty(state, []);
  });

  test("lists every fault of a batch's file, and no other", () => {
    expect(tableBelow("Faults in a batch's file").map(([code]) => code)).toEqual(
      Object.keys(batchErrorCodes),
    );
  });

  test("lists every reason for which Sluice ends a batch, with the code of its lines, and no other", () => {
    const listed = tableBelow("Batches that Sluice ends").map(([code, lineCode]) => [code, lineCode]);
    expect(listed).toEqual(Object.entries(batchStops).map(([code, stop]) => [code, stop.lineCode]));
  });

  test("says of each code what it means and what to do", () => {
    const headings = [
      "Answers of the API",
      "Jobs and lines that end without a result",
      "Faults in a batch's file",
      "Batches that Sluice ends",
    ];
    for (const row of headings.flatMap(tableBelow)) expect(row.filter((cell) => cell === "")).toEqual([]);
  });
});

test("no code stands in two catalogues", () => {
  const codes = [errorCatalogue, jobFailureCodes, batchErrorCodes, batchStops].flatMap((catalogue) =>
    Object.keys(catalogue),
  );
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
});

test("codes are words in snake case, and statuses are errors", () => {
  for (const [code, { status, type }] of Object.entries(errorCatalogue)) {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(status >= 400 && status < 600).toBe(true);
    expect(type === "server_error").toBe(status >= 500);
  }
});

test("a SluiceError carries its code, field, delay and cause", () => {
  const cause = new Error("below");
  const error = new SluiceError("queue_full", "The queue is full.", {
    param: "body",
    retryAfterSeconds: 7,
    cause,
  });
  expect(error).toMatchObject({
    name: "SluiceError",
    code: "queue_full",
    param: "body",
    retryAfterSeconds: 7,
  });
  expect(error.cause).toBe(cause);
  expect(new SluiceError("not_found", "No.")).not.toHaveProperty("cause");
});

test("assertNever names the kind and nothing else of an unexpected value", () => {
  expect(() => assertNever({ kind: "odd", prompt: "secret" } as never)).toThrow(
    /^unexpected value of kind odd$/,
  );
  expect(() => assertNever("secret" as never)).toThrow(/^unexpected value of kind string$/);
});
