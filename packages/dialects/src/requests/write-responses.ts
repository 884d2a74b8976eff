import { withoutUndefined } from "../fields.ts";
import { type Format, type NeutralRequest, noParameters, type Part, type Turn } from "./neutral-request.ts";
import { imageUrl } from "./read-values.ts";
import type { Refusals } from "./refusals.ts";
import { writeEffort } from "./write-chat.ts";

type Written = Record<string, unknown>;

/** Writes a request for `/v1/responses`, without its model; nothing of it is kept by the provider. */
export function writeResponsesRequest(refusals: Refusals, request: NeutralRequest): Written {
  if (request.stop !== undefined) refusals.refuse(request.stop.at, "has no counterpart in responses");
  const hasTools = request.tools.length > 0;
  const choice = request.toolChoice;
  const effort = writeEffort(refusals, request.effort);
  const text = withoutUndefined({
    format: writeFormat(request.format?.value),
    verbosity: request.verbosity?.value,
  });
  return withoutUndefined({
    input: request.turns.flatMap(writeTurn),
    max_output_tokens: request.maxTokens,
    temperature: request.temperature?.value,
    top_p: request.topP,
    tools: hasTools ? request.tools.map(writeTool) : undefined,
    tool_choice: hasTools
      ? choice?.kind === "tool"
        ? { type: "function", name: choice.name }
        : choice?.kind
      : undefined,
    parallel_tool_calls: hasTools ? request.parallelCalls : undefined,
    text: Object.keys(text).length === 0 ? undefined : text,
    reasoning: effort === undefined ? undefined : { effort },
    store: false,
  });
}

function writeTurn(turn: Turn): Written[] {
  switch (turn.kind) {
    case "system":
      return [{ type: "message", role: turn.role, content: turn.parts.map(writeInput) }];
    case "user":
      return [{ type: "message", role: "user", content: turn.parts.map(writeInput) }];
    case "result":
      return [{ type: "function_call_output", call_id: turn.callId, output: writeOutput(turn.parts) }];
    case "assistant": {
      const calls = turn.calls.map(({ id, name, arguments: text }) => ({
        type: "function_call",
        call_id: id,
        name,
        arguments: text,
      }));
      return turn.parts.length === 0 ? calls : [writeAssistant(turn.parts), ...calls];
    }
  }
}

/** What the model said goes back as plain text unless it refused: the parts of an answer would need its ids. */
function writeAssistant(parts: readonly Part[]): Written {
  const texts = parts.flatMap((part) => (part.kind === "image" ? [] : [part.text]));
  return { type: "message", role: "assistant", content: texts.join("") };
}

function writeOutput(parts: readonly Part[]): unknown {
  const [first] = parts;
  if (first === undefined) return "";
  return parts.length === 1 && first.kind !== "image" ? first.text : parts.map(writeInput);
}

function writeInput(part: Part): Written {
  return part.kind === "image"
    ? { type: "input_image", image_url: imageUrl(part.source), detail: part.detail ?? "auto" }
    : { type: "input_text", text: part.text };
}

/** Responses are strict where nothing is said, the other dialects are not. */
function writeTool({ name, description, parameters, strict }: NeutralRequest["tools"][number]): Written {
  return withoutUndefined({
    type: "function",
    name,
    description,
    parameters: parameters ?? noParameters,
    strict: strict ?? false,
  });
}

function writeFormat(format: Format | undefined): unknown {
  switch (format?.kind) {
    case "schema": {
      const { name = "answer", description, schema, strict } = format;
      return withoutUndefined({ type: "json_schema", name, description, schema, strict: strict ?? false });
    }
    case "json":
      return { type: "json_object" };
    case "text":
      return { type: "text" };
    case undefined:
      return undefined;
  }
}
