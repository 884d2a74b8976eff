// Ordinary calls of the `openai` client as queued jobs. That client is not imported, only its types are: whichever
// major the user has is the one that is wrapped.

export { asJob } from "./openai/as-job.ts";
export { type QueuedOpenAI, queued, type Submits } from "./openai/queued.ts";
export { type QueuedOptions, queuedFetch } from "./openai/queued-fetch.ts";
