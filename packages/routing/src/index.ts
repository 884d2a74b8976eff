// Pure decisions: filters, scorers, pickers, next step, backoff.
export {};
