import { Ajv } from "ajv";
import schemas from "./openai-file-schemas.json" with { type: "json" };

const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(schemas, "openai");

/** Path behind `/v1` and method → the schema of its answer in OpenAI's description. */
const answers = [
  [/^\/files$/, "POST", "OpenAIFile"],
  [/^\/files$/, "GET", "ListFilesResponse"],
  [/^\/files\/[^/]+$/, "GET", "OpenAIFile"],
  [/^\/files\/[^/]+$/, "DELETE", "DeleteFileResponse"],
  [/^\/uploads$/, "POST", "Upload"],
  [/^\/uploads\/[^/]+\/(?:complete|cancel)$/, "POST", "Upload"],
  [/^\/uploads\/[^/]+\/parts$/, "POST", "UploadPart"],
] as const;

/** Throws unless a good answer is as OpenAI describes it; answers how many were checked: 1, or 0 for other calls. */
export async function checkOpenaiAnswer(url: string, method: string, response: Response): Promise<0 | 1> {
  const path = new URL(url).pathname.replace(/^\/v1/, "");
  const schema = answers.find(([pattern, verb]) => verb === method.toUpperCase() && pattern.test(path))?.[2];
  if (schema === undefined || !response.ok) return 0;
  const body: unknown = await response.json();
  if (ajv.validate(`openai#/$defs/${schema}`, body)) return 1;
  throw new Error(`${method} ${path} is no ${schema}: ${ajv.errorsText()}`);
}
