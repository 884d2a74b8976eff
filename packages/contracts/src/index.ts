// zod schemas at the edges: HTTP bodies, queue payloads, webhook events, provider replies.
export {};
