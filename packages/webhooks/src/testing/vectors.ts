/** Signed webhooks published by others; copied unchanged. */
export const vectors = [
  {
    // standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts, MIT
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestamp: 1614265330,
    payload: '{"test": 2432232314}',
    signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  },
  {
    // openai/openai-node, tests/lib/webhooks.test.ts, Apache-2.0
    secret: "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=",
    id: "wh_685c059ae39c8190af8c71ed1022a24d",
    timestamp: 1750861210,
    payload:
      '{"id": "evt_685c059ae3a481909bdc86819b066fb6", "object": "event", "created_at": 1750861210, "type": "response.completed", "data": {"id": "resp_123"}}',
    signature: "v1,gUAg4R2hWouRZqRQG4uJypNS8YK885G838+EHb4nKBY=",
  },
] as const;
