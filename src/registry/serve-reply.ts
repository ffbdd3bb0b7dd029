import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";

/** An answer before it is sent. `body` is not iterated for HEAD. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: AsyncIterable<Uint8Array>;
}

export function jsonReply(status: number, value: unknown, headers: Reply["headers"] = {}): Reply {
  const bytes = Buffer.from(JSON.stringify(value));
  return {
    status,
    headers: { "content-type": "application/json", "content-length": bytes.length, ...headers },
    body: Readable.from([bytes]),
  };
}

/** An error body as distribution-spec "Error Codes" has it. */
export function errorReply(
  status: number,
  code: string,
  message: string,
  headers: Reply["headers"] = {},
): Reply {
  return jsonReply(status, { errors: [{ code, message }] }, headers);
}

/** Writes the reply and returns the count of body bytes handed to the socket. Rejects if the peer goes away. */
export async function send(response: ServerResponse, reply: Reply, isHead: boolean): Promise<number> {
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  let sent = 0;
  if (!isHead && reply.body !== undefined) {
    for await (const chunk of reply.body) {
      sent += chunk.length;
      if (!response.write(chunk)) await drained(response);
      if (response.destroyed) return sent;
    }
  }
  response.end();
  return sent;
}

/** Until the peer has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
    if (response.destroyed) done();
  });
}
