import type { Feedback, JobEvent, JobId } from "@sluice/domain";
import { z } from "zod";
import { metadataSchema, optionalText, text } from "./requests.ts";

/** Query of `GET /v1/jobs/{id}/events`: `after` is for clients that cannot send `Last-Event-ID`. */
export const jobEventsQuerySchema = z.strictObject({ after: optionalText(16).optional() });

/** An event as a message of a server-sent stream; its id is its number, by which a client resumes. */
export function renderJobEvent(jobId: JobId, event: JobEvent): string {
  const type = `job.${event.state}`;
  const data = {
    object: "job.event",
    type,
    job_id: jobId,
    status: event.state,
    at: new Date(event.at).toISOString(),
    ...(event.attempt === undefined ? {} : { attempt: event.attempt }),
    ...(event.targetId === undefined ? {} : { target: event.targetId }),
  };
  return `id: ${event.number}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Body of `POST /v1/jobs/{id}/feedback`; labels are names, or names with values. */
export const feedbackSchema = z.strictObject({
  score: z.number().min(0).max(1),
  labels: z.union([z.array(text(64)).max(16), metadataSchema]).optional(),
});

/** Feedback as the API shows it. */
export function renderFeedback(jobId: JobId, { givenAt, score, labels }: Feedback): Record<string, unknown> {
  return {
    object: "job.feedback",
    job_id: jobId,
    score,
    labels,
    created_at: new Date(givenAt).toISOString(),
  };
}
