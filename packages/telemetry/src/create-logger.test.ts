import { describe, expect, it } from "vitest";
import { createLogger } from "./create-logger.ts";

const prompt = "tell me about the patient's diagnosis";
const secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ";

function setup(level = "debug") {
  const lines: string[] = [];
  const logger = createLogger({
    role: "worker",
    level,
    destination: { write: (line) => void lines.push(line) },
  });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> };
}

describe("the logger", () => {
  it("writes one JSON object per line with level, role, time, message and fields", () => {
    const { logger, last } = setup();
    logger.info({ jobId: "job_1", attempts: 2 }, "job finished");
    expect(last()).toMatchObject({
      level: "info",
      role: "worker",
      msg: "job finished",
      jobId: "job_1",
      attempts: 2,
    });
    expect(new Date(String(last()["time"])).getTime()).not.toBeNaN();
  });

  it("hands fields of a child on to its lines", () => {
    const { logger, last } = setup();
    logger.child({ jobId: "job_1" }).child({ target: "small" }).warn({ epoch: 3 }, "late");
    expect(last()).toMatchObject({ level: "warn", jobId: "job_1", target: "small", epoch: 3 });
  });

  it("leaves out what is below its level, and refuses a level that does not exist", () => {
    const { logger, lines } = setup("warn");
    logger.info({}, "quiet");
    logger.error({}, "loud");
    expect(lines).toHaveLength(1);
    expect(() => setup("verbose")).toThrow(/LOG_LEVEL/);
  });

  it.each([
    ["at the top", { prompt, secret }],
    ["as messages", { messages: [{ role: "user", content: prompt }] }],
    [
      "in a request",
      {
        request: { headers: { Authorization: `Bearer ${secret}`, "x-api-key": secret }, body: { a: prompt } },
      },
    ],
    ["in nested arrays", { jobs: [{ spec: { input: prompt } }, { spec: { result: { body: prompt } } }] }],
    [
      "under other spellings",
      { api_key: secret, apiKey: secret, "API-KEY": secret, webhookSecret: secret, requestBody: prompt },
    ],
    ["as bytes", { chunk: Buffer.from(prompt), nested: { bytes: new TextEncoder().encode(prompt) } }],
    ["in a credential inside harmless text", { note: `key ${secret} sent`, header: `Bearer abc.${secret}` }],
    ["deeper than anyone looks", { a: { b: { c: { d: { e: { f: { g: { text: prompt, secret } } } } } } } }],
    [
      "on an object of a class",
      {
        response: new (class Response2 {
          text = prompt;
          key = secret;
        })(),
      },
    ],
  ])("never writes a prompt or a secret %s", (_, fields) => {
    const { logger, lines } = setup();
    logger.error(fields, "something");
    logger.child(fields).error({}, "something");
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain("diagnosis");
    expect(lines.join()).not.toContain("c2VjcmV0");
    expect(lines.join()).not.toContain(JSON.stringify([...Buffer.from("diagnosis")]).slice(1, -1));
  });

  it("masks a password in a connection URL and credentials in the message", () => {
    const { logger, last } = setup();
    logger.warn({ url: "postgres://sluice:hunter2@db:5432/x" }, "lost redis://:hunter2@cache:6379");
    expect(last()).toMatchObject({
      url: "postgres://[redacted]@db:5432/x",
      msg: "lost redis://[redacted]@cache:6379",
    });
  });

  it("keeps numbers and booleans under forbidden names, and names that only begin like one", () => {
    const { logger, last } = setup();
    const fields = {
      bodyBytes: 12,
      body: 12,
      inputTokens: 7,
      contentType: "text/plain",
      result: true,
      resultAt: 1,
    };
    logger.info(fields, "counted");
    expect(last()).toMatchObject(fields);
  });

  it("tells an error's type, code, message, frames and causes, without the bodies that hang on them", () => {
    const cause = Object.assign(new TypeError("fetch failed"), {
      code: "ECONNRESET",
      response: { text: prompt },
      data: prompt,
    });
    const error = Object.assign(new Error("call failed", { cause }), {
      responseBody: prompt,
      request: { prompt },
    });
    const { logger, last, lines } = setup();
    logger.error({ err: error }, "attempt failed");
    expect(last()["err"]).toMatchObject({
      type: "Error",
      message: "call failed",
      stack: expect.stringContaining("create-logger.test"),
      cause: { type: "TypeError", message: "fetch failed", code: "ECONNRESET" },
    });
    expect(lines.join()).not.toContain("diagnosis");
  });

  it("withholds the message of a JSON error, because it quotes what it could not read", () => {
    const { logger, lines } = setup();
    try {
      JSON.parse(`diagnosis {`);
    } catch (err) {
      expect(String(err)).toContain("diagnosis");
      logger.error({ err, causes: [new Error("outer", { cause: err })] }, "unreadable answer");
    }
    expect(lines.join()).toContain("SyntaxError");
    expect(lines.join()).not.toContain("diagnosis");
  });

  it("survives circular fields and cuts long text", () => {
    const circle: Record<string, unknown> = { text: "x".repeat(5000) };
    circle["self"] = circle;
    const { logger, lines, last } = setup();
    logger.info(circle, "round");
    expect(last()["text"]).toBe(`${"x".repeat(1000)}…`);
    expect(lines[0]?.length).toBeLessThan(10_000);
  });
});
