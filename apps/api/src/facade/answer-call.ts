import { assertNever, type Job, type JobFailure, type JobResult, SluiceError } from "@sluice/domain";
import { bytesOf } from "@sluice/engine";
import type { FastifyReply } from "fastify";
import type { ApiPorts } from "../api-ports.ts";

/**
 * Answers a call with what has become of its job: the upstream's status and bytes, or why there are none. `edit`
 * changes the bytes of a good answer.
 */
export async function answerCall(
  ports: Pick<ApiPorts, "files">,
  reply: FastifyReply,
  job: Job,
  edit: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Promise<FastifyReply> {
  switch (job.state) {
    case "succeeded":
      return sendResult(reply, resultOf(job), edit(await bytesOf(resultOf(job).body, ports.files)));
    case "failed":
      return sendResult(reply, resultOf(job), await bytesOf(resultOf(job).body, ports.files));
    case "dead":
      throw new SluiceError("call_dead", `${failureOf(job).message} (${failureOf(job).code})`);
    case "expired":
      throw new SluiceError("call_expired", failureOf(job).message);
    case "cancelled":
      throw cancellation(failureOf(job));
    case "queued":
    case "running":
    case "waiting":
      throw new SluiceError(
        "wait_over",
        `The answer has not come yet; the job goes on. Read it with GET /v1/jobs/${job.id}.`,
      );
    default:
      return assertNever(job.state);
  }
}

/** Who still waits for a job that the others gave up has it made anew by calling again. */
function cancellation({ code, message }: JobFailure): SluiceError {
  if (code === "caller_gone")
    return new SluiceError("wait_interrupted", "The job was given up by another call; call again.");
  return new SluiceError("call_cancelled", message);
}

function sendResult(reply: FastifyReply, result: JobResult, bytes: Buffer): FastifyReply {
  const contentType = result.contentType === "" ? "application/json" : result.contentType;
  return reply.code(result.statusCode).header("content-type", contentType).send(bytes);
}

function resultOf({ id, result }: Job): JobResult {
  if (result === undefined) throw new Error(`${id} has ended with a result and has none`);
  return result;
}

function failureOf({ id, failure }: Job): JobFailure {
  if (failure === undefined) throw new Error(`${id} has ended without a result and does not say why`);
  return failure;
}
