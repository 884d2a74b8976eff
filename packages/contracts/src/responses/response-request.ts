import { isId, type ResponseId, SluiceError } from "@sluice/domain";
import { z } from "zod";
import { optionalText, pageFields } from "../requests.ts";
import { editMembers } from "./edit-members.ts";

/** What Sluice itself does of what a body of `POST /v1/responses` asks for. */
export interface ResponseRequest {
  /** Whether it is answered at once and read later. */
  readonly background: boolean;
  /** Whether it can be read later. */
  readonly store: boolean;
  /** The response that it goes on from. */
  readonly previousId: ResponseId | undefined;
}

/** Reads a parsed body. Throws naming the field that we cannot do. */
export function readResponseRequest(body: Readonly<Record<string, unknown>>): ResponseRequest {
  const background = readFlag(body, "background") ?? false;
  const store = readFlag(body, "store") ?? true;
  if (background && !store)
    throw refusal("store", "must not be false in the background: the response is read later.");
  if (body["conversation"] !== undefined && body["conversation"] !== null)
    throw refusal("conversation", "is not served: send 'previous_response_id', or the items themselves.");
  return { background, store, previousId: readPreviousId(body["previous_response_id"]) };
}

function readFlag(body: Readonly<Record<string, unknown>>, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw refusal(name, "must be true or false.");
  return value;
}

function readPreviousId(value: unknown): ResponseId | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && isId("response", value)) return value;
  throw new SluiceError("not_found", "No such response.", { param: "previous_response_id" });
}

function refusal(param: string, message: string): SluiceError {
  return new SluiceError("invalid_value", `'${param}' ${message}`, { param });
}

/**
 * The bytes that an upstream gets: without what Sluice does in its place. `store: false` stays, since it forbids the
 * upstream to keep the response. `items` take the place of `input` when the request goes on from another.
 */
export function upstreamBytes(
  bytes: Uint8Array,
  { store }: Pick<ResponseRequest, "store">,
  items: readonly unknown[] | undefined,
): Buffer {
  const without = ["background", "previous_response_id", ...(store ? ["store"] : [])];
  return editMembers(bytes, { without, ...(items === undefined ? {} : { with: { input: items } }) });
}

const include = z.union([optionalText(128), z.array(optionalText(128))]).optional();

/** Query of `GET /v1/responses/{id}`; what there is to include is in the response as it is. */
export const responseQuerySchema = z.strictObject({
  include,
  "include[]": include,
  stream: z.enum(["true", "false"]).optional(),
  starting_after: z.coerce.number().int().min(0).optional(),
  include_obfuscation: z.enum(["true", "false"]).optional(),
});

/** Query of `GET /v1/responses/{id}/input_items`. */
export const inputItemsQuerySchema = z.strictObject({
  ...pageFields,
  after: optionalText(256).optional(),
  order: z.enum(["asc", "desc"]).default("desc"),
  include,
  "include[]": include,
});
