// Lanes on BullMQ; the only importer of bullmq.
export {};
