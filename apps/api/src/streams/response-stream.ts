import { isJsonObject, parseJson, renderResponse } from "@sluice/contracts";
import type { Fields } from "@sluice/dialects";
import type { Job } from "@sluice/domain";
import { bytesOf, leadOfResponse } from "@sluice/engine";
import type { ApiPorts } from "../api-ports.ts";
import type { StreamToServe } from "./serve-stream.ts";

/** What the stream of a response has beside its worker's events, for a client that has them up to `after`. */
export async function responseStream(
  ports: Pick<ApiPorts, "files">,
  job: Job,
  after: number,
): Promise<Pick<StreamToServe, "lead" | "answerOf">> {
  const request = await bytesOf(job.body, ports.files);
  return {
    lead: leadOfResponse(viewOf(asAccepted(job), request, undefined), after),
    async answerOf(ended) {
      const body = ended.result === undefined ? undefined : await bytesOf(ended.result.body, ports.files);
      return viewOf(ended, request, body);
    },
  };
}

/** However often a stream is read, it begins alike. */
function asAccepted(job: Job): Job {
  return { ...job, state: "queued", epoch: 0, result: undefined, failure: undefined, finishedAt: undefined };
}

function viewOf(job: Job, request: Buffer, body: Buffer | undefined): Fields {
  const view = parseJson(Buffer.from(renderResponse(job, request, body)));
  if (!isJsonObject(view)) throw new Error("a response is an object");
  return job.response === undefined ? { ...view, store: false } : view;
}
