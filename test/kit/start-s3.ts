import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A running server that speaks S3. */
export interface TestS3 {
  /** What `AWS_ENDPOINT_URL_S3` must say. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Starts an empty S3-speaking server (npm `fauxqs`) on a free port; it takes any credentials. */
export async function startS3(): Promise<TestS3> {
  const child = fork(fileURLToPath(new URL("./s3-server.ts", import.meta.url)), { stdio: "inherit" });
  const exited = once(child, "exit");
  const [message] = (await Promise.race([
    once(child, "message"),
    exited.then(() => Promise.reject(new Error("the S3 server ended before it was ready"))),
  ])) as [{ readonly port: number }];
  return {
    endpoint: `http://127.0.0.1:${message.port}`,
    async close() {
      child.kill();
      await exited;
    },
  };
}
