// A worker process for tests: claims one pointer, says so, and never ends it.
import { collect, createBench } from "./test-setup.ts";

const [, , url = "", model = ""] = process.argv;
const bench = createBench(url, { model });
const { handler } = collect(({ jobId }) => {
  process.send?.(jobId);
  return new Promise(() => undefined);
});
bench.consume(handler);
