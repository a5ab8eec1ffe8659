import assert from "node:assert/strict";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import type { TrainEvent } from "@stillframe/schema";
import { HubServer } from "../hub/testing/hub-server.js";
import { noise, TestFolder, TestHome } from "../hub/testing/test-home.js";
import { emitted } from "./emitted.js";
import { type ModelFolder, resolveModelFolder, resolveModels } from "./model-folder.js";

beforeEach(() => {
  for (const name of ["HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE"]) delete process.env[name];
});

const use = (home: TestHome, hub: HubServer) => {
  process.env.HF_ENDPOINT = hub.endpoint;
  process.env.HF_HOME = join(home.folder, ".cache", "huggingface");
};

const PARTS = ["text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae", "scheduler"];
function pipeline(): Record<string, string | Uint8Array> {
  const index = Object.fromEntries(PARTS.map((p) => [p, ["library", "Class"]]));
  const files: Record<string, string | Uint8Array> = { "model_index.json": JSON.stringify(index) };
  for (const part of ["text_encoder", "text_encoder_2", "unet", "vae"]) {
    const stem = part.startsWith("text") ? "model" : "diffusion_pytorch_model";
    files[`${part}/config.json`] = "{}";
    files[`${part}/${stem}.safetensors`] = noise(3_000, part.length);
    files[`${part}/${stem}.fp16.safetensors`] = noise(1_500, part.length);
  }
  files["scheduler/scheduler_config.json"] = "{}";
  for (const t of ["tokenizer", "tokenizer_2"]) files[`${t}/vocab.json`] = "{}";
  return files;
}

async function resolve(options: Parameters<typeof resolveModels>[0]) {
  const events: TrainEvent[] = [];
  const resolving = resolveModels(options);
  for (;;) {
    const { value, done } = await resolving.next();
    if (done) return { ...value, events };
    events.push(value);
  }
}
const base = {
  pretrained_model_name_or_path: "org/sdxl",
  pretrained_vae_model_name_or_path: null,
  revision: null,
  variant: null,
};

describe("resolveModels", () => {
  it("takes folders as they are", async () => {
    using folder = new TestFolder();
    const options = {
      ...base,
      pretrained_model_name_or_path: folder.path,
      pretrained_vae_model_name_or_path: folder.path,
    };
    const { model, vae, events } = await resolve(options);
    assert.deepEqual(
      [model, vae, events],
      [{ path: folder.path, commit: null }, { path: folder.path, commit: null }, []],
    );
  });

  it("fetches a pipeline by name, with the variant and revision asked for; its own VAE only where no other is given", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    const repo = hub.addRepo("org/sdxl", pipeline());
    hub.addRepo("org/vae", { "config.json": "{}", "diffusion_pytorch_model.safetensors": noise(2_000, 9) });
    const commit = repo.refs.get("main") as string;
    const fetched = () =>
      hub.contentRequests
        .map((r) => /(?:resolve\/[^/]+\/|filename%3D%22|filename=")([^"%?]+)/.exec(r.path)?.[1])
        .filter((p) => p?.includes("safetensors"));
    const two = await resolve({
      ...base,
      variant: "fp16",
      pretrained_vae_model_name_or_path: "org/vae",
      revision: "main",
    });
    assert.equal(two.model.commit, commit);
    assert.equal(two.model.path, join(home.cacheDir, "models--org--sdxl/snapshots", commit));
    assert.match(two.vae?.path as string, /models--org--vae/);
    const first = fetched();
    assert.ok(first.some((p) => p?.includes("fp16")) && !first.some((p) => p?.startsWith("vae/")), String(first));
    assert.ok(two.events.some((e) => e.type === "preparing" && e.stage === "download" && e.done === e.total));
    const one = await resolve(base);
    assert.deepEqual([one.vae, one.model.commit], [null, commit]);
    assert.ok(fetched().some((p) => p?.startsWith("vae/")));
    process.env.HF_HUB_OFFLINE = "1";
    hub.requests.length = 0;
    assert.deepEqual(await resolve(base), { model: one.model, vae: null, events: [] });
    assert.equal(hub.requests.length, 0);
  });

  it("says what to do when there is no such model", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    await assert.rejects(
      resolve(base),
      /model org\/sdxl .*was not found at .*, and there is no local folder of that name/,
    );
    await assert.rejects(
      resolveModelFolder("./no/such/folder"),
      /expected a diffusers folder, .* but received "\.\/no\/such\/folder"/,
    );
  });
});

describe("emitted", () => {
  it("yields what is told while the work runs, then its result", async () => {
    const seen: number[] = [];
    const running = emitted<number, ModelFolder>(async (emit) => {
      emit(1);
      await new Promise((r) => setTimeout(r, 5));
      emit(2);
      emit(3);
      return { path: "p", commit: null };
    });
    let last = await running.next();
    for (; !last.done; last = await running.next()) seen.push(last.value);
    assert.deepEqual([seen, last.value], [[1, 2, 3], { path: "p", commit: null }]);
  });

  it("throws the work's failure after what was told before it", async () => {
    const running = emitted<number, void>(async (emit) => {
      emit(1);
      throw new Error("no");
    });
    assert.deepEqual(await running.next(), { value: 1, done: false });
    await assert.rejects(running.next(), { message: "no" });
  });
});
