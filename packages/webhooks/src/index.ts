// Sign, guard and send webhooks.
export {};
