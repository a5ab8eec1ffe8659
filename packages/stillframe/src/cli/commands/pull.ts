import { pullOptions } from "@stillframe/schema";
import { command } from "../command.js";
import { counted } from "../quantity.js";
import { transfer } from "../transfer.js";
import { TransferProgress } from "../transfer-progress.js";

const KINDS = { pipeline: "a base model", component: "a model's component", adapter: "an adapter", unknown: "files" };

/** `stillframe pull`. The folder is all that goes to standard output: `--lora="$(stillframe pull me/my-style)"`. */
export const pullCommand = command({
  options: pullOptions,
  examples: ["stillframe pull me/my-style", "stillframe pull stabilityai/stable-diffusion-xl-base-1.0 --variant=fp16"],
  async run({ repo, revision, variant, verify, hub_token }, { terminal, library }) {
    const pull = await library.pull();
    const view = new TransferProgress({ ...terminal, out: terminal.err });
    return transfer(view, "Stopping. The same command goes on where this one stopped.", async (signal) => {
      const pulled = await pull({
        repo,
        verify,
        signal,
        ...(revision !== null && { revision }),
        ...(variant !== null && { variant }),
        ...(hub_token !== null && { token: hub_token }),
        onProgress: (event) => view.download(event),
      });
      const what = `${KINDS[pulled.kind]}, commit ${pulled.commit.slice(0, 8)}`;
      view.print(`${repo} (${what}): ${counted(pulled.files.length, "file")}, ${verify ? "hashes" : "sizes"} checked`);
      terminal.out.write(`${pulled.folder}\n`);
    });
  },
});
