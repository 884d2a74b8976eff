import { SluiceError } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import {
  checkPurpose,
  checkUploadBytes,
  fileLifeMs,
  hasExpired,
  keptFilename,
  mostBytesOf,
} from "./file-rules.ts";

const limits = { batchFileBytes: 200_000_000, batchFileLifeMs: 30 };

function refusal(act: () => unknown) {
  try {
    act();
  } catch (error) {
    if (error instanceof SluiceError) return { code: error.code, param: error.param };
    throw error;
  }
  return undefined;
}

describe("files", () => {
  test("have one of OpenAI's purposes for uploads", () => {
    for (const purpose of ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"])
      expect(refusal(() => checkPurpose(purpose))).toBeUndefined();
    for (const purpose of ["", "batch_output", "Batch"])
      expect(refusal(() => checkPurpose(purpose))).toEqual({ code: "invalid_value", param: "purpose" });
  });

  test("have at most the bytes of their purpose", () => {
    expect(mostBytesOf("batch", limits)).toBe(200_000_000);
    expect(mostBytesOf("vision", limits)).toBe(536_870_912);
    expect(mostBytesOf(undefined, limits)).toBe(536_870_912);
    expect(mostBytesOf(undefined, { ...limits, batchFileBytes: 600_000_000 })).toBe(600_000_000);
    const check = (bytes: number, purpose: string) => refusal(() => checkUploadBytes(bytes, purpose, limits));
    expect(check(200_000_000, "batch")).toBeUndefined();
    expect(check(200_000_001, "batch")).toEqual({ code: "payload_too_large", param: "bytes" });
    expect(check(8_589_934_592, "vision")).toBeUndefined();
    expect(check(8_589_934_593, "vision")).toEqual({ code: "payload_too_large", param: "bytes" });
  });

  test("live as long as they say, and those of batches as long as the configuration says", () => {
    const life = (seconds: unknown, anchor: unknown = "created_at") =>
      fileLifeMs({ anchor, seconds }, "batch", limits);
    expect([life(3600), life("3600"), life(2_592_000)]).toEqual([3_600_000, 3_600_000, 2_592_000_000]);
    expect(fileLifeMs(undefined, "batch", limits)).toBe(30);
    expect(fileLifeMs(undefined, "evals", limits)).toBeUndefined();
    for (const seconds of [3599, 2_592_001, 3600.5, "", "1h", null, undefined, [3600]])
      expect(refusal(() => life(seconds))).toMatchObject({ param: "expires_after[seconds]" });
    for (const anchor of ["now", null])
      expect(refusal(() => life(3600, anchor))).toMatchObject({ param: "expires_after[anchor]" });
  });

  test("have expired from their moment on", () => {
    expect([hasExpired({ expiresAt: 5 }, 4), hasExpired({ expiresAt: 5 }, 5)]).toEqual([false, true]);
    expect(hasExpired({ expiresAt: undefined }, 5)).toBe(false);
  });

  test("keep a name that every store can hold", () => {
    expect(keptFilename("a\0b.txt")).toBe("ab.txt");
    expect(keptFilename("")).toBe("file");
    expect(keptFilename(`${"x".repeat(254)}😀`)).toBe(`${"x".repeat(254)}\ufffd`);
  });
});
