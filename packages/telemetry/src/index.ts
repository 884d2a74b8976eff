// Logs, traces and metrics.
export {};
