import type { ApiClient, NewBatch } from "../api/api-client.ts";
import { ApiError } from "../api/api-error.ts";
import { type BatchView, whyStopped } from "../api/views.ts";
import { CliError } from "../context.ts";
import { plural } from "../format.ts";
import type { PoolCounter } from "../progress/call-counts.ts";
import { type Followed, followBatch } from "../progress/follow-batch.ts";
import { summaryLine } from "../progress/progress-view.ts";
import type { Terminal } from "../progress/terminal.ts";
import { readEndpoint } from "./read-endpoint.ts";
import { type WrittenLines, writeOutput } from "./write-output.ts";

/** What a batch asks for beside its file. */
export type FileWishes = Omit<NewBatch, "input_file_id" | "endpoint">;

/** What running a batch needs. */
export interface RunBatchOptions {
  readonly api: ApiClient;
  readonly file: string;
  readonly out: string;
  readonly wishes: FileWishes;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly pools?: PoolCounter | undefined;
  /** Time between two looks, in milliseconds; as {@link followBatch} has it by default. */
  readonly lookMs?: number;
}

/** How a batch ended: with a written output, as an invalid file, or not at all because the signal came. */
export type BatchEnd =
  | { readonly kind: "written"; readonly batch: BatchView; readonly written: WrittenLines }
  | { readonly kind: "invalid"; readonly batch: BatchView }
  | { readonly kind: "interrupted"; readonly batch: BatchView };

const reasonsShown = 5;

/** Uploads the file and creates its batch. Throws {@link CliError} with exit code 2 when the file itself is refused. */
export async function startBatch(api: ApiClient, file: string, wishes: FileWishes): Promise<BatchView> {
  const endpoint = await readEndpoint(file);
  const uploaded = await api.uploadBatchFile(file).catch((error: unknown) => {
    if (error instanceof ApiError && [400, 413].includes(error.status))
      throw new CliError(`${file}: ${error.message}`, 2, error);
    throw error;
  });
  return api.createBatch({ input_file_id: uploaded.id, endpoint, ...wishes });
}

/** Runs one batch from its file to its output, showing progress and outcome. */
export async function runBatch(options: RunBatchOptions): Promise<BatchEnd> {
  const { api, file, out, terminal } = options;
  const { id } = await startBatch(api, file, options.wishes);
  terminal.say(`batch ${id} is accepted`);
  const followed = await followBatch({ ...options, batchId: id });
  const { batch } = followed;
  if (batch.status === "failed") return { kind: "invalid", batch };
  if (!isWritable(batch)) {
    terminal.say(
      `interrupted: ${id} goes on when the cluster is started again; then: npx sluice watch ${id}`,
    );
    return { kind: "interrupted", batch };
  }
  const files = await openFiles(api, batch);
  const written = await writeOutput(out, files, (lines) => assertComplete(batch, lines));
  tellEnd(options, followed, written);
  return { kind: "written", batch, written };
}

/** The lines of a batch that have ended. */
export async function openFiles(api: ApiClient, batch: BatchView) {
  const open = (id: string | null) => (id === null ? undefined : api.openFile(id));
  return { output: await open(batch.output_file_id), errors: await open(batch.error_file_id) };
}

/** The lines of a file that was refused, as `FILE:LINE: message`. */
export function invalidLines(file: string, { errors }: BatchView): string[] {
  const data = errors?.data ?? [];
  return data.map(({ line, message, param, code }) => {
    const place = line === null ? file : `${file}:${line}`;
    return `${place}: ${message}${param === null || message.includes(param) ? "" : ` (${param})`} [${code}]`;
  });
}

/** Exit code of a batch: 0 when every line succeeded, 1 when some did not, 2 when its file was refused. */
export function exitCodeOf(end: BatchEnd): number {
  switch (end.kind) {
    case "written":
      return end.written.failed === 0 && end.batch.status === "completed" ? 0 : 1;
    case "invalid":
      return 2;
    case "interrupted":
      return 130;
  }
}

function assertComplete(
  { id, request_counts: counts }: BatchView,
  { succeeded, failed }: WrittenLines,
): void {
  const total = counts?.total ?? 0;
  if (succeeded + failed === total) return;
  throw new CliError(`batch ${id} has ${plural(total, "line")}, but ${succeeded + failed} could be read`);
}

function isWritable({ status }: BatchView): boolean {
  return ["completed", "expired", "cancelled"].includes(status);
}

function tellEnd(
  { terminal, out }: RunBatchOptions,
  { batch, progress, tookMs }: Followed,
  written: WrittenLines,
): void {
  terminal.say(summaryLine(progress, tookMs));
  if (batch.status !== "completed") terminal.say(`the batch ended as ${batch.status}`);
  const stop = whyStopped(batch);
  if (stop !== undefined) terminal.say(stop);
  const { reasons } = written;
  for (const { reason, lines, firstId } of reasons.slice(0, reasonsShown)) {
    terminal.say(`  ${plural(lines, "line")}, first ${firstId}: ${reason}`);
  }
  if (reasons.length > reasonsShown)
    terminal.say(`  and ${plural(reasons.length - reasonsShown, "other reason")}`);
  terminal.say(`${plural(written.succeeded + written.failed, "line")} written to ${out}`);
}
