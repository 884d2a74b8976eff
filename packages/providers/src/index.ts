// Calls to model providers, HTTP to outcome.
export {};
