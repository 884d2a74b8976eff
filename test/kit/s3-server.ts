// An S3-speaking server as a process of its own: says its port to its parent, ends with it.
import { startFauxqs } from "fauxqs";

const server = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false });
process.on("disconnect", () => process.exit(0));
process.send?.({ port: server.port });
