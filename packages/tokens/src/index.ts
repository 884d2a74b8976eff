export { estimateInputTokens } from "./estimate-input-tokens.ts";
