import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

/** What a server does wrong with a request. */
export type FaultAction =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  /** The connection is cut after so many bytes of the answer's body. */
  | { readonly dropAfter: number }
  /** The connection is cut after so many bytes of the request's body. */
  | { readonly dropUploadAfter: number }
  /** The answer says that it is this long. */
  | { readonly contentLength: number }
  /** One byte of the answer's body is another one. */
  | { readonly corruptAt: number }
  /** `Range` is not understood: the whole file is sent with status 200. */
  | { readonly ignoreRange: true }
  /** The answer never begins. */
  | { readonly hang: true }
  /** Everything is done, but the answer is lost. */
  | { readonly loseAnswer: true };

export interface Fault {
  readonly method?: string;
  /** Of the path with its query. */
  readonly path: RegExp;
  /** How many requests it meets; default 1. */
  readonly times?: number;
  readonly action: FaultAction;
}

/** A request as the server saw it. */
export interface RecordedRequest {
  readonly server: "hub" | "storage";
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Faults that wait for their requests. */
export class FaultList {
  readonly #faults: { fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  take(method: string, path: string): FaultAction | undefined {
    const found = this.#faults.find(
      ({ fault, left }) => left > 0 && fault.path.test(path) && (fault.method === undefined || fault.method === method),
    );
    if (!found) return undefined;
    found.left--;
    return found.fault.action;
  }
}

/** Sends a body as a fault wants it; `undefined` sends it right. */
export function sendBody(
  response: ServerResponse,
  status: number,
  { headers, body, action }: { headers: Record<string, string>; body: Buffer; action: FaultAction | undefined },
): void {
  let sent = body;
  if (action && "corruptAt" in action) {
    sent = Buffer.from(body);
    sent[action.corruptAt]! ^= 1;
  }
  const length = action && "contentLength" in action ? action.contentLength : sent.length;
  response.writeHead(status, { ...headers, "content-length": String(length) });
  if (action && "loseAnswer" in action) {
    response.destroy();
  } else if (action && "dropAfter" in action) {
    // A pause, as a client drops what it has not read when the connection ends.
    response.write(sent.subarray(0, action.dropAfter), () => setTimeout(() => response.destroy(), 50));
  } else if (length < sent.length) {
    response.end(sent.subarray(0, length));
  } else if (length > sent.length) {
    response.write(sent, () => response.destroy());
  } else response.end(sent);
}

/** The whole body of a request, or `undefined` when the connection was cut on the way. */
export async function readBody(request: IncomingMessage, dropAfter: number | undefined): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of request) {
      pieces.push(piece as Buffer);
      bytes += (piece as Buffer).length;
      if (dropAfter !== undefined && bytes >= dropAfter) {
        request.socket.destroy();
        return undefined;
      }
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(pieces);
}
