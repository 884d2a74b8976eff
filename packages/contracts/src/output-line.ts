import { isUtf8 } from "node:buffer";
import { type EndedLine, type FailedLine, type JobFailure, type JobResult, uuidOf } from "@sluice/domain";

/** A finished line as it stands in OpenAI's output or error file, newline included. `body` are the result's bytes. */
export function renderLine(line: EndedLine, body: Buffer | undefined): Buffer {
  const head = `{"id":"batch_req_${uuidOf("job", line.jobId)}","custom_id":${JSON.stringify(line.customId)},"response":`;
  if (line.result === undefined || body === undefined) {
    return Buffer.from(`${head}null,"error":${errorJson(line.failure)}}\n`);
  }
  const carried = line.carriedFrom === undefined ? "" : `,"carried_from":"${line.carriedFrom}"`;
  const { statusCode } = line.result;
  const requestId = JSON.stringify(line.result.upstreamRequestId ?? line.jobId);
  const open = Buffer.from(`${head}{"status_code":${statusCode},"request_id":${requestId},"body":`);
  return Buffer.concat([
    open,
    jsonBody(line.result, body),
    Buffer.from(`},"error":${errorJson(line.failure)}${carried}}\n`),
  ]);
}

/** Length in bytes of what {@link renderLine} gives, without the result's body at hand when there is none. */
export function lineBytes(line: EndedLine, body: Buffer | undefined): number {
  return renderLine(line, body).length;
}

/** Length of the line of a job that succeeded with JSON of so many bytes, which are not at hand. */
export function carriedLineBytes(line: EndedLine, resultBytes: number): number {
  const standIn = Buffer.from("0");
  return renderLine(line, standIn).length - standIn.length + resultBytes;
}

/** Length of the line of a job that ended without a result. */
export function failureLineBytes(line: FailedLine): number {
  return renderLine({ ...line, state: "dead", result: undefined }, undefined).length;
}

function errorJson(failure: JobFailure | undefined): string {
  return failure === undefined ? "null" : JSON.stringify({ code: failure.code, message: failure.message });
}

/**
 * A result's bytes as one JSON value on one line: JSON passes as received (line breaks between tokens become
 * spaces, the length stays), anything else becomes a string. What the content type promises is checked: an upstream
 * that refuses a request may send an empty body, or half of one, as `application/json`.
 */
export function jsonBody(result: Pick<JobResult, "contentType">, body: Buffer): Buffer {
  if (!/\bjson\b/i.test(result.contentType) || !isJson(body))
    return Buffer.from(JSON.stringify(body.toString("utf8")));
  if (!body.includes(0x0a) && !body.includes(0x0d)) return body;
  const copy = Buffer.from(body);
  for (let index = 0; index < copy.length; index++) {
    if (copy[index] === 0x0a || copy[index] === 0x0d) copy[index] = 0x20;
  }
  return copy;
}

function isJson(body: Buffer): boolean {
  if (!isUtf8(body)) return false;
  try {
    JSON.parse(body.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
