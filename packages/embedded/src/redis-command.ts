import { connect } from "node:net";

/** Where one Redis listens, and the password it asks for. */
export type RedisAddress = { readonly port: number; readonly host?: string; readonly password: string };

const answerMs = 5_000;

/**
 * Sends one command on a connection of its own and answers its reply: a simple reply as its line, a bulk reply as its
 * text. Enough for PING, CONFIG SET and INFO; everything else goes through the client in the redis package.
 */
export function redisCommand(
  { port, host = "127.0.0.1", password }: RedisAddress,
  command: readonly string[],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host });
    let received = "";
    const fail = (message: string): void => {
      socket.destroy();
      reject(new Error(message));
    };
    socket.setTimeout(answerMs, () => fail(`Redis on port ${port} did not answer`));
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => fail(`Redis on port ${port} closed the connection`));
    socket.on("connect", () => socket.write(encode(["AUTH", password]) + encode(command)));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      const reply = completeReply(received);
      if (reply === undefined) return;
      if (reply.startsWith("-")) return fail(reply.slice(1));
      socket.destroy();
      resolve(reply);
    });
  });
}

/** The reply that follows AUTH's (AUTH's own when it is an error), or undefined while it is still arriving. */
function completeReply(received: string): string | undefined {
  const [auth = "", line] = received.split("\r\n");
  if (auth.startsWith("-")) return auth;
  if (line === undefined || !received.endsWith("\r\n")) return undefined;
  if (!line.startsWith("$")) return line;
  const start = auth.length + line.length + 4;
  const length = Number(line.slice(1));
  return received.length >= start + length + 2 ? received.slice(start, start + length) : undefined;
}

function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}
