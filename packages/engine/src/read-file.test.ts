import { type ByteRange, type EndedLine, type FileRecord, idFromUuid } from "@sluice/domain";
import { describe, expect, test } from "vitest";
import { createMemoryFiles } from "../../../test/kit/fakes/memory-files.ts";
import { sampleBatch, sampleMoment, sampleUuid } from "../../../test/kit/samples.ts";
import { readFile } from "./read-file.ts";

const base = {
  id: "file-1",
  tenantId: sampleBatch.tenantId,
  filename: "f",
  purpose: "batch_output",
  bytes: 0,
  createdAt: sampleMoment,
  expiresAt: undefined,
} as const;
const view: FileRecord = {
  ...base,
  content: { kind: "view", isFinal: true, batchId: sampleBatch.id, side: "output" },
};

function setup(count: number) {
  const files = createMemoryFiles();
  const lines: EndedLine[] = Array.from({ length: count }, (_, index) => ({
    jobId: idFromUuid("job", sampleUuid),
    line: 2 * index + 1,
    customId: `c${index}`,
    state: "succeeded",
    result: undefined,
    failure: undefined,
  }));
  const pages: { after: number; limit: number }[] = [];
  const ports = {
    files,
    ledger: {
      async readLines(_id: string, side: string, after: number, limit: number) {
        expect(side).toBe("output");
        pages.push({ after, limit });
        return lines.filter(({ line }) => line > after).slice(0, limit);
      },
    },
    renderLine: (line: EndedLine, body: Buffer | undefined) =>
      Buffer.from(`${line.customId}:${body?.toString() ?? "none"}\n`),
  };
  const text = async (file: FileRecord, range?: ByteRange) => {
    const parts: Buffer[] = [];
    for await (const part of await readFile(ports, file, range)) parts.push(part as Buffer);
    return Buffer.concat(parts).toString();
  };
  return { ports, files, lines, pages, text };
}

describe("readFile", () => {
  test("streams a stored file as it is", async () => {
    const { files, text } = setup(0);
    const { key } = await files.put(Buffer.from("a\nb"));
    expect(await text({ ...base, content: { kind: "stored", key } })).toBe("a\nb");
  });

  test("streams a range of each kind of file", async () => {
    const { files, text } = setup(3);
    const [a, b] = [await files.put(Buffer.from("abc")), await files.put(Buffer.from("def"))];
    const range = { start: 2, end: 5 };
    expect(await text({ ...base, content: { kind: "stored", key: a.key } }, range)).toBe("c");
    const pieces = [a, b].map(({ key, bytes }) => ({ key, bytes }));
    expect(await text({ ...base, content: { kind: "pieces", pieces } }, range)).toBe("cde");
    expect(await text(view, { start: 5, end: 12 })).toBe("ne\nc1:n");
  });

  test("reads no further lines of a view than its range needs", async () => {
    const { text, pages } = setup(450);
    await text(view, { start: 0, end: 10 });
    expect(pages).toHaveLength(1);
  });

  test.each([0, 1, 199, 200, 201, 400, 450])(
    "renders all %d lines of a view, each once and in order",
    async (count) => {
      const { text, lines, pages } = setup(count);
      expect(await text(view)).toBe(lines.map(({ customId }) => `${customId}:none\n`).join(""));
      expect(pages.every(({ limit }) => limit === 200)).toBe(true);
    },
  );

  test("fetches results from wherever they are kept", async () => {
    const { text, lines, files } = setup(2);
    const stored = await files.put(Buffer.from("large"));
    const head = { statusCode: 200, contentType: "", upstreamRequestId: undefined };
    Object.assign(lines[0] ?? {}, {
      result: { ...head, body: { kind: "stored", key: stored.key, size: 5 } },
    });
    Object.assign(lines[1] ?? {}, {
      result: { ...head, body: { kind: "inline", bytes: Buffer.from("small") } },
    });
    expect(await text(view)).toBe("c0:large\nc1:small\n");
  });

  test("fails the stream when a result is gone, instead of leaving its line out", async () => {
    const { text, lines } = setup(2);
    Object.assign(lines[1] ?? {}, { result: { body: { kind: "stored", key: "gone", size: 5 } } });
    await expect(text(view)).rejects.toThrow("there is no such file");
  });
});
