import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HubOptions, HubProgress } from "../snapshot.js";
import type { HubServer } from "./hub-server.js";

/** A token of the form that the Hub gives out; no such token exists. */
export const TEST_TOKEN = "hf_TestTokenThatMustNeverBeSeenAnywhere";

/** A home folder of the test's own with an empty Hugging Face cache. */
export class TestHome implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stillframe-hub-"));
  readonly events: HubProgress[] = [];
  readonly env: Record<string, string>;

  constructor(hub?: HubServer, env: Record<string, string> = {}) {
    this.env = { HOME: this.folder, ...(hub && { HF_ENDPOINT: hub.endpoint }), ...env };
  }

  get cacheDir(): string {
    return join(this.folder, ".cache", "huggingface", "hub");
  }

  /** Options for this home, with waits that suit a test. */
  get options(): HubOptions {
    return {
      env: this.env,
      retry: { baseDelayMs: 5, maxDelayMs: 20, attempts: 4, stallMs: 2_000 },
      onProgress: (event) => this.events.push(event),
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A folder for one test. */
export class TestFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "stillframe-test-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Bytes that look random and are the same in every run. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 255;
  }
  return bytes;
}
