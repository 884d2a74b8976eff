import {
  continuedItems,
  isJsonObject,
  parseJson,
  type ResponseRequest,
  readResponseRequest,
  upstreamBytes,
} from "@sluice/contracts";
import { type ResponseId, SluiceError, type TenantId } from "@sluice/domain";
import { bytesOf } from "@sluice/engine";
import type { ApiPorts } from "../api-ports.ts";
import type { ModelCallBody, PreparedCall } from "./accept-call.ts";

/** A response as it is asked of us, and the call that an upstream gets for it. */
export interface PreparedResponse extends PreparedCall {
  readonly asked: ResponseRequest;
}

/** Takes out of a body of `POST /v1/responses` what Sluice does itself. Throws naming the field that it cannot do. */
export async function prepareResponse(
  ports: Pick<ApiPorts, "ledger" | "files">,
  tenant: TenantId,
  { body, bytes }: ModelCallBody,
): Promise<PreparedResponse> {
  const asked = readResponseRequest(body);
  const { previousId } = asked;
  const items =
    previousId === undefined
      ? undefined
      : await itemsAfter(ports, { tenant, id: previousId, input: body["input"] });
  const kind = asked.background ? "background" : asked.store ? "stored" : undefined;
  return {
    asked,
    // As the bytes say it: where a request may go depends on what the upstream would get.
    body: items === undefined ? body : { ...body, previous_response_id: null, input: items },
    bytes: upstreamBytes(bytes, asked, items),
    fields: { response: kind, previousResponse: previousId },
  };
}

interface Continued {
  readonly tenant: TenantId;
  readonly id: ResponseId;
  readonly input: unknown;
}

/** The items of a response, what came of them, and the new input. */
async function itemsAfter(
  { ledger, files }: Pick<ApiPorts, "ledger" | "files">,
  { tenant, id, input }: Continued,
): Promise<readonly unknown[]> {
  const param = "previous_response_id";
  const job = await ledger.findResponse(tenant, id);
  if (job === undefined) throw new SluiceError("not_found", `No such response: '${id}'.`, { param });
  if (job.state !== "succeeded" || job.result === undefined)
    throw new SluiceError("invalid_value", "The response has no output to go on from.", { param });
  const request = parseJson(await bytesOf(job.body, files));
  const answer = parseJson(await bytesOf(job.result.body, files));
  const earlier = isJsonObject(request) ? request["input"] : undefined;
  const output = isJsonObject(answer) ? answer["output"] : undefined;
  return continuedItems(earlier, output, input);
}
