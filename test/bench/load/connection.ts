import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** One keep-alive connection that has one request under way at a time. */
export interface Connection {
  /** Writes a whole request and answers the status of its response. Rejects when the connection ends. */
  send(request: Buffer): Promise<number>;
  close(): void;
}

/**
 * Opens a connection. It is a socket and not an HTTP client, because the load shares its machine with what it
 * measures: every microsecond it spends is one that both systems lack.
 */
export async function openConnection(url: URL): Promise<Connection> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await once(socket, "connect");
  return overSocket(socket);
}

function overSocket(socket: Socket): Connection {
  let received = "";
  let waiting: PromiseWithResolvers<number> | undefined;
  const fail = (): void => waiting?.reject(new Error("the server closed the connection"));
  socket.on("close", fail);
  socket.on("error", fail);
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    const status = completeStatus(received);
    if (status === undefined) return;
    received = "";
    waiting?.resolve(status);
  });
  return {
    send(request) {
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    close: () => void socket.destroy(),
  };
}

const statusAt = "HTTP/1.1 ".length;

/** The status of the response, or undefined while it is still arriving. */
function completeStatus(received: string): number | undefined {
  const head = received.indexOf("\r\n\r\n");
  if (head === -1) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1];
  if (length === undefined) throw new Error("a response without content-length");
  if (received.length < head + 4 + Number(length)) return undefined;
  return Number(received.slice(statusAt, statusAt + 3));
}

/** The bytes of a POST request with a JSON body. */
export function postRequest(url: URL, headers: Readonly<Record<string, string>>, body: string): Buffer {
  const lines = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
