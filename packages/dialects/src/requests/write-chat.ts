import { withoutUndefined } from "../fields.ts";
import {
  type Format,
  type NeutralRequest,
  noParameters,
  type Part,
  type ToolChoice,
  type Turn,
} from "./neutral-request.ts";
import { imageUrl } from "./read-values.ts";
import type { Refusals } from "./refusals.ts";

type Written = Record<string, unknown>;

/** Writes a request for `/v1/chat/completions`, without its model. */
export function writeChatRequest(refusals: Refusals, request: NeutralRequest): Written {
  const hasTools = request.tools.length > 0;
  return withoutUndefined({
    messages: request.turns.map((turn) => writeTurn(refusals, turn)),
    max_completion_tokens: request.maxTokens,
    temperature: request.temperature?.value,
    top_p: request.topP,
    stop: request.stop?.value,
    tools: hasTools ? request.tools.map(writeTool) : undefined,
    tool_choice: hasTools ? writeToolChoice(request.toolChoice) : undefined,
    parallel_tool_calls: hasTools ? request.parallelCalls : undefined,
    response_format: writeFormat(request.format?.value),
    reasoning_effort: writeEffort(refusals, request.effort),
    verbosity: request.verbosity?.value,
  });
}

function writeTurn(refusals: Refusals, turn: Turn): Written {
  switch (turn.kind) {
    case "system":
      // Many servers know no `developer`; where it is known, both mean the same.
      return { role: "system", content: writeText(refusals, turn) };
    case "user":
      return { role: "user", content: writeParts(turn.parts) };
    case "result":
      return { role: "tool", tool_call_id: turn.callId, content: writeText(refusals, turn) };
    case "assistant":
      return writeAssistant(refusals, turn);
  }
}

function writeAssistant(refusals: Refusals, turn: Turn & { kind: "assistant" }): Written {
  const { calls, parts } = turn;
  const said = writeText(refusals, { ...turn, parts: parts.filter(({ kind }) => kind !== "refusal") });
  const refusal = parts.find(({ kind }) => kind === "refusal");
  const isSilent = said === "" && (calls.length > 0 || refusal !== undefined);
  return {
    role: "assistant",
    content: isSilent ? null : said,
    ...(refusal?.kind === "refusal" ? { refusal: refusal.text } : {}),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ id, name, arguments: text }) => ({
            id,
            type: "function",
            function: { name, arguments: text },
          })),
        }),
  };
}

function writeParts(parts: readonly Part[]): unknown {
  const [first] = parts;
  if (first === undefined) return "";
  if (parts.length === 1 && first.kind !== "image") return first.text;
  return parts.map((part) =>
    part.kind === "image"
      ? {
          type: "image_url",
          image_url: withoutUndefined({ url: imageUrl(part.source), detail: part.detail }),
        }
      : { type: "text", text: part.text },
  );
}

/** Only users may show images. */
function writeText(
  refusals: Refusals,
  { at, parts }: Pick<Turn, "at"> & { readonly parts: readonly Part[] },
): unknown {
  if (parts.some(({ kind }) => kind === "image"))
    refusals.refuse(at, "holds an image where chat completions take only text");
  return writeParts(parts);
}

function writeTool({ name, description, parameters, strict }: NeutralRequest["tools"][number]): Written {
  return {
    type: "function",
    function: withoutUndefined({ name, description, parameters: parameters ?? noParameters, strict }),
  };
}

function writeToolChoice(choice: ToolChoice | undefined): unknown {
  return choice?.kind === "tool" ? { type: "function", function: { name: choice.name } } : choice?.kind;
}

function writeFormat(format: Format | undefined): unknown {
  switch (format?.kind) {
    case "schema": {
      const { name = "answer", description, schema, strict } = format;
      return { type: "json_schema", json_schema: withoutUndefined({ name, description, schema, strict }) };
    }
    case "json":
      return { type: "json_object" };
    case "text":
      return { type: "text" };
    case undefined:
      return undefined;
  }
}

/** What OpenAI's dialects take of Anthropic's efforts. */
export function writeEffort(refusals: Refusals, effort: NeutralRequest["effort"]): string | undefined {
  if (effort?.value === "max") refusals.refuse(effort.at, "is an effort that only messages know");
  return effort?.value;
}
