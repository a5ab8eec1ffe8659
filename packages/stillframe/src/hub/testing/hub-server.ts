import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { RepoType } from "../repo-file.js";
import { type Fault, type FaultAction, FaultList, type RecordedRequest, readBody, sendBody } from "./fault.js";
import { type RepoRequest, type ServerState, serveRepo } from "./repo-routes.js";
import { serveStorage } from "./storage-routes.js";
import { isLarge, StoredRepo } from "./stored-repo.js";

export interface HubServerOptions {
  /** Accepted tokens and what they may do. */
  readonly tokens?: Readonly<Record<string, { name: string; role: "read" | "write" }>>;
  /** Files from this size on, and all safetensors and parquet, go to large-file storage; default 1,000 bytes. */
  readonly lfsFrom?: number;
  /** Large files from this size on are uploaded in parts of this size; default never. */
  readonly partSize?: number;
  /** Entries of one page of a tree listing; default 1,000. */
  readonly treePage?: number;
}

/**
 * A Hub for tests: the endpoints of huggingface.co that `@huggingface/hub` uses, on 127.0.0.1, with a second server as
 * the large-file storage that it redirects to. It keeps everything it received and can do many things wrong.
 */
export class HubServer implements AsyncDisposable {
  readonly requests: RecordedRequest[] = [];
  readonly #state: ServerState;
  readonly #faults = new FaultList();
  readonly #servers: Server[] = [];
  endpoint = "";
  storage = "";

  private constructor(options: HubServerOptions) {
    this.#state = {
      repos: new Map(),
      objects: new Map(),
      parts: new Map(),
      tokens: options.tokens ?? {},
      lfsFrom: options.lfsFrom ?? 1_000,
      partSize: options.partSize ?? Number.POSITIVE_INFINITY,
      treePage: options.treePage ?? 1_000,
      storage: "",
      endpoint: "",
    };
  }

  static async start(options: HubServerOptions = {}): Promise<HubServer> {
    const hub = new HubServer(options);
    hub.endpoint = await hub.#listen("hub");
    hub.storage = await hub.#listen("storage");
    hub.#state.endpoint = hub.endpoint;
    hub.#state.storage = hub.storage;
    return hub;
  }

  /** Adds a repository with these files on `main`; large ones go to large-file storage as an upload's would. */
  addRepo(
    name: string,
    files: Readonly<Record<string, string | Uint8Array>>,
    options: { type?: RepoType; private?: boolean; gated?: boolean } = {},
  ): StoredRepo {
    const repo = new StoredRepo(name, { ...options, type: options.type ?? "model" });
    const stored = Object.entries(files).map(([path, text]) => {
      const content = Buffer.from(text);
      return [path, { content, lfs: isLarge(path, content.length, this.#state.lfsFrom) }] as const;
    });
    repo.commit(new Map(stored), { title: "files", branch: "main" });
    this.#state.repos.set(`${repo.type}s/${name}`, repo);
    return repo;
  }

  repo(name: string, type: RepoType = "model"): StoredRepo {
    const repo = this.#state.repos.get(`${type}s/${name}`);
    if (!repo) throw new Error(`no ${type} ${name} on the test server`);
    return repo;
  }

  fail(fault: Fault): void {
    this.#faults.add(fault);
  }

  /** Requests for contents: what a full cache must not ask for. */
  get contentRequests(): RecordedRequest[] {
    return this.requests.filter(({ server, path }) => server === "storage" || path.includes("/resolve/"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  async #listen(kind: "hub" | "storage"): Promise<string> {
    const server = createServer((request, response) => {
      this.#serve(kind, request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    this.#servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async #serve(kind: "hub" | "storage", request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/", headers } = request;
    const action = this.#faults.take(method, path);
    const body = await readBody(request, action && "dropUploadAfter" in action ? action.dropUploadAfter : undefined);
    this.requests.push({ server: kind, method, path, headers, body: body ?? Buffer.alloc(0) });
    if (body === undefined || (action && "hang" in action)) return;
    if (action && "status" in action) return answerFault(response, action);
    const call: RepoRequest = { method, url: new URL(path, this.endpoint), headers, body };
    const ranged = !(action && "ignoreRange" in action);
    const answer = kind === "hub" ? serveRepo(this.#state, call) : serveStorage(this.#state, { ...call, ranged });
    sendBody(response, answer.status, { headers: answer.headers, body: answer.body, action });
  }
}

function answerFault(response: ServerResponse, action: Extract<FaultAction, { status: number }>): void {
  const body = JSON.stringify(action.body ?? { error: `fault ${action.status}` });
  response.writeHead(action.status, { "content-type": "application/json", ...action.headers });
  response.end(body);
}
